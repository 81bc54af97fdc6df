"""What a real client sees of every fault, in memory and over real sockets alike; delays are short to keep the tests
fast."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse

from harness.fakes.http_client import BadResponseError, Post
from harness.fakes.latency import Fixed, Uniform
from harness.faults.bodies import AlteredAnswer, OversizedBody, WrongContentType
from harness.faults.connections import HalfOpen
from harness.faults.delays import Bandwidth, DribbledBody, SlowAnswer, SlowConnect, SlowHeaders
from harness.faults.exchange import App, Receive, Scope, Send
from harness.faults.framing import WrongLength
from harness.faults.kinds import Fault
from harness.faults.randomness import Schedule
from harness.faults.registry import FAULTS
from harness.faults.requests import AlteredRequest, DuplicatedRequest, LateRequest, RefusedRequest, ReorderedRequest
from harness.faults.stores import MissingColumn, SlowStore, StoreLocked

PATIENCE_S = 0.4
"""The client's read and connect timeout."""
TAKES_S = 0.12
SIZE = 300
ASKED = "please, " + "a" * (SIZE - 8)
RIGHT = json.dumps({"code": 200, "heard": ASKED}, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Seen:
    """The result of one request: a status and a body, or an exception's name."""

    status: int | None = None
    body: bytes = b""
    error: str = ""
    type: str = "application/json"


WHOLE = Seen(200, RIGHT)
HALF = RIGHT[: len(RIGHT) // 2]


def fails(error: type[httpx.HTTPError]) -> Seen:
    return Seen(error=error.__name__, type="")


@dataclass(frozen=True)
class Case:
    """A fault with its parameters, the results of one client's requests, and the requests that the provider handled."""

    fault: Fault
    sees: tuple[Seen, ...]
    carried_out: int = 1
    acts: bool = True
    """Whether the fault has an effect."""
    at_least_s: float = 0.0
    """The minimum duration of all the requests together."""
    scheme: str = "http"
    at_once: bool = False
    """Whether the requests are sent concurrently instead of one after the other."""
    hears: tuple[str, ...] | None = None
    """The requests that the provider received, in its order, where that matters."""


def _refused(status: int, code: str) -> Seen:
    """The error of PostgREST with a code of PostgreSQL, whatever its message."""
    return Seen(status, code.encode(), type="application/json; charset=utf-8")


def _plain(name: str, *sees: Seen, **more: Any) -> Case:
    return Case(FAULTS[name](), sees, **more)


CASES = {
    case.fault.name + suffix: case
    for suffix, case in [
        # before the connection is established
        ("", _plain("connection-refused", fails(httpx.ConnectError), carried_out=0)),
        ("", _plain("name-not-found", fails(httpx.ConnectError), carried_out=0)),
        ("", _plain("tls-failure", fails(httpx.ConnectError), carried_out=0, scheme="https")),
        ("", _plain("never-connects", fails(httpx.ConnectTimeout), carried_out=0, at_least_s=PATIENCE_S)),
        ("", Case(SlowConnect(takes_s=TAKES_S), (WHOLE,), at_least_s=TAKES_S)),
        # the request in transit
        ("", _plain("lost-request", fails(httpx.ReadTimeout), carried_out=0, at_least_s=PATIENCE_S)),
        ("", Case(LateRequest(takes_s=TAKES_S), (WHOLE,), at_least_s=TAKES_S)),
        ("", Case(DuplicatedRequest(after_s=0.0), (WHOLE,), carried_out=2)),
        (
            "",
            Case(
                ReorderedRequest(within_s=PATIENCE_S / 2),
                (Seen(200, RIGHT.replace(b"please", b"first!")), Seen(200, RIGHT.replace(b"please", b"second"))),
                carried_out=2,
                at_once=True,
                hears=("second", "first!"),
            ),
        ),
        (" alone", Case(ReorderedRequest(within_s=TAKES_S), (WHOLE,), at_least_s=TAKES_S)),
        ("", Case(AlteredRequest("please", "pretty"), (Seen(200, RIGHT.replace(b"please", b"pretty")),))),
        ("", _plain("refused-request", Seen(503, b"", type="text/plain; charset=utf-8"), carried_out=0)),
        (" in JSON", Case(RefusedRequest(500, '{"code":"57014"}'), (Seen(500, b'{"code":"57014"}'),), carried_out=0)),
        # the way to a store
        ("", Case(StoreLocked(takes_s=TAKES_S), (WHOLE,), at_least_s=TAKES_S)),
        (" for long", Case(StoreLocked(), (fails(httpx.ReadTimeout),), carried_out=0, at_least_s=PATIENCE_S)),
        ("", _plain("store-full", _refused(503, "53100"), carried_out=0)),
        ("", _plain("failed-write", _refused(500, "58030"), carried_out=0)),
        ("", Case(SlowStore(takes_s=TAKES_S), (WHOLE,), at_least_s=TAKES_S)),
        ("", Case(MissingColumn(), (WHOLE,), acts=False)),
        # the content of the response
        ("", _plain("empty-body", Seen(200, b""))),
        ("", _plain("broken-json", Seen(200, RIGHT.replace(b'"', b"", 1)))),
        ("", _plain("cut-off-json", Seen(200, HALF))),
        ("", _plain("corrupt-gzip", fails(httpx.DecodingError))),
        ("", Case(OversizedBody(size=1_000_000), (Seen(200, RIGHT + b" " * 1_000_000),))),
        ("", Case(AlteredAnswer("please", "pretty"), (Seen(200, RIGHT.replace(b"please", b"pretty")),))),
        (" of nothing", Case(AlteredAnswer("occurs nowhere", "x"), (WHOLE,), acts=False)),
        ("", Case(WrongContentType(type="text/plain"), (Seen(200, RIGHT, type="text/plain"),))),
        # delays
        ("", Case(SlowAnswer(takes_s=TAKES_S), (WHOLE,), at_least_s=TAKES_S)),
        (" of a distribution", Case(SlowAnswer(takes_s=Uniform(TAKES_S, 0.2)), (WHOLE,), at_least_s=TAKES_S)),
        (
            " of a schedule",
            Case(
                SlowAnswer(takes_s=Schedule((Fixed(TAKES_S), Fixed(0.0), Fixed(1.0)))),
                (WHOLE, WHOLE, fails(httpx.ReadTimeout)),
                carried_out=3,
                at_least_s=TAKES_S + PATIENCE_S,
            ),
        ),
        # no response
        ("", _plain("never-answers", fails(httpx.ReadTimeout), at_least_s=PATIENCE_S)),
        ("", _plain("reset-before-answer", fails(httpx.ReadError))),
        ("", _plain("closed-before-answer", fails(httpx.RemoteProtocolError))),
        # how the response is sent
        ("", _plain("reset-in-body", fails(httpx.ReadError))),
        ("", _plain("cut-off-body", fails(httpx.RemoteProtocolError))),
        ("", _plain("stalled-body", fails(httpx.ReadTimeout), at_least_s=PATIENCE_S)),
        ("", Case(HalfOpen(), (WHOLE, fails(httpx.ReadTimeout)), at_least_s=PATIENCE_S)),
        ("", Case(SlowHeaders(every_s=TAKES_S / 4), (WHOLE,), at_least_s=TAKES_S)),
        (" too long apart", Case(SlowHeaders(every_s=2.0), (fails(httpx.ReadTimeout),), at_least_s=PATIENCE_S)),
        ("", Case(DribbledBody(bytes=100, every_s=TAKES_S / 4), (WHOLE,), at_least_s=TAKES_S / 4 * 3)),
        ("", Case(Bandwidth(per_second=2_000), (WHOLE,), at_least_s=SIZE / 2_000)),
        ("", Case(WrongLength(says="half"), (Seen(200, HALF),))),
        (" twice", Case(WrongLength(says="twice"), (fails(httpx.ReadTimeout),), at_least_s=PATIENCE_S)),
        ("", _plain("broken-chunking", fails(httpx.RemoteProtocolError))),
    ]
}


def provider(heard: list[str]) -> App:
    """An app that echoes its requests and records them."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        content = (await Request(scope, receive).body()).decode()
        heard.append(content)
        await JSONResponse({"code": 200, "heard": content})(scope, receive, send)

    return serve


async def ask(case: Case, url: str, patience_s: float = PATIENCE_S) -> tuple[tuple[Seen, ...], float]:
    """Return the results of one client's requests, and their total duration."""
    asked = [ASKED] * len(case.sees)
    if case.at_once:
        asked = [ASKED.replace("please", word) for word in ("first!", "second")]
    began_s = time.monotonic()
    async with httpx.AsyncClient(timeout=patience_s) as client:

        async def one(index: int) -> Seen:
            if case.at_once:
                await asyncio.sleep(0.02 * index)
            try:
                got = await client.post(url, content=asked[index])
            except httpx.HTTPError as error:
                return fails(type(error))
            return Seen(got.status_code, _code_or_body(got), type=got.headers["content-type"])

        if case.at_once:
            seen = await asyncio.gather(*(one(index) for index in range(len(asked))))
        else:
            seen = [await one(index) for index in range(len(asked))]
        await asyncio.sleep(0.02)
        return tuple(seen), time.monotonic() - began_s


def _code_or_body(got: httpx.Response) -> bytes:
    """The code in an error of PostgREST, or else the whole body."""
    return str(got.json()["code"]).encode() if b'"details":' in got.content else got.content


def check(case: Case, seen: tuple[Seen, ...], took_s: float, heard: list[str]) -> None:
    assert seen == case.sees
    assert len(heard) == case.carried_out
    assert took_s >= case.at_least_s
    if case.hears is not None:
        assert tuple(text[: len(word)] for text, word in zip(heard, case.hears, strict=True)) == case.hears


async def call_back(post: Post, url: str) -> str:
    """Return the result of a callback for its sender: a status or an exception's name."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return str((await post(url, ASKED.encode(), {"Content-Type": "application/json"})).status)
    except (OSError, TimeoutError, BadResponseError) as error:
        return type(error).__name__
