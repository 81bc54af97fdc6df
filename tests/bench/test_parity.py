"""The short wire against bytes, and the bench's world against the catalogue's: no time and no outcome depends on it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any

import httpx
import pytest

from harness.bench.asgi_shortcut import Served, short_wire
from harness.bench.models import MODELS
from harness.bench.world import Plan
from harness.engine.run import resolve, run
from harness.fakes.latency import Fixed
from harness.fakes.script import Image, KieScript, Music, Script, SunoScript
from harness.faults.exchange import App, Receive, Scope, Send
from harness.scenario.model import Scenario
from harness.strategies.registry import STRATEGIES
from harness.world.clock import START_S
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.network import Listener, Network
from harness.world.simulated.patches import takeover
from harness.world.simulated.server import protocol_factory
from tests.bench.plans import plan, played


@pytest.mark.parametrize("name", STRATEGIES)
def test_without_bytes_every_track_goes_as_it_goes_with_them(name: str) -> None:
    """On a bad day, with tracks so close that they get in each other's way."""
    planned = Plan(MODELS["bad-day"], 5, 20, 30.0, 20)
    (short,), (whole,) = played(name, planned), played(name, planned, "bytes")
    assert short.records == whole.records
    assert (short.throttled, short.broken_contracts) == (whole.throttled, whole.broken_contracts)


@pytest.mark.parametrize("name", STRATEGIES)
def test_one_track_goes_as_in_the_catalogues_world(name: str) -> None:
    """Fixed times, so that both worlds can be told the same."""
    script = Script(SunoScript(music=(Music(takes=Fixed(90.0)),)), KieScript(images=(Image(takes=Fixed(17.0)),)))
    metrics = run(Scenario("test/one", "One track.", script=script), resolve(name)).metrics
    ((record,),) = (chunk.records for chunk in played(name, plan(tracks=1, image=Fixed(17.0))))
    assert record.outcome == metrics.tracks[0].outcome
    assert record.generations == metrics.generations_accepted
    assert record.credits == metrics.credits_spent
    assert record.answer_s == metrics.callback_answered_after_s[0]
    assert record.arrived == len(metrics.callback_answered_after_s) + metrics.callbacks_unanswered
    assert record.picture_s == metrics.tracks[0].picture_after_s


# What a client sees of a host in trouble, by both wires


async def answers_slowly(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(10)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def dribbles(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    for part in (b"a", b"b", b"c", b"d"):
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(3)
    await send({"type": "http.response.body", "body": b""})


async def raises(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(1)
    raise RuntimeError("a bug")


async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    await asyncio.sleep(2)
    raise RuntimeError("a bug")


async def echoes(scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            break
    names = dict(scope["headers"])
    told = b"|".join((scope["method"].encode(), scope["raw_path"], scope["query_string"], names[b"x-mine"], body))
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"%d" % len(told))]})
    await send({"type": "http.response.body", "body": told})


async def knows_visitors(scope: Scope, receive: Receive, send: Send) -> None:
    cookie = dict(scope["headers"]).get(b"cookie", b"")
    headers = [(b"content-length", b"%d" % len(cookie))] + ([] if cookie else [(b"Set-Cookie", b"visit=1")])
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": cookie})


Ask = Callable[[httpx.AsyncClient], Awaitable[Any]]


async def plainly(client: httpx.AsyncClient) -> Any:
    answer = await client.get("http://host.test/")
    return answer.status_code, answer.content


async def with_everything(client: httpx.AsyncClient) -> Any:
    asked = client.post("http://host.test/a%20b?c=d%26e", content=b"body", headers={"X-Mine": "yes"})
    answer = await asked
    return answer.status_code, answer.content


async def streaming(client: httpx.AsyncClient) -> Any:
    loop, parts = asyncio.get_running_loop(), []
    async with client.stream("GET", "http://host.test/") as answer:
        async for part in answer.aiter_raw():
            parts.append((part, round(loop.time() - START_S, 6)))
    return parts


async def again(client: httpx.AsyncClient) -> Any:
    await plainly(client)
    return await plainly(client)


async def leaving_early(client: httpx.AsyncClient) -> Any:
    async with client.stream("GET", "http://host.test/") as answer:
        async for part in answer.aiter_raw():
            return part
    return None


async def three_at_once(client: httpx.AsyncClient) -> Any:
    return await asyncio.gather(*(plainly(client) for _ in range(3)), return_exceptions=True)


async def impatiently(client: httpx.AsyncClient) -> Any:
    async with asyncio.timeout(4):
        return await plainly(client)


CASES: dict[str, tuple[App, Ask, dict[str, Any]]] = {
    "an answer in time": (answers_slowly, plainly, {"timeout": 10.5}),
    "an answer too late": (answers_slowly, plainly, {"timeout": 9.5}),
    "given up by the caller": (answers_slowly, impatiently, {"timeout": 60}),
    "a body that dribbles fast enough": (dribbles, streaming, {"timeout": 3.5}),
    "a body that dribbles too slowly": (dribbles, plainly, {"timeout": 2.5}),
    "a body that nobody wants": (dribbles, leaving_early, {"timeout": 60}),
    "a bug before the answer": (raises, plainly, {"timeout": 60}),
    "a bug inside the answer": (breaks_off, plainly, {"timeout": 60}),
    "the request as it is": (echoes, with_everything, {"timeout": 60}),
    "a cookie": (knows_visitors, again, {"timeout": 60}),
    "more than the pool has room for": (
        answers_slowly,
        three_at_once,
        {"timeout": httpx.Timeout(60, pool=15), "limits": httpx.Limits(max_connections=1)},
    ),
}


def seen(app: App, ask: Ask, settings: dict[str, Any], *, short: bool) -> tuple[Any, float]:
    """What a client gets, or the class of what it raises; and when, in virtual seconds."""
    network = Network()
    loop = SimulatedLoop(network)
    network.listen("host.test", (80,), Listener(protocol_factory(app, loop, 75), Context()))
    told: list[tuple[Any, float]] = []

    async def client() -> None:
        async with httpx.AsyncClient(**settings) as asking:
            try:
                got = await ask(asking)
            except Exception as error:
                got = type(error)
            if isinstance(got, list):
                got = [type(each) if isinstance(each, Exception) else each for each in got]
            told.append((got, loop.elapsed_s))

    with takeover(loop, 1):
        hosts = {"host.test": Served("host.test", app, Context())} if short else {}
        with short_wire(hosts):
            loop.create_task(client())
            loop.run_until(1_000)
        loop.dissolve()
    return told[0]


@pytest.mark.parametrize("case", CASES)
def test_a_client_sees_the_same_at_the_same_moment(case: str) -> None:
    app, ask, settings = CASES[case]
    short, whole = seen(app, ask, settings, short=True), seen(app, ask, settings, short=False)
    assert short == whole


def test_cookies_are_kept() -> None:
    app, ask, settings = CASES["a cookie"]
    assert seen(app, ask, settings, short=True)[0] == (200, b"visit=1")


def test_the_limit_for_reading_ends_a_wait_to_the_moment() -> None:
    app, ask, settings = CASES["an answer too late"]
    assert seen(app, ask, settings, short=True) == (httpx.ReadTimeout, 9.5)


def test_other_hosts_are_reached_as_ever() -> None:
    async def elsewhere(client: httpx.AsyncClient) -> Any:
        return await client.get("http://elsewhere.test/")

    assert seen(answers_slowly, elsewhere, {"timeout": 5}, short=True)[0] is httpx.ConnectError
