"""Every fault in memory, as a real client sees it; which requests it applies to; and how several faults combine."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness.engine.run import run
from harness.fakes.latency import Bimodal, Fixed, Lognormal, Uniform
from harness.fakes.script import Script
from harness.faults.bodies import BrokenJson, CutOffJson, EmptyBody, OversizedBody, WrongContentType
from harness.faults.connections import ConnectionRefused, NeverAnswers, ResetBeforeAnswer
from harness.faults.delays import Bandwidth, DribbledBody, SlowAnswer, SlowConnect, SlowHeaders
from harness.faults.kinds import KINDS
from harness.faults.randomness import Randomness, Schedule
from harness.faults.registry import FAULTS
from harness.faults.requests import AlteredRequest, LateRequest, LostRequest, RefusedRequest
from harness.faults.rule import EveryNth, FaultRule
from harness.scenario.model import Scenario
from harness.targets import load
from harness.trace.events import FaultTriggered
from harness.world.fault_injector import FaultInjector
from tests.parity.expected import CASES, ask, check, provider
from tests.simulation.conftest import Simulate

HOST = "api.kie.ai"
RIGHT = {"code": 200, "data": {"taskId": "0123456789abcdef"}}


def test_every_fault_has_an_expectation_and_one_kind() -> None:
    assert {case.fault.name for case in CASES.values()} == set(FAULTS)
    for name, fault in FAULTS.items():
        assert sum(issubclass(fault, kind) for kind in KINDS) == 1, name
        assert fault() == fault(), "a scenario file may write it by its name alone"


@pytest.mark.parametrize("name", CASES)
def test_a_client_sees_the_expected_result_in_memory(simulate: Simulate, name: str) -> None:
    case = CASES[name]
    heard: list[str] = []
    told: list[dict[str, str]] = []
    injector = FaultInjector(
        (FaultRule("kie", case.fault),), 1, lambda event: told.append(event.as_facts()), time.monotonic
    )

    async def main() -> Any:
        return await ask(case, f"{case.scheme}://{HOST}/")

    connect_hook = injector.connect_hook(frozenset({"kie"}))
    app = injector.around(provider(heard), lambda path: "kie")
    outcome = simulate(main, {HOST: app}, gates={HOST: connect_hook} if connect_hook else None)
    assert outcome.error is None, outcome.error
    seen, took_s = outcome.result
    check(case, seen, took_s, heard)
    assert told[:1] == ([{"harm": case.fault.name, "link": "kie"}] if case.acts else [])


def _outcome(
    simulate: Simulate,
    *faults: Any,
    timeout_s: float = 60.0,
    note: Callable[[FaultTriggered], None] = lambda event: None,
) -> tuple[Any, float]:
    """Return the result of a request with all these faults, a response or an exception, and its duration."""

    async def answer(request: Request) -> Response:
        return JSONResponse(RIGHT)

    faults = tuple(FaultRule("kie", fault) for fault in faults)
    injector = FaultInjector(faults, 1, note, time.monotonic)
    app = injector.around(Starlette(routes=[Route("/", answer)]), lambda path: "kie")

    async def main() -> Any:
        async with httpx.AsyncClient(timeout=timeout_s) as client:
            began_s = time.monotonic()
            try:
                got: Any = await client.get(f"http://{HOST}/")
            except httpx.HTTPError as error:
                got = error
            return got, round(time.monotonic() - began_s, 6)

    connect_hook = injector.connect_hook(frozenset({"kie"}))
    outcome = simulate(main, {HOST: app}, gates={HOST: connect_hook} if connect_hook else None)
    assert outcome.error is None, outcome.error
    got, after_s = outcome.result
    return got, after_s


@pytest.mark.parametrize("name", ["empty-body", "broken-json", "cut-off-json"])
def test_a_corrupted_body_is_complete_but_not_json(simulate: Simulate, name: str) -> None:
    got, _ = _outcome(simulate, FAULTS[name]())
    assert int(got.headers["content-length"]) == len(got.content)
    with pytest.raises(json.JSONDecodeError):
        got.json()


def test_delays_are_exact_to_the_microsecond(simulate: Simulate) -> None:
    size = len(json.dumps(RIGHT, separators=(",", ":")))
    assert _outcome(simulate, SlowAnswer(takes_s=12.5))[1] == 12.5
    assert _outcome(simulate, SlowConnect(takes_s=12.5))[1] == 12.5
    assert _outcome(simulate, LateRequest(takes_s=12.5))[1] == 12.5
    assert _outcome(simulate, DribbledBody(bytes=1, every_s=0.5))[1] == pytest.approx(0.5 * (size - 1))
    assert _outcome(simulate, DribbledBody(bytes=1000, every_s=0.5))[1] == 0.0
    assert _outcome(simulate, Bandwidth(per_second=10))[1] == pytest.approx(size / 10)
    # a status line and three headers: length, type, connection
    assert _outcome(simulate, SlowHeaders(every_s=2.0))[1] == 8.0


def test_a_delay_is_a_number_a_distribution_or_a_schedule_and_follows_its_seed() -> None:
    from random import Random

    def drawn(delay: Any, seed: int = 1) -> list[float]:
        random = Random(seed)
        return [Randomness(random, before).seconds(delay) for before in range(200)]

    assert drawn(2) == [2.0] * 200
    assert drawn(Fixed(2.5)) == [2.5] * 200
    assert all(1.0 <= seconds <= 3.0 for seconds in drawn(Uniform(1.0, 3.0)))
    assert len(set(drawn(Uniform(1.0, 3.0)))) > 100
    lognormal = sorted(drawn(Lognormal(8.0, 40.0)))
    assert 5 < lognormal[100] < 12
    assert 20 < lognormal[190] < 80
    assert 20 < drawn(Bimodal(Fixed(1.0), Fixed(60.0), 0.2)).count(60.0) < 60
    assert drawn(Schedule((Fixed(1.0), Fixed(5.0))))[:4] == [1.0, 5.0, 5.0, 5.0]
    assert drawn(Lognormal(8.0, 40.0)) == drawn(Lognormal(8.0, 40.0)) != drawn(Lognormal(8.0, 40.0), seed=2)


# Several faults on one message


def test_delays_of_different_kinds_add_up(simulate: Simulate) -> None:
    faults = (SlowAnswer(takes_s=2.0), SlowConnect(takes_s=3.0), LateRequest(takes_s=4.0), SlowAnswer(takes_s=1.0))
    got, after_s = _outcome(simulate, *faults)
    assert (got.status_code, after_s) == (200, 10.0)


def test_a_corrupted_response_can_also_be_truncated_and_sent_slowly(simulate: Simulate) -> None:
    faults = (WrongContentType(type="text/plain"), CutOffJson(), DribbledBody(bytes=10, every_s=1.0), SlowAnswer(5.0))
    got, after_s = _outcome(simulate, *faults)
    half = len(json.dumps(RIGHT, separators=(",", ":"))) // 2
    assert (got.headers["content-type"], len(got.content)) == ("text/plain", half)
    assert after_s == 5.0 + (half - 1) // 10


def test_of_several_faults_that_end_an_exchange_the_first_in_the_scenario_applies(simulate: Simulate) -> None:
    assert isinstance(_outcome(simulate, ResetBeforeAnswer(), NeverAnswers())[0], httpx.ReadError)
    assert isinstance(_outcome(simulate, NeverAnswers(), ResetBeforeAnswer())[0], httpx.ReadTimeout)
    assert isinstance(_outcome(simulate, EmptyBody(), ResetBeforeAnswer())[0], httpx.ReadError)


def test_a_connection_can_be_slow_and_then_refused(simulate: Simulate) -> None:
    got, after_s = _outcome(simulate, SlowConnect(takes_s=3.0), ConnectionRefused(), SlowConnect(takes_s=9.0))
    assert isinstance(got, httpx.ConnectError)
    assert after_s == 3.0


def test_an_oversized_response_can_also_be_slow(simulate: Simulate) -> None:
    got, after_s = _outcome(simulate, OversizedBody(size=5_000), Bandwidth(per_second=1_000))
    assert len(got.content) > 5_000
    assert after_s == pytest.approx(len(got.content) / 1_000)


@pytest.mark.parametrize(
    ("faults", "acted"),
    [
        ((ResetBeforeAnswer(), NeverAnswers()), ["reset-before-answer"]),
        ((LostRequest(), EmptyBody(), SlowAnswer(takes_s=5.0)), ["lost-request"]),
        ((RefusedRequest(status=503), LateRequest(takes_s=5.0)), ["refused-request"]),
        ((LateRequest(takes_s=5.0), RefusedRequest(status=503, body="")), ["late-request", "refused-request"]),
        ((RefusedRequest(status=503, body=""), BrokenJson()), ["refused-request"]),
        ((SlowAnswer(takes_s=0.0),), []),
        ((AlteredRequest(text="occurs-nowhere", by="x"),), []),
        ((EmptyBody(), CutOffJson()), ["empty-body"]),
        ((WrongContentType(type="application/json"),), []),
        ((SlowAnswer(takes_s=5.0), DribbledBody()), ["slow-answer", "dribbled-body"]),
    ],
)
def test_a_fault_is_recorded_only_if_it_acts(simulate: Simulate, faults: tuple[Any, ...], acted: list[str]) -> None:
    told: list[str] = []
    _outcome(simulate, *faults, note=lambda event: told.append(event.harm), timeout_s=600.0)
    assert told == acted


# Whom a fault befalls, seen in the journal of a run


async def _ask_for_five_pictures(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    """A callback function that makes five requests to Kie.ai, two seconds apart, and keeps the results."""
    import asyncio
    import os

    if payload["data"]["callbackType"] != "complete":
        return None
    told = ""
    headers = {"authorization": f"Bearer {os.environ['KIE_API_KEY']}"}
    for _ in range(5):
        async with httpx.AsyncClient() as client:
            try:
                response = await client.get(f"{os.environ['KIE_BASE_URL']}/api/v1/chat/credit", headers=headers)
                told += "." if response.status_code == 200 else "?"
            except httpx.ConnectError:
                told += "c"
            except httpx.ReadError:
                told += "r"
        await asyncio.sleep(2)
    return {"failure_reason": told, "status": "complete"}


def _told(*faults: FaultRule, seed: int = 1) -> tuple[str, int]:
    """Return the results of the five requests, and the number of faults in the journal."""
    scenario = Scenario("test/faults", "Five requests to Kie.ai.", script=Script(), faults=faults)
    result = run(scenario, load(f"{__file__}:_ask_for_five_pictures"), seed)
    assert result.track is not None
    assert result.journal is not None
    return str(result.track["failure_reason"]), len(result.journal.of(FaultTriggered))


def test_without_faults_every_request_succeeds() -> None:
    assert _told() == (".....", 0)


def test_a_fault_applies_to_the_first_the_nth_or_every_request() -> None:
    assert _told(FaultRule("suno", ResetBeforeAnswer(), path="/api/v1/chat", nth=1)) == ("r....", 1)
    assert _told(FaultRule("suno", ResetBeforeAnswer(), path="/api/v1/chat", nth=3)) == ("..r..", 1)
    assert _told(FaultRule("suno", ResetBeforeAnswer(), path="/api/v1/chat")) == ("rrrrr", 5)
    assert _told(FaultRule("suno", ResetBeforeAnswer(), path="/api/v1/chat", nth=EveryNth(2))) == (".r.r.", 2)


def test_a_fault_applies_only_to_its_link_path_method_and_text() -> None:
    assert _told(FaultRule("kie", ResetBeforeAnswer())) == (".....", 0)
    assert _told(FaultRule("suno", ResetBeforeAnswer(), path="/api/v1/generate/record-info")) == (".....", 0)
    assert _told(FaultRule("suno", ResetBeforeAnswer(), path="/api/v1/chat", method="POST")) == (".....", 0)
    assert _told(FaultRule("suno", ResetBeforeAnswer(), path="/api/v1/chat", containing="prompt")) == (".....", 0)


def test_a_fault_applies_only_within_its_window() -> None:
    """The music is done after 90 s; the requests come at 90, 92, 94, 96 and 98 s."""
    window = FaultRule("suno", ResetBeforeAnswer(), path="/api/v1/chat", from_s=92.0, until_s=96.0)
    assert _told(window) == (".rr..", 2)


def test_occurrences_are_counted_within_the_window() -> None:
    first_after_a_while = FaultRule("suno", ResetBeforeAnswer(), path="/api/v1/chat", nth=1, from_s=92.0)
    assert _told(first_after_a_while) == (".r...", 1)


def test_a_connection_fault_applies_to_attempts_to_connect() -> None:
    assert _told(FaultRule("kie", ConnectionRefused(), nth=2)) == (".c...", 1)
    assert _told(FaultRule("kie", ConnectionRefused(), from_s=0.0, until_s=95.0)) == ("ccc..", 3)


def test_probability_follows_the_seed() -> None:
    unlucky = FaultRule("suno", ResetBeforeAnswer(), path="/api/v1/chat", probability=0.5)
    outcomes = {_told(unlucky, seed=seed)[0] for seed in range(8)}
    assert len(outcomes) > 3
    assert _told(unlucky, seed=3) == _told(unlucky, seed=3)


def test_a_fault_that_does_not_trigger_leaves_another_ones_randomness_unchanged() -> None:
    unlucky = FaultRule("suno", ResetBeforeAnswer(), path="/api/v1/chat", probability=0.5)
    alone = _told(unlucky, seed=3)[0]
    assert _told(unlucky, FaultRule("media", SlowAnswer(Uniform(1.0, 2.0))), seed=3)[0] == alone
