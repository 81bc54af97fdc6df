"""What a scenario says in vain: it is reported where it stands, and nothing else is.

A fault that is reported never acts in a run of any strategy, and a key that is reported changes no journal.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.engine.run import resolve, run
from harness.errors import EXIT_HELD, EXIT_USAGE
from harness.scenario import catalogue
from harness.scenario.lint import in_vain
from harness.scenario.loader import parse_scenario, warnings_of
from harness.scenario.model import Scenario
from harness.strategies.registry import STRATEGIES
from harness.trace.events import FaultTriggered, NeverActed
from harness.trace.journal import Journal

REJECTED = "{fails: 500}"
WHY = "why: it says something in vain\n"
COMPLETE = """containing: '"callbackType":"complete"', """


def parsed(text: str) -> Scenario:
    return parse_scenario(WHY + text, path="a.yaml", name="group/a")


def first_warning(text: str) -> str:
    return warnings_of(parsed(text))[1].splitlines()[0]


# Faults

REFUSED = "connection-refused"
NEVER_ACT = {
    "faults: [{to: kie, probability: 0, fault: slow-answer}]\n": (
        "2:20: faults[0].probability: with a probability of 0 the fault never acts"
    ),
    "faults: [{to: kie, from: 61m, fault: slow-answer}]\n": (
        "2:20: faults[0].from: the run ends before, at the deadline of 1h"
    ),
    "deadline: 10m\nfaults: [{to: callbacks, from: 11m, fault: slow-answer}]\n": (
        "3:26: faults[0].from: the run ends before, at the deadline of 10m"
    ),
    "faults: [{to: kie, fault: {slow-answer: {takes: 0s}}}]\n": (
        "2:20: faults[0].fault: changes nothing with these parameters"
    ),
    "faults: [{to: kie, fault: {altered-answer: {text: a, by: a}}}]\n": (
        "2:20: faults[0].fault: changes nothing with these parameters"
    ),
    "faults: [{to: callbacks, fault: {altered-request: {text: a, by: a}}}]\n": (
        "2:26: faults[0].fault: changes nothing with these parameters"
    ),
    "faults: [{to: kie, path: /api/v1/generate/record-info, fault: slow-answer}]\n": (
        "2:20: faults[0].path: requests to this path are on the link suno, never on kie"
    ),
    "faults: [{to: suno, path: /api/v1/generate/image, fault: slow-answer}]\n": (
        "2:21: faults[0].path: requests to this path are on the link kie, never on suno"
    ),
    """faults: [{to: callbacks, containing: '"code": 200', fault: slow-answer}]\n""": (
        "2:26: faults[0].containing: callbacks have no space after a colon between a key and its value; remove it"
    ),
    """faults: [{to: callbacks, containing: '"callbackType":"done"', fault: slow-answer}]\n""": (
        '2:26: faults[0].containing: no callback of this scenario has the type "done"'
    ),
    f"faults: [{{to: callbacks, {COMPLETE}fault: slow-answer}}]\nsuno: {{music: [{{callbacks: never}}]}}\n": (
        '2:26: faults[0].containing: no callback of this scenario has the type "complete"'
    ),
    f"faults: [{{to: callbacks, {COMPLETE}fault: slow-answer}}]\nsuno: {{music: [{{sends: [text]}}]}}\n": (
        '2:26: faults[0].containing: no callback of this scenario has the type "complete"'
    ),
    f"faults: [{{to: callbacks, {COMPLETE}fault: slow-answer}}]\nsuno: {{music: [{{takes: never}}, {REJECTED}]}}\n": (
        '2:26: faults[0].containing: no callback of this scenario has the type "complete"'
    ),
    f"faults: [{{to: callbacks, {COMPLETE}fault: slow-answer}}]\n"
    "suno: {music: [{fails: {code: 500, when: after-generating}}]}\n": (
        '2:26: faults[0].containing: no callback of this scenario has the type "complete"'
    ),
    f"faults: [{{to: kie, fault: {REFUSED}}}, {{to: kie, from: 1m, fault: never-connects}}]\n": (
        "2:68: faults[1].fault: never acts: fault 1 of the file ends every message or connection that it covers"
    ),
    f"faults: [{{to: callbacks, which: first, fault: slow-answer}}, {{to: callbacks, fault: {REFUSED}}}]\n": (
        "2:40: faults[0].fault: never acts: fault 2 of the file ends every message or connection that it covers"
    ),
    "faults: [{to: kie, fault: reset-before-answer}, {to: kie, method: POST, path: /api, fault: stalled-body}]\n": (
        "2:85: faults[1].fault: never acts: fault 1 of the file ends every message or connection that it covers"
    ),
}


@pytest.mark.parametrize("text", NEVER_ACT)
def test_a_fault_that_can_never_act_is_reported_and_never_acts(text: str) -> None:
    scenario = parsed(text)
    assert first_warning(text) == f"a.yaml:{NEVER_ACT[text]}"
    (number,) = {finding.where[1] for finding in in_vain(scenario)}
    assert isinstance(number, int)
    alone = scenario.faults[number].fault.name
    for name in STRATEGIES:
        result = run(scenario, resolve(name))
        assert result.journal is not None
        assert alone not in {entry.event.harm for entry in result.journal.of(FaultTriggered)}, name


@pytest.mark.parametrize(
    "text",
    [
        "faults: [{to: kie, from: 59m, fault: slow-answer}]\n",
        "faults: [{to: media, from: 61m, fault: slow-answer}]\n",  # pictures are looked at after the deadline
        "faults: [{to: kie, which: 7th, fault: slow-answer}]\n",
        "faults: [{to: kie, path: /api/v1/generate, fault: slow-answer}]\n",
        "faults: [{to: kie, path: /api/v1/jobs/createTask, fault: slow-answer}]\n",
        "faults: [{to: suno, path: /api/v1/generate, fault: slow-answer}]\n",
        f"faults: [{{to: callbacks, {COMPLETE}fault: slow-answer}}]\n",
        f"faults: [{{to: callbacks, {COMPLETE}fault: slow-answer}}]\n"
        "suno: {music: [{callbacks: never}], strays: [{after: 9s, what: old-music}]}\n",
        f"faults: [{{to: callbacks, {COMPLETE}fault: slow-answer}}]\nsuno: {{music: [{{fails: 500}}, {{}}]}}\n",
        """faults: [{to: kie, containing: '"model": "', fault: slow-answer}]\n""",  # of an application
        """faults: [{to: callbacks, containing: 'he said \\": ', fault: slow-answer}]\n""",
        f"faults: [{{to: kie, which: first, fault: {REFUSED}}}, {{to: kie, fault: never-connects}}]\n",
        f"faults: [{{to: kie, until: 1m, fault: {REFUSED}}}, {{to: kie, fault: never-connects}}]\n",
        f"faults: [{{to: suno, fault: {REFUSED}}}, {{to: kie, fault: never-connects}}]\n",
        f"faults: [{{to: kie, fault: {REFUSED}}}, {{to: kie, fault: slow-answer}}]\n",  # by another host
        "faults: [{to: kie, fault: slow-connect}, {to: kie, fault: never-connects}]\n",
        "faults: [{to: kie, method: GET, fault: reset-before-answer}, {to: kie, fault: stalled-body}]\n",
        "faults: [{to: kie, probability: 0.5, fault: reset-before-answer}, {to: kie, fault: stalled-body}]\n",
        "faults: [{to: kie, fault: reset-before-answer}, {to: kie, fault: slow-answer}]\n",
    ],
)
def test_a_fault_that_may_act_is_not_reported(text: str) -> None:
    assert not in_vain(parsed(text))


# Keys

AFTER = "{code: 500, when: after-generating}"
WITHOUT_EFFECT: dict[tuple[str, str], str] = {
    ("suno: {extras: {cover: {fails: 500, takes: 9s}}}\n", "suno: {extras: {cover: {fails: 500}}}\n"): (
        "2:37: suno.extras.cover.takes: has no effect, since the request is rejected"
    ),
    (
        "suno: {extras: {lyrics: {callback: never, callback-times: 2}}}\n",
        "suno: {extras: {lyrics: {callback: never}}}\n",
    ): "2:43: suno.extras.lyrics.callback-times: has no effect, since no callback is sent",
    ("suno: {variants: [{takes: never, cover: none}]}\n", "suno: {variants: [{takes: never}]}\n"): (
        "2:34: suno.variants[0].cover: has no effect, since the music is never finished"
    ),
    ("apart: 5s\n", ""): "2:1: apart: has no effect with one track",
    ("suno: {music: [{fails: 500, takes: 9s}]}\n", "suno: {music: [{fails: 500}]}\n"): (
        "2:29: suno.music[0].takes: has no effect, since the request is rejected"
    ),
    ("suno: {music: [{takes: never, cover: none}]}\n", "suno: {music: [{takes: never}]}\n"): (
        "2:31: suno.music[0].cover: has no effect, since the music is never finished"
    ),
    (f"suno: {{music: [{{fails: {AFTER}, cover-url: 'null'}}]}}\n", f"suno: {{music: [{{fails: {AFTER}}}]}}\n"): (
        "2:61: suno.music[0].cover-url: has no effect, since the generation fails"
    ),
    ("suno: {music: [{callbacks: never, sends: [text]}]}\n", "suno: {music: [{callbacks: never}]}\n"): (
        "2:35: suno.music[0].sends: has no effect, since no callback is sent"
    ),
    ("suno: {music: [{callbacks: never, task-id-on-top: true}]}\n", "suno: {music: [{callbacks: never}]}\n"): (
        "2:35: suno.music[0].task-id-on-top: has no effect, since no callback is sent"
    ),
    ("suno: {music: [{sends: [complete], text-carries: empty}]}\n", "suno: {music: [{sends: [complete]}]}\n"): (
        "2:36: suno.music[0].text-carries: has no effect, since no text callback is sent"
    ),
    ("suno: {music: [{sends: [first], empty-complete: true}]}\n", "suno: {music: [{sends: [first]}]}\n"): (
        "2:33: suno.music[0].empty-complete: has no effect, since no complete callback is sent"
    ),
    ("suno: {music: [{error-carries: empty}]}\n", ""): (
        "2:17: suno.music[0].error-carries: has no effect, since the music does not fail"
    ),
    ("suno: {music: [{apart: 9s}]}\n", ""): (
        "2:17: suno.music[0].apart: has no effect, since no callback is sent out of order or more than once"
    ),
    ("kie: {images: [{fails: 500, callback: never}]}\n", "kie: {images: [{fails: 500}]}\n"): (
        "2:29: kie.images[0].callback: has no effect, since the request is rejected"
    ),
    ("kie: {images: [{takes: never, answer: wrapped}]}\n", "kie: {images: [{takes: never}]}\n"): (
        "2:31: kie.images[0].answer: has no effect, since the picture is never finished"
    ),
    ("kie: {images: [{waits: never, takes: 9s}]}\n", "kie: {images: [{waits: never}]}\n"): (
        "2:31: kie.images[0].takes: has no effect, since the generation never starts"
    ),
    (f"kie: {{images: [{{fails: {AFTER}, picture: 64x64}}]}}\n", f"kie: {{images: [{{fails: {AFTER}}}]}}\n"): (
        "2:61: kie.images[0].picture: has no effect, since the generation fails"
    ),
    ("kie: {images: [{callback: never, callback-times: 2}]}\n", "kie: {images: [{callback: never}]}\n"): (
        "2:34: kie.images[0].callback-times: has no effect, since no callback is sent"
    ),
    ("kie: {images: [{fails: 500}, {fails: 500}]}\n", "kie: {images: [{fails: 500}]}\n"): (
        "2:30: kie.images[1]: has no effect: the entry before it applies to all later tasks as well"
    ),
    ("suno: {credits: 100}\nkie: {credits: 14}\n", "kie: {credits: 14}\n"): (
        "2:8: suno.credits: has no effect: both providers share one account, and kie.credits is lower"
    ),
    ("suno: {key-quota: 14}\nkie: {key-quota: 100}\n", "suno: {key-quota: 14}\n"): (
        "3:7: kie.key-quota: has no effect: both providers share one account, and suno.key-quota is lower"
    ),
    ("kie: {credits: 14, key-quota: 14}\n", "kie: {credits: 14}\n"): (
        "2:20: kie.key-quota: is never spent: the account has 14 credits"
    ),
    ("suno: {retries-after: [], stops-at-4xx: true}\n", "suno: {retries-after: []}\n"): (
        "2:27: suno.stops-at-4xx: has no effect without redeliveries"
    ),
    (
        "suno: {strays: [{after: 95s, what: forgery, forgery: stale}]}\n",
        "suno: {strays: [{after: 95s, what: forgery, forgery: unsigned}]}\n",
    ): '2:45: suno.strays[0].forgery: "stale" is the same as "unsigned" without a key; add signing: true',
    ("platform: {cron-every: 2m}\n", ""): ("2:12: platform.cron-every: has no effect without background-limit:"),
}


def _said(journal: Journal | None) -> list[tuple[str, str]]:
    """Return the entries of a journal, without the harness's own names for what was sent and what was not."""
    assert journal is not None
    entries = (entry for entry in journal if not isinstance(entry.event, NeverActed))
    return [(entry.kind, entry.to_json().replace("forgery:stale", "forgery:unsigned")) for entry in entries]


@pytest.mark.parametrize(("text", "without"), WITHOUT_EFFECT)
def test_a_key_without_effect_is_reported_and_changes_no_journal(text: str, without: str) -> None:
    assert first_warning(text) == f"a.yaml:{WITHOUT_EFFECT[text, without]}"
    assert len(in_vain(parsed(text))) == 1
    assert not in_vain(parsed(without))
    for name in STRATEGIES:
        one, other = run(parsed(text), resolve(name)).journal, run(parsed(without), resolve(name)).journal
        assert _said(one) == _said(other), name


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        (
            "kie: {images: [{takes: 2h}]}\n",
            "2:17: kie.images[0].takes: the picture is finished only after the run's end",
        ),
        (
            "kie: {images: [{waits: 2h}]}\n",
            "2:17: kie.images[0].waits: the picture is finished only after the run's end",
        ),
        ("suno: {music: [{takes: 2h}]}\n", "2:17: suno.music[0].takes: the music is finished only after the run's end"),
        (
            "kie: {images: [{callback-late: 2h}]}\n",
            "2:17: kie.images[0].callback-late: the callback is sent only after the run's end, the deadline of 1h; "
            "write never, or a later deadline",
        ),
        (
            "suno: {strays: [{after: 2h, what: old-music}]}\n",
            "2:18: suno.strays[0].after: the run ends before, at the deadline of 1h",
        ),
        ("platform: {restarts: [2h]}\n", "2:23: platform.restarts[0]: the run ends before, at the deadline of 1h"),
        ("platform: {answer-limit: 2h}\n", "2:12: platform.answer-limit: the run ends before, at the deadline of 1h"),
        (
            "platform: {background-limit: 0s, cron-every: 2h}\n",
            "2:34: platform.cron-every: the run ends before, at the deadline of 1h",
        ),
    ],
)
def test_what_comes_after_the_deadline_is_reported(text: str, reported: str) -> None:
    assert first_warning(text).startswith(f"a.yaml:{reported}")
    assert not in_vain(parsed("deadline: 3h\n" + text))


@pytest.mark.parametrize(
    "text",
    [
        "tracks: 2\napart: 5s\n",
        "suno: {music: [{sends: [complete, complete], apart: 9s}]}\n",
        "suno: {music: [{sends: [complete, text], apart: 9s, text-carries: empty}]}\n",
        f"suno: {{music: [{{fails: {AFTER}, error-carries: empty, task-id-on-top: true, record-lags: 5m}}]}}\n",
        "suno: {music: [{callbacks: never, cover: none, unknown-status: true, swapped-case: true}]}\n",
        f"kie: {{images: [{{fails: {AFTER}, takes: 9s, callback-late: 3s, callback-times: 2}}]}}\n",
        "kie: {images: [{callback: never, record-lags: never}]}\n",
        "kie: {images: [{takes: {usually: 1s, sometimes: 2h, share: 0.5}}]}\n",
        "kie: {images: [{fails: 500}, {takes: 9s}, {fails: 500}]}\n",
        "suno: {credits: 14}\nkie: {key-quota: 5}\n",
        "suno: {retries-after: [1m], stops-at-4xx: true}\n",
        "signing: true\nsuno: {strays: [{after: 95s, what: forgery, forgery: altered}]}\n",
        "suno: {strays: [{after: 95s, what: forgery, forgery: forged}]}\n",
        "platform: {background-limit: 0s, cron-every: 2m, answer-limit: 10s, restarts: [59m]}\n",
    ],
)
def test_keys_that_have_an_effect_together_are_not_reported(text: str) -> None:
    assert not in_vain(parsed(text))


def test_no_shipped_scenario_says_anything_in_vain() -> None:
    assert [(scenario.name, in_vain(scenario)) for scenario in catalogue.select([]) if in_vain(scenario)] == []


# The command


@pytest.fixture
def validated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Validate a file with this text."""
    monkeypatch.chdir(tmp_path)

    def command(text: str, *words: str) -> tuple[int, str, str]:
        (tmp_path / "a.yaml").write_text(WHY + text, "utf-8")
        done = CliRunner().invoke(cli, ["validate", "a.yaml", *words])
        return done.exit_code, done.stdout, done.stderr

    return command


def test_validate_warns_with_file_line_and_column(validated: Callable[..., tuple[int, str, str]]) -> None:
    code, said, warned = validated("apart: 5s\nplatform:\n  cron-every: 2m\n")
    assert (code, said) == (EXIT_HELD, "1 of 1 scenario file valid, 2 warnings\n")
    assert warned == (
        "warning: a.yaml:2:1: apart: has no effect with one track\n    apart: 5s\n    ^\n"
        "a.yaml:4:3: platform.cron-every: has no effect without background-limit:\n"
        "      cron-every: 2m\n      ^\n"
    )


def test_validate_fails_for_a_warning_if_strict(validated: Callable[..., tuple[int, str, str]]) -> None:
    assert validated("apart: 5s\n", "--strict")[0] == EXIT_USAGE
    Path("harness.toml").write_text("[options]\nstrict = true\n", "utf-8")  # that of run and compare
    assert validated("apart: 5s\n")[0] == EXIT_HELD
    Path("harness.toml").unlink()
    assert validated("tracks: 2\napart: 5s\n", "--strict") == (EXIT_HELD, "1 of 1 scenario file valid\n", "")
