"""The diagram's steps: merged, on the right lanes, for any journal."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.report.diagram import LANES, Step, lanes_of, steps
from harness.report.html.runs import Shared, run_view
from harness.results.archive import StoredScenario
from harness.results.archive_file import packed_run
from harness.trace.events import CallbackAttempt
from harness.trace.journal import Journal, entry_of
from tests.reports.runs import made_up_result, real_results


def told(scenario: str, implementation: str) -> list[Step]:
    return steps(real_results().by_key()[scenario, implementation].journal)


def test_a_late_response_is_shown_step_by_step() -> None:
    all_steps = told("slow/image-16s", "synchronous")
    late = [
        step for step in all_steps if 90 <= step.at_s <= 106 and step.kind in ("callback", "request", "answer", "event")
    ]
    assert [(step.source, step.target, step.text, step.trouble) for step in late] == [
        ("suno", None, "suno task e495fd35: success", False),
        ("suno", "app", 'callback "complete"', False),
        ("app", "media", "GET /p/9b4849046367cc5f.jpeg", False),
        ("media", "app", "200", False),
        ("app", "kie", "POST /api/v1/generate/image", False),
        ("kie", None, "kie accepts image task 60ad4d69 for 5 credits", False),
        ("suno", None, "sees: timeout after 15 s; again in 60 s", True),
        ("kie", None, "kie task 60ad4d69: success", False),
        ("kie", "app", "200 after 16 s", False),
        ("app", "media", "GET /p/31bc48807784bd75.png", False),
        ("media", "app", "200", False),
        ("app", "suno", "200 after 16 s: too late", True),
    ]


def test_a_callback_is_one_step_for_its_attempt_and_its_request() -> None:
    journal = real_results().by_key()["slow/image-16s", "synchronous"].journal
    callbacks = [step for step in told("slow/image-16s", "synchronous") if step.kind == "callback"]
    assert len(callbacks) == len(journal.of(CallbackAttempt)) == 4
    for step in callbacks:
        request, attempt = step.entries
        assert (journal[request].kind, journal[attempt].kind) == ("request", "callback.attempt")
        assert journal[request].cause == attempt
    assert callbacks[-1].text == 'callback "complete", attempt 2 of 4'


def test_a_response_refers_to_its_request() -> None:
    all_steps = told("baseline/healthy", "acknowledge-first")
    asked = {step.entries[0]: step for step in all_steps if step.kind in ("request", "callback")}
    answers = [step for step in all_steps if step.kind == "answer"]
    assert len(answers) == len(asked)
    for answer in answers:
        request = asked[answer.answers or 0]
        assert (answer.source, answer.target) == (request.target, request.source)


def test_a_forgery_is_called_one() -> None:
    forged = [step for step in told("callbacks/forgery-unsigned", "synchronous") if "forged" in step.text]
    assert [(step.kind, step.trouble) for step in forged] == [("callback", True)] * 3


def test_every_step_of_every_run_is_on_a_known_lane_and_in_order() -> None:
    for run in real_results().runs:
        journal = run.journal
        all_steps = steps(journal)
        assert [step.at_s for step in all_steps] == sorted(step.at_s for step in all_steps)
        assert {step.source for step in all_steps} <= set(LANES)
        assert "other" not in lanes_of(all_steps)
        shown = {number for step in all_steps for number in step.entries}
        assert all(1 <= number <= len(journal) for number in shown)
        missed = {entry.kind for entry in journal if entry.number not in shown}
        assert missed <= {
            "run.began",
            "implementation.loaded",
            "track.submitted",
            "track.accepted",
            "track.final",
            "credits",
            "picture.published",
            "audio.probed",  # drawn where it does not play
            "callback.answered",
            "request.abandoned",
        }


def test_the_five_lanes_are_always_there() -> None:
    assert lanes_of([]) == ["app", "store", "suno", "kie", "media"]


KINDS = st.sampled_from(
    [
        *("request", "response", "request.abandoned", "callback.attempt", "callback.answered", "store.write", "log"),
        *("fault", "picture.probed", "run.began", "run.ended", "task.created", "contract.broken", "something.new"),
    ]
)
FACTS = st.dictionaries(
    st.sampled_from(
        ["request", "host", "by", "link", "provider", "before", "after", "text", "level", "hosts", "accepted", "speed"]
    ),
    st.none() | st.integers(-2, 9) | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    max_size=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a machine that is busy, which is no fault
@given(st.lists(st.tuples(KINDS, FACTS, st.integers(0, 5)), max_size=8))
def test_facts_of_any_shape_make_steps_and_a_page(entries: list[tuple[str, dict[str, object], int]]) -> None:
    journal = Journal(
        entry_of(number, float(number), kind, min(cause, number - 1), facts)
        for number, (kind, facts, cause) in enumerate(entries, start=1)
    )
    for step in steps(journal):
        assert step.source in LANES
    run = packed_run(replace(made_up_result(), journal=journal))
    view = run_view(run, StoredScenario("made/up"), Shared())
    assert len(view["entries"]) == len(entries)
