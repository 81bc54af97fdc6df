"""Results archives: they are read back whole, the same runs give the same bytes, and a damaged file is refused."""

import gzip
import json
import random
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.pool import play_pairs
from harness.engine.run import resolve, run
from harness.engine.session import results_of, stored_run
from harness.errors import HarnessError
from harness.results.archive import Results
from harness.results.archive_file import (
    FORMAT,
    PIECE_CHARACTERS,
    StoredResultsError,
    packed_run,
    read_results,
    read_results_from,
    write_results,
    write_results_to,
)
from harness.results.comparison import summarise
from harness.results.redaction import redacted
from harness.scenario import catalogue
from harness.trace.events import Response
from tests.reports.runs import SCENARIOS, STRATEGIES, made_up_results, real_results


def saved(results: Results) -> bytes:
    file = BytesIO()
    write_results_to(file, results)
    return file.getvalue()


def read(content: bytes) -> Results:
    return read_results_from(BytesIO(content), "a.results")


def lines_of(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def file_of(lines: list[Any]) -> bytes:
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())


# What was saved


def test_what_was_saved_comes_back_whole() -> None:
    before = real_results()
    after = read(saved(before))
    assert replace(after, runs=()) == replace(before, runs=())
    for was, now in zip(before.runs, after.runs, strict=True):
        assert now.result == replace(was.result, wall_s=0.0)
        assert now.journal.to_jsonl() == was.journal.to_jsonl()
        assert now.pictures == was.pictures


def test_a_stored_journal_is_the_journal_of_the_run() -> None:
    scenario = catalogue.select(["slow/image-16s"])[0]
    journal = run(scenario, resolve("synchronous")).journal
    assert journal is not None
    assert real_results().by_key()["slow/image-16s", "synchronous"].journal.to_jsonl() == journal.to_jsonl()


def test_the_figures_of_stored_results_are_those_of_the_runs() -> None:
    results = read(saved(real_results()))
    comparison = results.comparison()
    assert comparison is not None
    assert comparison.summary("synchronous") == results.summary("synchronous")
    assert "callback-answered" in results.summary("synchronous").violations
    assert results.summary("synchronous") == summarise(
        "synchronous", [each.result for each in real_results().runs if each.result.implementation == "synchronous"]
    )
    assert replace(results, runs=results.runs[1:]).comparison() is None


@pytest.mark.slow
def test_the_same_runs_give_the_same_bytes_on_however_many_cores() -> None:
    scenarios = catalogue.select(SCENARIOS)
    pairs = [(scenario, resolve(name)) for scenario in scenarios for name in STRATEGIES]
    runs = list(play_pairs(pairs, 1, 2, stored_run))
    assert saved(results_of(scenarios, STRATEGIES, 1, reversed(runs))) == saved(real_results())


def test_the_picture_on_a_track_is_kept_in_small_and_each_once() -> None:
    results = real_results()
    shown = results.by_key()["baseline/healthy", "synchronous"].pictures
    [(url, picture)] = shown.items()
    assert url.startswith("http://")
    assert (picture.format, picture.width, picture.height) == ("png", 2048, 1152)
    lines = lines_of(saved(results))
    digests = [line["thumbnail"]["digest"] for line in lines if "thumbnail" in line]
    assert digests == list(dict.fromkeys(digests)) == list(results.thumbnails())
    bodies = [entry.facts["body"] for entry in results.by_key()["baseline/healthy", "synchronous"].journal.of(Response)]
    assert any(isinstance(body, dict) and body.get("sha256") == picture.digest for body in bodies)
    assert not results.by_key()["slow/image-never", "synchronous"].pictures


def test_pictures_are_kept_only_where_they_are_wanted() -> None:
    scenario = catalogue.select(["baseline/healthy"])[0]
    assert not run(scenario, resolve("synchronous")).pictures


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_text_survives(text: str) -> None:
    results = read(saved(made_up_results(text=text)))
    assert results.runs[0].result.verdicts[0].reason == text
    assert results.runs[0].journal[4].facts["text"] == text
    assert saved(read(saved(results))) == saved(results)


def long_results(character: str) -> Results:
    """Results of a run whose journal takes two lines."""
    made = made_up_results(text=character * (PIECE_CHARACTERS // 3))
    (run,) = made.runs
    whole = replace(run.result, journal=run.journal, pictures=run.pictures)
    return replace(made, runs=(packed_run(redacted(whole)),))


def test_a_journal_that_is_too_long_for_a_line_goes_on_in_others() -> None:
    before = long_results("ä")
    content = saved(before)
    lines = lines_of(content)
    assert [line["journal"][0]["n"] for line in lines if "journal" in line] == [1, 3]
    after = read(content)
    assert after.runs[0].journal.to_jsonl() == before.runs[0].journal.to_jsonl()
    assert after.runs[0].entries == before.runs[0].entries == 6
    assert saved(after) == content


@pytest.mark.parametrize("more", [-1, 3.0, True, "3", None, 10**9])
def test_the_number_of_lines_in_which_a_journal_goes_on_is_checked(more: object) -> None:
    head, line, end = lines_of(saved(made_up_results()))
    assert refusal_of(file_of([head, {**line, "more": more}, end])).startswith("a.results:2: more: expected the number")


def test_a_journal_that_goes_on_with_something_else_is_refused() -> None:
    head, run, more, end = lines_of(saved(long_results("a")))
    assert read(file_of([head, run])).runs == ()  # it was cut off within the run
    shorter = {"journal": more["journal"][1:]}
    assert refusal_of(file_of([head, run, shorter, end])).startswith("a.results:3: entry 3 of the journal: expected ")
    assert refusal_of(file_of([head, run, end])).startswith("a.results:3: a run without")
    assert "expected a thumbnail, a run or the end" in refusal_of(file_of([head, run, more, more, end]))


# What is refused


def refusal_of(content: bytes) -> str:
    with pytest.raises(StoredResultsError) as refused:
        read(content)
    return str(refused.value)


def test_a_file_that_is_something_else_is_named_so() -> None:
    told = "a.results:1: not a results archive; `harness compare --save FILE` writes one"
    assert refusal_of(b'{"format": "harness-results/1"}') == told
    assert refusal_of(file_of([{"journal": 1}])) == told
    assert refusal_of(b"") == "a.results:1: the file is empty"
    assert refusal_of(gzip.compress(b"")) == "a.results:1: the file is empty"


def test_a_file_of_another_version_is_named_so() -> None:
    later = FORMAT.replace("/1", "/2")
    assert "expected format harness-stored-results/1, found harness-stored-results/2" in refusal_of(
        file_of([{"format": later, "harness": "9.9"}])
    )


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"none\.results: there is no such file"):
        read_results(str(tmp_path / "none.results"))
    with pytest.raises(HarnessError, match="cannot be read"):
        read_results(str(tmp_path))
    with pytest.raises(HarnessError, match="cannot be written"):
        write_results(str(tmp_path), real_results())


@pytest.mark.slow
def test_a_file_that_was_cut_off_anywhere_is_read_up_to_its_last_whole_run() -> None:
    whole = real_results()
    content = saved(whole)
    found: list[Results | None] = []
    for end in range(1, len(content), max(1, len(content) // 200)):
        try:
            found.append(read_results_from(BytesIO(content[:end]), "a.results"))
        except StoredResultsError:
            found.append(None)
    cut = [each for each in found if each is not None]
    assert found[: len(found) - len(cut)] == [None] * (len(found) - len(cut))  # cut off before the first run
    for each in cut:
        assert not each.is_whole
        assert [run.packed for run in each.runs] == [run.packed for run in whole.runs[: len(each.runs)]]
    assert len({len(each.runs) for each in cut}) > 1


def test_a_file_without_its_end_is_not_whole() -> None:
    lines = lines_of(saved(real_results()))
    found = read_results_from(BytesIO(file_of(lines[:-1])))
    assert not found.is_whole
    assert [run.key for run in found.runs] == [run.key for run in real_results().runs]
    assert "by the end line, found" in refusal_of(file_of([*lines[:-2], lines[-1]]))
    assert "after the end line" in refusal_of(file_of([*lines, {}]))


def test_a_damaged_file_is_refused_or_read_correctly() -> None:
    content, draw = saved(read(saved(made_up_results()))), random.Random(7)
    for _ in range(300):
        at = draw.randrange(len(content))
        spoilt = content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]
        with suppress(StoredResultsError):
            assert saved(read(spoilt)) == content


SPOILT: dict[str, tuple[Any, str]] = {
    "verdicts": ("no list", "a.results:2: verdicts"),
    "metrics": ({"tracks": [{"outcome": "excellent", "picture_after_s": None}]}, "metrics.tracks.0.outcome"),
    "simulated_s": ("long", "a.results:2: simulated_s"),
    "scenario": ("another", "is missing in the head"),
    "tracks": (7, "a.results:2: tracks"),
}


@pytest.mark.parametrize("field", SPOILT)
def test_a_malformed_result_is_reported_with_its_line(field: str) -> None:
    value, told = SPOILT[field]
    head, line, end = lines_of(saved(made_up_results()))
    assert told in refusal_of(file_of([head, {**line, "run": {**line["run"], field: value}}, end]))


@pytest.mark.parametrize(
    "spoilt",
    [
        {"n": 7},
        {"at_s": -1.0},
        {"at_s": "soon"},
        {"at_s": 1e300},
        {"kind": None},
        {"cause": 3},
        {"cause": True},
        {"facts": []},
    ],
    ids=str,
)
def test_a_malformed_journal_is_reported_with_its_entry(spoilt: dict[str, Any]) -> None:
    head, line, end = lines_of(saved(made_up_results()))
    line["journal"][2] = {**line["journal"][2], **spoilt}
    told = "a.results:2: entry 3 of the journal: expected "
    assert refusal_of(file_of([head, line, end])).startswith(told)


def test_a_thumbnail_is_a_small_webp_file_or_refused() -> None:
    lines = lines_of(saved(real_results()))
    at = next(number for number, line in enumerate(lines) if "thumbnail" in line)
    for change in ({"webp": "PHN2Zz4="}, {"digest": '"><script>'}, {"webp": 7}, {"width": "wide"}):
        spoilt = [*lines]
        spoilt[at] = {"thumbnail": {**lines[at]["thumbnail"], **change}}
        assert refusal_of(file_of(spoilt)).startswith(f"a.results:{at + 1}: ")
    assert "a picture without a thumbnail in the file" in refusal_of(file_of([*lines[:at], *lines[at + 1 :]]))


def test_what_json_is_not_and_what_is_nested_too_deeply_is_refused() -> None:
    head, *_ = lines_of(saved(made_up_results()))
    for line in (b'{"run": NaN}', b'{"run": 1e999}', b"[" * 100_000, b"[]", b"\xff\xfe", b"1" * 5_000):
        content = gzip.compress(json.dumps(head).encode() + b"\n" + line + b"\n")
        assert refusal_of(content).startswith("a.results:2: not ")


def test_a_file_that_unpacks_without_end_is_refused() -> None:
    content = gzip.compress(b"[" * 1_000_000)
    with pytest.raises(StoredResultsError, match="expected at most 1000 bytes in a line"):
        read_results_from(BytesIO(content), "a.results", line_bytes_max=1_000)


def test_a_run_is_stored_once() -> None:
    head, line, end = lines_of(saved(made_up_results()))
    assert "a duplicate run" in refusal_of(file_of([head, line, line, end]))
    with pytest.raises(AssertionError):
        packed_run(real_results().runs[0].result)
