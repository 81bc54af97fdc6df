"""The simulated world as a whole: how runs end, how tracks are observed, and what never gets into the journal."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine.run import resolve, run
from harness.fakes.latency import Never
from harness.fakes.script import Image, KieScript, Script
from harness.results.result import Result
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.scenario.platform import Platform
from harness.targets import load
from harness.trace.events import (
    AudioProbed,
    CallbackAnswered,
    ImageProbed,
    InstanceExited,
    LogLine,
    Request,
    Response,
    RunEnded,
    RunRefused,
    StoreWrite,
)
from harness.world.simulated.world import SimulatedWorld

APPLICATIONS = Path(__file__).parent / "applications.py"
NEVER = Scenario("test/never", "Kie.ai never answers.", script=Script(kie=KieScript(images=(Image(takes=Never()),))))
HEALTHY = Scenario("test/healthy", "All is well.")


def _run(name: str, scenario: Scenario = HEALTHY) -> Result:
    result = run(scenario, load(f"{APPLICATIONS}:{name}"))
    assert result.journal is not None
    return result


def test_waiting_for_ever_without_a_timeout_is_reported_as_a_deadlock() -> None:
    result = _run("patient", NEVER)
    assert result.ending == "deadlock"
    assert result.simulated_s < NEVER.deadline_s
    assert "with requests still pending" in result.verdict("settles").reason
    assert result.journal is not None
    ended = result.journal.of(RunEnded)[0].facts
    unanswered = {result.journal[number].facts["path"] for number in ended["unanswered"]}
    assert "/api/v1/generate/image" in unanswered


def test_a_task_of_the_application_that_waits_for_ever_is_listed() -> None:
    result = _run("forgetful")
    assert "(still waiting: forgetful.<locals>.make_picture)" in result.verdict("settles").reason
    healthy = _run("hard_coded").journal
    assert healthy is not None
    assert healthy.of(RunEnded)[0].facts["waiting"] == []


def test_an_abandoned_generator_is_listed_under_the_name_of_its_finalizer() -> None:
    reason = _run("half_read").verdict("settles").reason
    assert "still waiting: " in reason
    assert "async_generator_a" in reason


def test_a_hard_coded_https_address_is_served_and_trusted() -> None:
    result = _run("hard_coded")
    assert result.violated == ()
    assert result.metrics.tracks[0].outcome == "2k"
    assert result.journal is not None
    asked = [entry for entry in result.journal.of(Request) if entry.facts["host"] == "api.kie.ai"]
    assert {entry.facts["scheme"] for entry in asked} == {"https"}


def test_an_application_without_a_database_is_read_over_http_whenever_time_advances() -> None:
    result = _run("in_memory")
    assert result.track is not None
    assert result.track["status"] == "complete"
    assert result.metrics.tracks[0].outcome == "2k"
    # an overwrite that is repaired later still happened, and the picture in between had no label
    assert result.violated == ("never-downgraded", "fallback-labelled")


def test_providers_continue_after_the_application_ends_its_process() -> None:
    result = _run("leaving")
    assert result.journal is not None
    exited = result.journal.of(InstanceExited)[0]
    assert (exited.at_s, exited.facts["code"]) == (30.0, "3")
    later = [entry for entry in result.journal.of(CallbackAnswered) if entry.at_s > 30]
    assert {entry.facts["outcome"] for entry in later} == {"refused"}
    assert "callback-answered" in result.violated


@pytest.mark.parametrize(("name", "code"), [("stopping", "loop.stop()"), ("cancelling", "CancelledError")])
def test_an_application_that_stops_its_loop_or_cancels_its_servers_task_ends_its_process(name: str, code: str) -> None:
    result = _run(name)
    assert result.journal is not None
    exited = result.journal.of(InstanceExited)[0]
    assert (exited.at_s, exited.facts["code"]) == (30.0, code)
    assert "callback-answered" in result.violated


def test_an_application_sees_the_tasks_of_its_own_process_only() -> None:
    journal = _run("counting_tasks", replace(HEALTHY, tracks=3, platform=Platform(instances=2))).journal
    assert journal is not None
    assert [line.facts["text"] for line in journal.of(LogLine)] == [
        "_live run_asgi wait",
        "_live run_asgi wait",
        "_live run_asgi wait wait",
    ]


def test_a_run_whose_own_task_is_cancelled_is_inconclusive() -> None:
    world = SimulatedWorld(HEALTHY, load(f"{APPLICATIONS}:in_memory"), 1)

    def cancel() -> None:
        (task,) = (task for task in asyncio.all_tasks(world.loop) if "_until_failure" in repr(task))
        task.cancel()

    world.loop.call_later(0.0, cancel)
    refused = world.run().of(RunRefused)
    assert "the tasks in which the harness drives a run" in refused[0].facts["sentence"]


def test_an_application_may_end_its_process_when_it_is_shut_down() -> None:
    result = _run("leaving_at_shutdown")
    assert result.ending == "quiescent"
    assert result.metrics.tracks[0].outcome == "2k"


def test_uncaught_errors_go_to_the_applications_log_and_do_not_end_the_run() -> None:
    result = _run("careless")
    assert result.metrics.tracks[0].outcome == "2k"
    assert result.journal is not None
    lines = [entry.facts for entry in result.journal.of(LogLine) if entry.facts["logger"] == "asyncio"]
    assert {facts["level"] for facts in lines} == {"error"}
    lost = {facts["text"].partition("ValueError: ")[2] for facts in lines}
    assert lost == {"a task", "a plain task", "a callback", "a partial", "a timer", "a future"}
    assert not [facts["text"] for facts in lines if re.search("0x[0-9a-f]", facts["text"])]


def test_neither_paths_nor_addresses_of_objects_get_into_the_journal() -> None:
    journal = _run("talkative").journal
    assert journal is not None
    texts = [entry.facts["text"] for entry in journal.of(LogLine) if entry.facts["logger"] == "stdout"]
    assert texts[0] == "database at $DATABASE_PATH, <object object at 0x…>"


def test_a_run_restores_the_state_of_the_process() -> None:
    import logging
    import os
    import sys

    before = (dict(os.environ), sys.stdout, logging.getLogger().level, list(logging.getLogger().handlers))
    run(catalogue.select(["baseline/healthy"])[0], load(f"{APPLICATIONS}:hard_coded"))
    after = (dict(os.environ), sys.stdout, logging.getLogger().level, list(logging.getLogger().handlers))
    before[0].pop("HARNESS_SCRATCH_FOLDER", None)
    after[0].pop("HARNESS_SCRATCH_FOLDER", None)
    assert before == after


def test_the_final_picture_is_opened_when_stored_at_the_end_after_a_day_and_after_fifteen() -> None:
    (scenario,) = catalogue.select(["baseline/healthy"])
    result = run(scenario, resolve("synchronous"))
    assert result.journal is not None
    looks = [entry for entry in result.journal.of(ImageProbed) if entry.facts["url"] == result.track["image_url"]]  # type: ignore[index]
    assert [entry.facts["when"] for entry in looks] == ["write", "end", "day", "retention"]
    assert [entry.at_s for entry in looks[2:]] == [86_400.0, 15 * 86_400.0]
    assert [entry.facts["status"] for entry in looks] == [200, 200, 200, 404]  # it is kept for fourteen days


def test_the_audio_is_opened_when_stored_at_the_end_after_a_day_and_after_fifteen() -> None:
    (scenario,) = catalogue.select(["baseline/healthy"])
    result = run(scenario, resolve("synchronous"))
    assert result.journal is not None
    looks = result.journal.of(AudioProbed)
    assert [entry.event.when for entry in looks] == ["write", "end", "day", "retention"]
    assert [entry.event.format for entry in looks] == ["mp3", "mp3", "mp3", None]
    assert [entry.event.problem for entry in looks][2:] == [None, "it answers HTTP 404"]
    written = [entry.number for entry in result.journal.of(StoreWrite) if entry.facts["after"]["audio_url"]]
    assert looks[0].cause == written[0]


def test_the_journal_has_the_bytes_sent_over_the_wire_even_if_modified_afterwards() -> None:
    journal = _run("reuses_its_buffers").journal
    assert journal is not None
    (asked,), (answered,) = journal.of(Request)[:1], journal.of(Response)[:1]
    assert "x-added" not in asked.facts["headers"]
    assert answered.facts["headers"] == {"content-type": "text/plain"}
    assert answered.facts["body"] == "first"


def test_a_partial_request_is_not_recorded() -> None:
    result = _run("hangs_up")
    assert result.journal is not None
    assert "api.kie.ai" not in {entry.facts["host"] for entry in result.journal.of(Request)}
    assert "honours-contract" not in result.violated


def test_a_picture_that_only_one_instance_has_counts_as_missing() -> None:
    two = replace(HEALTHY, tracks=2, platform=Platform(instances=2))
    journal = _run("in_one_instance", two).journal
    assert journal is not None
    assert [probe.facts["status"] for probe in journal.of(ImageProbed) if probe.facts["when"] == "end"] == [404] * 2


def test_a_picture_in_a_data_url_is_opened() -> None:
    result = _run("embeds")
    assert result.metrics.tracks[0].outcome == "2k"
    assert result.verdict("image-loads").state == "held"


def test_a_number_that_json_cannot_represent_is_recorded() -> None:
    journal = _run("infinite").journal
    assert journal is not None
    assert journal.of(StoreWrite)[0].facts["after"]["score"] == "inf"
    assert "inf" in journal.to_jsonl()


def test_a_run_begins_with_an_empty_folder_for_its_files() -> None:
    for _ in range(2):
        result = _run("folder")
        assert result.journal is not None
        (answer,) = result.journal.of(Response)
        assert answer.facts["status"] == 201


def test_randomness_drawn_once_in_a_process_changes_no_run() -> None:
    first, second = _run("drawing").journal, _run("drawing").journal
    assert first is not None
    assert second is not None
    assert first.to_jsonl() == second.to_jsonl()
