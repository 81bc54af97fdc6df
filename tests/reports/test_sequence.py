"""The sequence of events behind a verdict: it has the causes."""

from harness.invariants.verdict import Verdict
from harness.report.describe import LINES_MAX
from harness.report.evidence import sequence
from harness.trace.journal import Journal


def _journal() -> Journal:
    """A callback that is refused on its way and delivered again, with what its second delivery leads to."""
    journal = Journal()
    shared = {"provider": "suno", "delivery": "d", "attempts": 4, "callback": "complete"}
    request = {"by": "suno", "host": "app", "scheme": "http", "link": "app", "method": "POST", "headers": {}}
    answered = {"provider": "suno", "outcome": "answered", "latency_s": 0.0}
    journal.add(1.0, "callback.attempt", 0, {**shared, "attempt": 1})
    journal.add(1.0, "fault", 1, {"harm": "refused-request", "link": "callbacks"})
    journal.add(1.0, "callback.answered", 1, {**answered, "status": 503, "accepted": False, "retry_in_s": 60.0})
    journal.add(61.0, "callback.attempt", 1, {**shared, "attempt": 2})
    journal.add(61.0, "request", 4, {**request, "path": "/callback", "body": None})
    journal.add(61.0, "callback.answered", 4, {**answered, "status": 200, "accepted": True, "retry_in_s": None})
    return journal


def _told(journal: Journal, *evidence: int) -> list[int]:
    verdict = Verdict("settles", "violated", "because", evidence)
    return [number for _, number, _, _ in sequence(journal, verdict)]


def test_it_has_the_faults_on_messages_and_the_reason_for_a_repeated_callback() -> None:
    assert _told(_journal(), 5) == [1, 2, 3, 4, 5]


def test_what_went_well_and_what_has_nothing_to_do_with_it_is_left_out() -> None:
    journal = _journal()
    journal.add(99.0, "fault", 0, {"harm": "slow-answer", "link": "kie"})
    assert 6 not in _told(journal, 5)
    assert 7 not in _told(journal, 5)


def test_the_evidence_is_always_included() -> None:
    journal = _journal()
    for _ in range(2 * LINES_MAX):
        journal.add(61.0, "fault", 4, {"harm": "slow-answer", "link": "callbacks"})
    told = _told(journal, 5, len(journal))
    assert len(told) == LINES_MAX
    assert {5, len(journal)} <= set(told)
