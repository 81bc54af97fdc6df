"""Every harm, as a client sees it; and whom it befalls: by link, path, occurrence, window and probability."""

import json
import time
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fakes.script import Script
from harness.faults import HARMS, ConnectHarm, ExchangeHarm, Fault
from harness.faults.bodies import OversizedBody, WrongContentType
from harness.faults.connections import ConnectionRefused, ResetBeforeAnswer
from harness.faults.delays import DribbledBody, SlowAnswer
from harness.faults.exchange import App, Exchange
from harness.implementations import load
from harness.runner import run
from harness.scenario import Scenario
from tests.simulation.conftest import Simulate

HOST = "api.kie.ai"
RIGHT = {"code": 200, "data": {"taskId": "0123456789abcdef"}}


def _harmed(harm: Any, answered: list[str]) -> App:
    async def answer(request: Request) -> Response:
        answered.append(request.method)
        return JSONResponse(RIGHT)

    app = Starlette(routes=[Route("/", answer)])

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        await harm.on_exchange(Exchange(app, scope, receive, send, scope["state"]["wire"]))

    return serve


def _outcome(simulate: Simulate, harm: Any, timeout_s: float = 60.0) -> tuple[Any, float, list[str]]:
    """What a client gets: a response or its exception; after how long; and what the provider carried out."""
    answered: list[str] = []

    async def main() -> Any:
        async with httpx.AsyncClient(timeout=timeout_s) as client:
            began_s = time.monotonic()
            try:
                got: Any = await client.get(f"http://{HOST}/")
            except httpx.HTTPError as error:
                got = error
            return got, round(time.monotonic() - began_s, 6)

    outcome = simulate(main, {HOST: _harmed(harm, answered)})
    assert outcome.error is None, outcome.error
    return *outcome.result, answered


EXPECTED: dict[str, type[Exception] | int] = {
    "never-answers": httpx.ReadTimeout,
    "reset-before-answer": httpx.ReadError,
    "closed-before-answer": httpx.RemoteProtocolError,
    "reset-in-body": httpx.ReadError,
    "cut-off-body": httpx.RemoteProtocolError,
    "corrupt-gzip": httpx.DecodingError,
    "empty-body": 200,
    "broken-json": 200,
    "cut-off-json": 200,
    "wrong-content-type": 200,
    "oversized-body": 200,
    "slow-answer": 200,
    "dribbled-body": 200,
}


def test_every_harm_to_an_exchange_has_its_expectation_here() -> None:
    made = {name: harm() for name, harm in HARMS.items()}
    assert set(EXPECTED) == {name for name, harm in made.items() if isinstance(harm, ExchangeHarm)}
    assert all(isinstance(harm, ExchangeHarm) != isinstance(harm, ConnectHarm) for harm in made.values())


@pytest.mark.parametrize("name", EXPECTED)
def test_a_harmed_exchange_ends_for_the_client_as_expected(simulate: Simulate, name: str) -> None:
    got, _after_s, answered = _outcome(simulate, HARMS[name]())
    expected = EXPECTED[name]
    if isinstance(expected, int):
        assert got.status_code == expected
    else:
        assert type(got) is expected
    assert answered == ["GET"], "the provider carried the request out all the same"


@pytest.mark.parametrize("name", ["empty-body", "broken-json", "cut-off-json"])
def test_a_spoilt_body_is_complete_and_no_json(simulate: Simulate, name: str) -> None:
    got, _, _ = _outcome(simulate, HARMS[name]())
    assert int(got.headers["content-length"]) == len(got.content)
    with pytest.raises(json.JSONDecodeError):
        got.json()


@pytest.mark.parametrize("harm", [WrongContentType(), OversizedBody(size=100_000), SlowAnswer(), DribbledBody()])
def test_a_merely_awkward_answer_still_says_what_it_says(simulate: Simulate, harm: Any) -> None:
    got, _, _ = _outcome(simulate, harm)
    assert json.loads(got.content) == RIGHT


def test_a_wrong_content_type_is_the_one_asked_for(simulate: Simulate) -> None:
    got, _, _ = _outcome(simulate, WrongContentType(type="text/plain"))
    assert got.headers["content-type"] == "text/plain"


def test_delays_are_met_to_the_microsecond(simulate: Simulate) -> None:
    size = len(json.dumps(RIGHT, separators=(",", ":")))
    assert _outcome(simulate, SlowAnswer(takes_s=12.5))[1] == 12.5
    assert _outcome(simulate, DribbledBody(bytes=1, every_s=0.5))[1] == pytest.approx(0.5 * (size - 1))
    assert _outcome(simulate, DribbledBody(bytes=1000, every_s=0.5))[1] == 0.0


# Whom a fault befalls, seen in the journal of a run


async def _ask_for_five_pictures(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    """A callback function that asks Kie.ai five times, two seconds apart, and notes what came of it."""
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


def _told(*faults: Fault, seed: int = 1) -> tuple[str, int]:
    """What the five requests got, and how many faults the journal tells of."""
    scenario = Scenario("test/faults", "Five requests to Kie.ai.", script=Script(), faults=faults)
    result = run(scenario, load(f"{__file__}:_ask_for_five_pictures"), seed)
    assert result.track is not None
    assert result.journal is not None
    return str(result.track["failure_reason"]), len(result.journal.of("fault"))


def test_without_faults_nothing_is_harmed() -> None:
    assert _told() == (".....", 0)


def test_a_fault_befalls_the_first_the_nth_or_every_request() -> None:
    assert _told(Fault("suno", ResetBeforeAnswer(), path="/api/v1/chat", nth=1)) == ("r....", 1)
    assert _told(Fault("suno", ResetBeforeAnswer(), path="/api/v1/chat", nth=3)) == ("..r..", 1)
    assert _told(Fault("suno", ResetBeforeAnswer(), path="/api/v1/chat")) == ("rrrrr", 5)


def test_a_fault_befalls_only_its_link_path_and_method() -> None:
    assert _told(Fault("kie", ResetBeforeAnswer())) == (".....", 0)
    assert _told(Fault("suno", ResetBeforeAnswer(), path="/api/v1/generate/record-info")) == (".....", 0)
    assert _told(Fault("suno", ResetBeforeAnswer(), path="/api/v1/chat", method="POST")) == (".....", 0)


def test_a_fault_lasts_for_its_window() -> None:
    """The music is done after 90 s; the requests come at 90, 92, 94, 96 and 98 s."""
    window = Fault("suno", ResetBeforeAnswer(), path="/api/v1/chat", from_s=92.0, until_s=96.0)
    assert _told(window) == (".rr..", 2)


def test_occurrences_are_counted_within_the_window() -> None:
    first_after_a_while = Fault("suno", ResetBeforeAnswer(), path="/api/v1/chat", nth=1, from_s=92.0)
    assert _told(first_after_a_while) == (".r...", 1)


def test_a_connection_fault_befalls_attempts_to_connect() -> None:
    assert _told(Fault("kie", ConnectionRefused(), nth=2)) == (".c...", 1)
    assert _told(Fault("kie", ConnectionRefused(), from_s=0.0, until_s=95.0)) == ("ccc..", 3)


def test_chance_follows_the_seed() -> None:
    unlucky = Fault("suno", ResetBeforeAnswer(), path="/api/v1/chat", probability=0.5)
    outcomes = {_told(unlucky, seed=seed)[0] for seed in range(8)}
    assert len(outcomes) > 3
    assert _told(unlucky, seed=3) == _told(unlucky, seed=3)
