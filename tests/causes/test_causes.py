"""Causes: each names what deviated first, the code, and everything that follows from it."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from harness.causes.find import NOT_FOUND, causes
from harness.engine.run import resolve, run
from harness.engine.session import Plan, Session
from harness.report.causes import causes_report, chief_causes, grouped
from harness.report.json import result_json
from harness.results.archive_file import read_results
from harness.results.result import Result
from harness.scenario import catalogue
from harness.strategies.registry import STRATEGIES
from harness.trace.events import ContractBroken, Request, RequestAbandoned, Response, StoreWrite
from harness.trace.journal import Journal
from harness.trace.view import TraceView
from harness.world.run_header import keys
from tests import in_process
from tests.causes.shop import line_of

SHOP = Path(__file__).with_name("shop.py")


def played(factory: str, scenario: str) -> Result:
    return run(catalogue.select([scenario])[0], resolve(f"{SHOP}:{factory}"), 1)


def strategy(name: str, scenario: str) -> Result:
    return run(catalogue.select([scenario])[0], resolve(name), 1)


# What the product is for: from the first command to the named cause


@pytest.mark.parametrize(
    ("factory", "scenario", "kind", "invariants", "said"),
    [
        pytest.param(
            "asks_for_a_callback",
            "baseline/healthy",
            "lost",
            {"image-present", "resolution-true", "failure-visible"},
            ["with a callBackUrl), so its response brought a task id and no picture", "98 s", "stored nothing of it"],
            id="null cover by callBackUrl",
        ),
        pytest.param(
            "falls_back",
            "baseline/healthy",
            "lost",
            {"image-2k"},
            ["with a callBackUrl), so its response brought a task id", "the 2048x1152 picture at 98 s"],
            id="small cover by fallback",
        ),
        pytest.param(
            "asks_for_less",
            "baseline/healthy",
            "quality",
            {"image-2k", "resolution-true", "fallback-labelled", "failure-visible"},
            ["(resolution 1024x576,", "made a picture of 1024x576", "stored a picture of 1024x576"],
            id="wrong size asked for",
        ),
        pytest.param(
            "behind_a_login",
            "baseline/healthy",
            "refused",
            {"settles", "audio-kept", "callback-answered"},
            ['POST /music/{id} answered the "text" callback with HTTP 401: Not authenticated'],
            id="callback behind a login",
        ),
        pytest.param(
            "works_afterwards",
            "platform/frozen-after-answer",
            "platform",
            {"settles", "within-platform-limit"},
            ["the platform froze the instance at 90 s, after its response"],
            id="frozen work",
        ),
        pytest.param(
            "correct_but_slow",
            "slow/image-76s",
            "late",
            {"callback-answered", "generates-once", "idempotent"},
            ["after 76 s, not within 15 s: it waited 76 s for POST /api/v1/generate/image"],
            id="76 s and two pictures charged",
        ),
        pytest.param(
            "raises",
            "baseline/healthy",
            "exception",
            {"settles", "callback-answered"},
            ["POST /music/{id} raised at 90 s: KeyError: 'cover'"],
            id="an error in the handler",
        ),
    ],
)
def test_the_cause_is_named_and_all_that_follows_from_it(
    factory: str, scenario: str, kind: str, invariants: set[str], said: list[str]
) -> None:
    result = played(factory, scenario)
    (cause,) = result.causes
    assert (cause.kind, set(cause.invariants)) == (kind, invariants)
    assert [text for text in said if text not in cause.sentence] == []


def test_polling_that_overwrites_is_named_with_both_writes() -> None:
    cause = next(cause for cause in strategy("polling", "baseline/healthy").causes if "image-2k" in cause.invariants)
    assert cause.kind == "order"
    said = r"2K picture was on the track at \S+ s, and a write at \S+ s replaced it by .*360x360"
    assert re.search(said, cause.sentence)
    assert cause.where[0].startswith("harness/strategies/")


def test_a_forged_callback_is_one_cause_whatever_it_changed() -> None:
    causes = strategy("trusting", "callbacks/forgery-unsigned").causes
    (forged,) = [cause for cause in causes if "rejects-forgery" in cause.invariants]
    assert "believed a forged callback" in forged.sentence
    assert "audio-kept" in forged.invariants


def test_a_picture_that_is_stored_and_cannot_be_seen_is_not_called_lost() -> None:
    (cause,) = played("correct_but_slow", "media/status-403-with-picture").causes
    assert "stored Kie.ai's address of the picture, where a browser finds none: it answers HTTP 403" in cause.sentence
    assert f"shop.py:{line_of('completes')} in Shop.make_picture" in cause.where


def test_a_broken_contract_is_one_cause_with_the_picture_that_it_cost() -> None:
    causes = strategy("synchronous", "failing/http-404-documented").causes
    (broken,) = [cause for cause in causes if cause.kind == "contract"]
    assert {"honours-contract", "image-present"} <= set(broken.invariants)


def test_a_journal_of_another_origin_keeps_its_verdicts() -> None:
    result = strategy("synchronous", "failing/http-404-documented")
    assert result.journal is not None
    emptied = Journal()
    for entry in result.journal:
        facts = {**entry.facts, "problems": []} if isinstance(entry.event, ContractBroken) else entry.facts
        emptied.add(entry.at_s, entry.kind, entry.cause, facts)
    found = causes(TraceView(emptied), result.verdicts)
    assert sorted(name for cause in found for name in cause.invariants) == sorted(result.violated)
    assert any(NOT_FOUND in cause.sentence for cause in found)


def test_a_quotation_that_is_cut_short_has_no_part_of_a_key() -> None:
    cause = played("logs_its_key", "baseline/healthy").causes[0]
    assert 'logged "a picture for nobody, with the key..' in cause.sentence
    assert [key for key in keys(1) if key[:4] in cause.sentence] == []


# Where in the code


@pytest.mark.parametrize(
    ("factory", "scenario", "comment", "function"),
    [
        ("raises", "baseline/healthy", "raises", "Raises.make_picture"),
        ("sleeps", "baseline/healthy", "sleeps", "Sleeps.make_picture"),
        ("refuses", "baseline/healthy", "refuses", "Refuses.music"),
        ("waits_in_a_task", "slow/image-301s", "waits", "WaitsInATask.order_picture"),
        ("asks_for_less", "baseline/healthy", "completes", "Shop.make_picture"),
    ],
)
def test_the_line_of_the_code_is_named(factory: str, scenario: str, comment: str, function: str) -> None:
    (cause, *_) = played(factory, scenario).causes
    assert f"shop.py:{line_of(comment)} in {function}" in cause.where


def test_the_code_behind_requests_writes_and_responses_is_in_the_journal() -> None:
    journal = played("waits_in_a_task", "slow/image-16s").journal
    assert journal is not None
    order = next(entry.event for entry in journal.of(Request) if entry.event.path == "/api/v1/generate/image")
    functions = [each.partition(" in ")[2] for each in order.where or ()]
    assert functions == ["Shop.post", "Shop.order_picture", "WaitsInATask.order_picture", "Shop.make_picture"]
    write = journal.of(StoreWrite)[-1].event
    assert write.where is not None
    assert write.where[1].startswith(f"shop.py:{line_of('completes')} ")
    waited = next(entry.event for entry in journal.of(RequestAbandoned))
    assert waited.where is not None
    assert waited.where[0].startswith(f"shop.py:{line_of('waits')} ")
    answered = [e.event for e in journal.of(Response) if e.event.where]
    assert {each.where[0].partition(" in ")[2] for each in answered if each.where} >= {"Shop.create", "Shop.music"}


def test_the_code_of_a_test_or_of_the_harness_is_never_named() -> None:
    journal = strategy("acknowledge-first", "baseline/healthy").journal
    assert journal is not None
    named = {each for entry in journal for each in getattr(entry.event, "where", None) or ()}
    assert named
    assert [each for each in named if not each.startswith("harness/strategies/")] == []


# Every violation has one


OFTEN = ("trusting", "synchronous", "mapped-callback")
SAMPLE = ["baseline/healthy", "slow/image-76s", "failing", "callbacks/duplicate-complete", "platform/two-instances"]


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_violation_belongs_to_exactly_one_cause(name: str) -> None:
    _played_with_their_causes(name, SAMPLE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in OFTEN else pytest.mark.thorough) for name in STRATEGIES]
)
def test_so_does_every_violation_of_the_catalogue_and_all_are_told_in_16_kb(name: str) -> None:
    results = _played_with_their_causes(name, ())
    console = Console(width=100, no_color=True, file=io.StringIO())
    console.print(causes_report(results, {}))
    text = re.sub(" +$", "", console.file.getvalue(), flags=re.MULTILINE)  # type: ignore[attr-defined]
    assert len(text.encode()) <= 16_000
    assert [group.cause.sentence for group in grouped(results) if group.runs[0].scenario not in text] == []


def _played_with_their_causes(name: str, selectors: Sequence[str]) -> list[Result]:
    target = resolve(name)
    return [_with_its_causes(run(scenario, target, 1)) for scenario in catalogue.select(selectors)]


def _with_its_causes(result: Result) -> Result:
    assert result.journal is not None
    explained = [invariant for cause in result.causes for invariant in cause.invariants]
    assert sorted(explained) == sorted(result.violated), result.scenario
    for cause in result.causes:
        assert 0 < len(cause.because) <= 8, result.scenario
        assert all(1 <= number <= len(result.journal) for number in cause.because)
        assert cause.sentence
        assert "\n" not in cause.sentence
        assert NOT_FOUND not in cause.sentence
    sentences = [(cause.kind, cause.sentence) for cause in result.causes]
    assert len(sentences) == len(set(sentences)), result.scenario
    return result


# Many runs


def test_runs_are_grouped_by_cause_the_most_frequent_first() -> None:
    results = [strategy("trusting", each) for each in ("slow/image-16s", "baseline/healthy", "failing/code-401")]
    first, second = grouped(results)
    assert [result.scenario for result in first.runs] == ["slow/image-16s", "baseline/healthy"]
    assert first.invariants["image-2k"] == 2
    assert [result.scenario for result in second.runs] == ["failing/code-401"]
    assert "106 s" in first.cause.sentence, "as it was in its first run"


def test_a_comparison_names_the_most_frequent_cause_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = catalogue.select(["baseline/healthy", "slow/image-16s", "failing/code-401"])
    compared = Session(Plan(chosen, [resolve("trusting"), resolve("acknowledge-first")])).compare()
    Console(width=200, no_color=True).print(chief_causes(compared))
    title, line, *rest = capsys.readouterr().out.splitlines()
    assert title.strip() == "most frequent causes"
    assert re.match(r"trusting 2 × POST /api/v1/generate/image .* so its response brought a task id", line)
    assert "acknowledge-first" not in " ".join(rest)


def test_a_cause_survives_being_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "results"
    monkeypatch.setattr("sys.argv", ["harness", "run", "trusting", "slow/image-16s", "-q", "--save", str(file)])
    with pytest.raises(SystemExit):
        in_process.main()
    (stored,) = read_results(str(file)).runs
    assert stored.result.causes == strategy("trusting", "slow/image-16s").causes
    assert result_json(stored.result)["causes"][0]["kind"] == "lost"


def test_what_came_after_a_second_order_is_not_its_cause() -> None:
    causes = strategy("polling", "platform/two-instances").causes
    (cause,) = [cause for cause in causes if "generates-once" in cause.invariants]
    assert "98 s" not in cause.sentence, "when the first picture was dropped, the second had long been ordered"


def test_a_picture_that_was_used_after_all_is_not_called_lost() -> None:
    for cause in strategy("synchronous", "callbacks/complete-repeated-by-a-proxy").causes:
        assert "not stored" not in cause.sentence


def test_an_enlarged_picture_is_named_with_the_size_that_it_was_made_at() -> None:
    (cause,) = strategy("synchronous", "low-resolution/enlarged-from-360").causes
    assert "Kie.ai made a picture of 2048x1152, enlarged from 360x360" in cause.sentence
