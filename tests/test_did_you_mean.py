"""A suggestion is of the kind that belongs in its place: no fault for a duration, no import for an application."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

from harness.bench.models import MODELS, model_called
from harness.bench.thresholds import METRICS, read_threshold
from harness.cli import cli
from harness.cli.options_file import SETTINGS, from_file
from harness.config.app_config import TRACK_FIELDS
from harness.config.environment import LIMITS
from harness.config.loader import read_settings
from harness.engine.judging import judging
from harness.engine.outputs import Outputs
from harness.engine.run import resolve, run
from harness.errors import HarnessError
from harness.fakes.pictures import FLAWS, FORMATS
from harness.fakes.registry import LINKS
from harness.fakes.script import CallbackKind, ImageAnswer, ImageUrlText
from harness.faults.registry import FAULTS
from harness.invariants.logging import LOG_EVENTS
from harness.invariants.registry import INVARIANTS
from harness.plugins import plugins
from harness.report.registry import SHIPPED
from harness.scenario import catalogue
from harness.scenario.loader import parse_scenario
from harness.scenario.schema import ScenarioKeys
from harness.strategies.registry import STRATEGIES
from harness.targets import Implementation
from harness.targets.limits import limits

Lookup = Callable[[str], object]


def _scenario(template: str) -> Lookup:
    """Return a function that reads a scenario with a word in some place."""
    return lambda word: parse_scenario(f"why: it shows what happens\n{template % word}\n", path="a.yaml", name="a/a")


def _config(template: str) -> Lookup:
    """Return a function that reads a harness.toml with a word in some place."""

    def read(word: str) -> object:
        path = Path("harness.toml")
        path.write_text('[application]\ncommand = "true"\n' + template % word, "utf-8")
        return read_settings(path)

    return read


def _options(word: str) -> object:
    Path("harness.toml").write_text(f"[options]\n{word} = 1\n", "utf-8")
    return from_file()


def _command(word: str) -> object:
    done = CliRunner().invoke(cli, [word, "--help"])
    if done.exit_code:
        raise HarnessError(done.output)
    return done


KINDS: dict[str, tuple[Iterable[str], Lookup]] = {
    "scenarios": ([*catalogue.shipped_names(), *catalogue.GROUPS], lambda word: catalogue.select([word])),
    "strategies": (STRATEGIES, resolve),
    "invariants": (INVARIANTS, lambda word: judging([word])),
    "impossible invariants": (INVARIANTS, _scenario("impossible: {%s: because}")),
    "severities": ((), lambda word: judging((), [f"settles={word}"])),
    "reports": (SHIPPED, lambda word: Outputs(reports={word: "a file"}).check()),
    "models": (MODELS, model_called),
    "metrics": (METRICS, lambda word: read_threshold(f"{word}>1s", STRATEGIES)),
    "strategies of a bench": (STRATEGIES, lambda word: read_threshold(f"answer.p95@{word}>1s", STRATEGIES)),
    "commands": (cli.commands, _command),
    "limits": (LIMITS, lambda word: limits([f"{word}=1m"])),
    "options": (SETTINGS, _options),
    "faults": (FAULTS, _scenario("faults: [{to: kie, fault: %s}]")),
    "links": (LINKS, _scenario("faults: [{to: %s, fault: slow-answer}]")),
    "flaws": (FLAWS, _scenario("kie: {images: [{picture: {flaw: %s}}]}")),
    "formats": (FORMATS, _scenario("kie: {images: [{picture: {format: %s}}]}")),
    "answers": (get_args(ImageAnswer), _scenario("kie: {images: [{answer: %s}]}")),
    "addresses": (get_args(ImageUrlText), _scenario("kie: {images: [{picture-url: %s}]}")),
    "callbacks": (get_args(CallbackKind), _scenario("suno: {music: [{sends: [%s]}]}")),
    "keys": (sorted(str(field.alias) for field in ScenarioKeys.model_fields.values()), _scenario("%s: {}")),
    "fields of a track": (TRACK_FIELDS, _config("[track]\nsqlite = 'a.db'\n[track.fields]\n%s = 'a'\n")),
    "events of a log": (LOG_EVENTS, _config("[logs]\n%s = 'a'\n")),
    "durations": ((), _scenario("deadline: %s")),
    "sizes": ((), _scenario("kie: {images: [{picture: %s}]}")),
    "occurrences": ((), _scenario("faults: [{to: kie, which: %s, fault: slow-answer}]")),
}
"""The valid names of each kind, and what reads one of them."""
OF_ALL_KINDS = sorted(
    {name for names, _ in KINDS.values() for name in [*names][:15]} | {"complete", "failed", "pending"}
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def suggested(lookup: Lookup, word: str) -> list[str]:
    """Return what is suggested for a word; nothing for one that is right."""
    try:
        lookup(word)
    except HarnessError as error:
        return re.findall(r'did you mean "([^"]*)"', str(error))
    return []


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_of_another_kind_gets_no_suggestion_of_another_kind(kind: str) -> None:
    names, lookup = KINDS[kind]
    found = {word: suggested(lookup, word) for word in OF_ALL_KINDS}
    assert {word: each for word, each in found.items() if not set(each) <= {*names}} == {}


@pytest.mark.parametrize("kind", [kind for kind, (names, _) in KINDS.items() if names])
def test_a_slip_gets_a_suggestion_of_its_kind(kind: str) -> None:
    names, lookup = KINDS[kind]
    for name in [*names][:20]:
        found = suggested(lookup, f"{name}x")
        assert found, name
        assert set(found) <= {*names}, name


# Keys of scenario files


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "takes: 8m\n",
            'unknown key "takes"; it belongs to suno.music, suno.variants, kie.images and others',
        ),
        ("kie: {sends: [text]}\n", 'kie: unknown key "sends"; it belongs to suno.music'),
        ("kie: {images: [{flaw: svg}]}\n", 'unknown key "flaw"; it belongs to kie.images.picture, kie.forgeries.'),
        ("kie: {faults: []}\n", 'kie: unknown key "faults"; it belongs to the top of the file'),
        ("faults: [{to: kie, slow-answer: {}}]\n", 'faults[0]: unknown key "slow-answer"; it belongs to faults.fault'),
        (
            "kie: {images: [{takes: {median: 8s, p95: 9s, shar: 1}}]}\n",
            'kie.images[0].takes: unknown key "shar", expected median or p95',
        ),
        (
            "kie: {images: [{takes: {usually: 8s, sometimes: 9s, shar: 1}}]}\n",
            'kie.images[0].takes: unknown key "shar"; did you mean "share"?',
        ),
        ("faults: [{to: kie, fault: {slow-answer: {ever: 3s}}}]\n", 'slow-answer: unknown key "ever", expected takes'),
    ],
)
def test_a_key_of_another_block_is_not_taken_for_a_slip(text: str, says: str) -> None:
    with pytest.raises(HarnessError, match=re.escape(says)):
        _scenario("%s")(text)


# Names in a user's modules


def test_an_import_or_a_constant_is_no_application(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "import asyncio as apps\nfrom pathlib import Path as App\nAPP = 'app'\napp_1 = 3\n"
        "async def make_music(payload, track): ...\n",
        "utf-8",
    )
    assert suggested(_started, "shop.py:app") == []
    assert suggested(_started, "shop.py:make_musik") == ["make_music"]


def _started(target: str) -> object:
    found = resolve(target)
    assert isinstance(found, Implementation)
    return run(catalogue.select(["baseline/healthy"])[0], found)


def test_a_constant_is_no_plugin(tmp_path: Path) -> None:
    (tmp_path / "shop_plugins.py").write_text("import re as teapots\nTEAPOT = 'Teapot'\nclass Kettle: ...\n", "utf-8")
    for name, found in {"Teapot": [], "Kettles": ["Kettle"]}.items():
        (tmp_path / "harness.toml").write_text(f"[plugins]\nreports = ['shop_plugins:{name}']\n", "utf-8")
        assert suggested(lambda _: plugins("reports"), name) == found
