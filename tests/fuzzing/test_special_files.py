"""Every command reads every special file, and says clearly what is wrong with it."""

import os
from pathlib import Path

import pytest

from tests.fuzzing.commands import READING, Commands
from tests.fuzzing.special_files import SPECIAL_FILES
from tests.fuzzing.values import DEEP, DIGITS, JSON_VALUES

COMMANDS = {
    "validate": ["validate", "file.yaml"],
    "show": ["show", "file.yaml"],
    "judge": ["judge", "file.yaml"],
    "report": ["report", "file.yaml", "--json", os.devnull],
    "merge": ["merge", "file.yaml", "--save", os.devnull],
    "a baseline": ["run", "strict", "baseline/healthy", "--baseline", "file.yaml"],
    "a session to resume": ["run", "strict", "baseline/healthy", "--resume", "file.yaml"],
    "samples of a bench": ["bench", "strict", "--tracks", "1", "--samples", "file.yaml"],
    "a baseline of a bench": ["bench", "strict", "--tracks", "1", "--baseline", "file.yaml"],
    "a configuration": ["config"],
}
QUICK = "judge"
SINGLE = ("validate", "show", "judge", "report")
"""Commands that read nothing else, so that what is no valid file for them is an error."""
VALID = {("validate", "text"), ("show", "text"), ("validate", "UTF-8 with a mark"), ("show", "UTF-8 with a mark")}


def cases() -> list[object]:
    return [
        pytest.param(command, special, marks=() if command == QUICK else pytest.mark.slow)
        for command in COMMANDS
        for special in SPECIAL_FILES
    ]


@pytest.mark.parametrize(("command", "special"), cases())
def test_a_special_file_is_read_or_refused(command: str, special: str, tmp_path: Path, harness: Commands) -> None:
    path = tmp_path / ("harness.toml" if command == "a configuration" else "file.yaml")
    SPECIAL_FILES[special](path)
    if special == "unreadable" and os.access(path, os.R_OK):
        pytest.skip("root can read every file")
    ended = harness(COMMANDS[command], READING)
    if command in SINGLE:
        assert (ended.code == 0) == ((command, special) in VALID)


LONG = "a" * 1000
WITH_LONG_NAMES = [
    *(["run", LONG], ["run", f"{LONG}:app", "baseline/healthy"], ["run", f"{LONG}.py:app", "baseline/healthy"]),
    *(["run", f"{LONG}.toml", "baseline/healthy"], ["doctor", LONG], ["init", LONG], ["serve", LONG], ["show", LONG]),
    *(["validate", LONG], ["judge", LONG], ["report", LONG, "--json", LONG], ["merge", LONG, "--save", LONG]),
    *(["run", "strict", "baseline/healthy", option, LONG] for option in ("--save", "--journal", "--html", "--off")),
    *(["bench", "strict", "--tracks", "1", option, LONG] for option in ("--samples", "--baseline", "--json")),
]


@pytest.mark.slow
@pytest.mark.parametrize("words", WITH_LONG_NAMES, ids=lambda words: " ".join(words).replace(LONG, "LONG"))
def test_a_name_that_no_file_can_have_is_an_error(words: list[str], harness: Commands) -> None:
    ended = harness(words)
    assert ended.code == 2


WITH_LONG_NUMBERS = [
    *(["run", "strict", "baseline/healthy", option, DIGITS] for option in ("--seed", "--workers", "--speed")),
    *(["run", "strict", "baseline/healthy", "--shard", f"{DIGITS}/{DIGITS}"], ["serve", "--port", DIGITS]),
    *(["run", "shop.py:app", "baseline/healthy", "--limit", f"{name}={DIGITS}GiB"] for name in ("memory", "time")),
    *(["bench", "strict", "--tracks", "1", option, "nan"] for option in ("--rate", "--for", "--fail-if")),
    ["bench", "strict", "--tracks", "1", "--fail-if", f"p99>{DIGITS}s"],
]


@pytest.mark.slow
@pytest.mark.parametrize("words", WITH_LONG_NUMBERS, ids=lambda words: " ".join(words)[:60])
def test_a_number_of_thousands_of_digits_in_an_option_is_an_error(words: list[str], harness: Commands) -> None:
    assert harness(words, report_characters_max=3 * len(DIGITS)).code == 2


DIGITS_IN_TOML = [f"deadline = {DIGITS}", f'takes = "{DIGITS}s"', "a = " + "[" * 10_000, f"a = 1e{DIGITS}", "a = nan"]
TABLES = ["", "[application]", "[start]", "[options]", "[invariants]", "[cell]", "[plugins]"]


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("line", DIGITS_IN_TOML, ids=lambda line: line[:20])
def test_a_configuration_of_long_numbers_and_deep_lists_is_an_error(
    table: str, line: str, tmp_path: Path, harness: Commands
) -> None:
    (tmp_path / "harness.toml").write_text(f"{table}\n{line}\n", "utf-8")
    assert harness(["run", ".", "baseline/healthy"]).code == 2
    harness(["config"])


@pytest.mark.slow
@pytest.mark.parametrize("command", ["validate", "judge"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * DEEP, bytes(33 * 2**20), f"why: {DIGITS}s\nx".encode()])
def test_what_comes_from_stdin_is_refused_like_a_file(
    command: str, content: bytes, tmp_path: Path, harness: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "content").write_bytes(content)
    with (tmp_path / "content").open(encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert harness([command, "-"]).code == 2


ENTRY = '{"startedDateTime": %s, "time": %s, "request": {"method": "GET", "url": %s}, "response": %s}'
HAR = f'{{"log": {{"entries": [{ENTRY}]}}}}'
GOOD = ('"2026-01-01T00:00:00Z"', "12.5", '"https://musicfile.api.box/a.jpg"', '{"content": {"text": "{}"}}')


@pytest.mark.slow
@pytest.mark.parametrize("at", range(len(GOOD)))
def test_a_har_file_of_odd_values_is_an_error(at: int, tmp_path: Path, harness: Commands) -> None:
    for value in JSON_VALUES:
        (tmp_path / "samples.har").write_text(HAR % (*GOOD[:at], value, *GOOD[at + 1 :]), "utf-8", "backslashreplace")
        harness(["bench", "strict", "--tracks", "1", "--samples", "samples.har"])
