"""Judging: a pure function of the journal, also of one that was read back; switched off, made milder, and added to."""

import pytest

from harness.engine.judging import Judging
from harness.engine.run import judged_again
from harness.engine.session import exit_code
from harness.errors import JournalError
from harness.fakes.script import Failure, Image
from harness.invariants.judge import judge
from harness.invariants.metrics import measure
from harness.invariants.registry import INVARIANTS
from harness.invariants.verdict import Finding, Verdict, held, violated
from harness.results.result import Result
from harness.trace.events import LogLine, Request
from harness.trace.journal import body_facts, read_journal
from harness.trace.view import TraceView
from tests.invariants.chronicle import Chronicle, verdict
from tests.invariants.stage import broken, played, scene
from tests.invariants.test_every_invariant_is_seen_to_fail import CASES, Case

RUINED = scene(Image(fails=Failure(500)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.breaks}-{case.application}")
def test_a_journal_that_was_read_back_is_judged_like_the_one_that_was_written(case: Case) -> None:
    result = played(case.application, case.scenario)
    assert result.journal is not None
    text = result.journal.to_jsonl()
    again = read_journal(text)
    assert judge(again) == judge(result.journal) == result.verdicts
    assert measure(again) == result.metrics
    assert judged_again(again).verdicts == result.verdicts
    assert again.to_jsonl() == text
    assert again.digest() == result.journal.digest()


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c", "\n", "\r\n"])
def test_a_line_in_a_log_may_hold_what_some_take_for_an_end_of_line(mark: str) -> None:
    c = Chronicle()
    c.log(f"before{mark}after")
    journal = c.end()
    again = read_journal(journal.to_jsonl())
    assert [entry.facts["text"] for entry in again.of(LogLine)] == [f"before{mark}after"]


@pytest.mark.parametrize("body", [b'{"steps": NaN}', b"[Infinity]", b"[-Infinity]"])
def test_a_body_that_is_not_quite_json_is_kept_as_text(body: bytes) -> None:
    c = Chronicle()
    c.request("/x", body=body_facts(body, "application/json"))
    assert read_journal(c.end().to_jsonl()).of(Request)[0].facts["body"] == body.decode()


def test_judging_twice_gives_the_same_verdicts_and_leaves_the_journal_as_it_was() -> None:
    result = played("NeverGivesUp", RUINED)
    assert result.journal is not None
    before = result.journal.to_jsonl()
    assert judge(result.journal) == judge(result.journal)
    assert result.journal.to_jsonl() == before


def test_the_verdicts_come_in_the_catalogues_order_with_their_usual_severity() -> None:
    verdicts = judge(Chronicle().end())
    assert [verdict.invariant for verdict in verdicts] == list(INVARIANTS)
    assert [verdict.severity for verdict in verdicts] == [invariant.severity for invariant in INVARIANTS.values()]


def test_an_invariant_can_be_switched_off_or_made_milder() -> None:
    journal = Chronicle().end()
    names = {verdict.invariant for verdict in judge(journal, off=["settles"])}
    assert names == set(INVARIANTS) - {"settles"}
    milder = {v.invariant: v.severity for v in judge(journal, severities={"settles": "warning"})}
    assert milder["settles"] == "warning"
    assert milder["audio-kept"] == "error"


def test_a_user_invariant_is_judged_last_and_has_error_severity() -> None:
    def no_more_than_one_request(reading: TraceView) -> Finding:
        """My account is billed by the request."""
        extra = reading.own_requests[1:]
        return violated(f"{len(extra) + 1} requests", *extra) if extra else held("one request")

    result = played("Shop", scene(), judging=Judging(own={"my-rule": no_more_than_one_request}))
    assert result.violated == ("my-rule",)
    assert result.verdicts[-1].invariant == "my-rule"
    assert result.verdicts[-1].evidence
    assert exit_code([result]) == 1


def test_a_users_own_invariant_may_take_the_place_of_a_shipped_one() -> None:
    result = played("NeverGivesUp", RUINED, judging=Judging(own={"settles": lambda reading: held("I do not mind")}))
    assert result.violated == ()
    assert len(result.verdicts) == len(INVARIANTS)


def test_an_invariant_that_crashes_is_unknown_and_never_a_pass() -> None:
    def broken_rule(reading: TraceView) -> Finding:
        raise ZeroDivisionError("division by zero")

    result = played("Shop", scene(), judging=Judging(own={"my-rule": broken_rule}))
    assert result.verdict("my-rule").state == "unknown"
    assert "ZeroDivisionError: division by zero" in result.verdict("my-rule").reason
    assert result.unknown == ("my-rule",)
    assert exit_code([result]) == 3


def test_a_damaged_journal_makes_verdicts_unknown_but_stops_no_other_one() -> None:
    c = Chronicle()
    c.note("contract.broken", c.request("/x"))
    states = {verdict.invariant: verdict.state for verdict in judge(c.end())}
    assert states["honours-contract"] == "unknown"
    assert states["settles"] == "violated"


def test_nothing_is_known_of_a_run_that_could_not_be_simulated() -> None:
    c = Chronicle()
    c.note("run.refused", sentence="a thread calls back")
    verdicts = judge(c.end(ending="refused"), own={"my-rule": lambda reading: held("fine")})
    assert {verdict.state for verdict in verdicts} == {"unknown"}
    assert all("a thread calls back" in verdict.reason for verdict in verdicts)


def test_a_thread_of_unknown_origin_makes_the_whole_run_unknown() -> None:
    result = played("UsesAForeignThread", scene())
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert result.ending == "refused"


def test_an_impossible_invariant_is_no_violation_but_another_one_is() -> None:
    impossible = (("settles", "the music never ends"),)
    spared = played("NeverGivesUp", scene(Image(fails=Failure(500)), impossible=impossible))
    assert broken(spared) == ()
    assert spared.verdict("settles").state == "not applicable"
    assert "the music never ends" in spared.verdict("settles").reason
    assert broken(played("NeverGivesUp", RUINED)) == ("settles",)


def test_what_was_called_impossible_and_was_done_is_held_all_the_same() -> None:
    reasons = tuple((name, "nobody can") for name in INVARIANTS)
    plain, spared = played("Shop", scene()), played("Shop", scene(impossible=reasons))
    assert [(v.invariant, v.state) for v in plain.verdicts] == [(v.invariant, v.state) for v in spared.verdicts]
    assert plain.verdict("image-2k").state == "held"


def test_an_impossible_invariant_that_is_inconclusive_stays_unknown() -> None:
    c = Chronicle(impossible={"settles": "nobody can"})
    assert verdict(c.end(source=None), "settles").state == "unknown"


def test_a_warning_does_not_fail_a_run_and_an_unknown_does_not_pass_it() -> None:
    def result(*verdicts: Verdict) -> Result:
        return Result("s", "i", 1, verdicts, measure(Chronicle().end()), (), "quiescent", 0.0, 0.0)

    assert exit_code([result(Verdict("a", "violated", "", (), "warning"))]) == 0
    assert exit_code([result(Verdict("a", "unknown", "", (), "warning"))]) == 0
    assert exit_code([result(Verdict("a", "not applicable", ""))]) == 0
    assert exit_code([result(Verdict("a", "held", "")), result(Verdict("a", "unknown", ""))]) == 3
    assert exit_code([result(Verdict("a", "violated", "")), result(Verdict("a", "unknown", ""))]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found an empty file"),
        ('{"journal":2}\n', "journal version 2"),
        ('{"journal":1}\n', "expected at least one entry, found none"),
        ('{"journal":1}\n{"n":1,"at_s":0,"kind":"x","cause":1,"facts":{}}\n', "found other types"),
        ('{"journal":1}\n{"n":2,"at_s":0,"kind":"x","cause":0,"facts":{}}\n', "expected entry 1, found entry 2"),
        ('{"journal":1}\n{"n":1,"at_s":0,"kind":"x"', "may be truncated"),
    ],
)
def test_a_journal_that_cannot_be_read_says_where_and_why(text: str, said: str) -> None:
    with pytest.raises(JournalError, match=said):
        read_journal(text)
