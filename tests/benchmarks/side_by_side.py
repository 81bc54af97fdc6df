"""A process that serves the fakes over real sockets beside bare Starlette routes, all on one loop.

    python -m tests.benchmarks.side_by_side [uvloop]

It reads commands as lines of JSON from stdin, and writes the result of each as one line to stdout:

    {"do": "fakes", "scenario": "..."}                       fresh fakes: {"suno": PORT, "kie": PORT}
    {"do": "bare", "path", "method", "answer", "takes_s"}    a new bare route: {"port": PORT, "uvicorn": PORT}
    {"do": "cpu"}                                            CPU seconds of this process so far: {"cpu_s": 1.5}

The fakes are those of `harness serve`: with contract checks, a journal, and a scenario's faults. A bare route is served
on one port like the fakes, and on another one by uvicorn's own unmodified protocol.
"""

import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from harness.fakes.http_client import post
from harness.fakes.latency import Fixed
from harness.fakes.script import Image, KieScript, Music, Script, SunoScript
from harness.faults.bodies import EmptyBody
from harness.faults.rule import FaultRule
from harness.scenario.model import Scenario
from harness.trace.journal import Journal
from harness.world.hosts import APPLICATION_HOST, KIE_HOST
from harness.world.journal_writer import JournalWriter
from harness.world.live.callback_sender import recorded
from harness.world.live.collection import collected_afterwards
from harness.world.live.event_loop import LiveLoop
from harness.world.live.fakes import LiveFakes
from harness.world.live.server import protocol_factory

API_KEY = "test-key"
ENOUGH = 10**9
HOUR = Fixed(3_600.0)
JSON_TYPE = "application/json;charset=utf-8"


def scenario(takes_s: Sequence[float]) -> Scenario:
    """Return healthy providers without limits, except for one response in a hundred that is lost in transit; pictures
    take the given times, or an hour without any. With delays there are no faults, since every delay is measured."""
    images = tuple(Image(takes=Fixed(each)) for each in takes_s) or (Image(takes=HOUR),)
    lost = [FaultRule(link, EmptyBody(), probability=0.01) for link in ("suno", "kie")]
    script = Script(
        SunoScript(music=(Music(takes=HOUR),), credits=ENOUGH, creations_per_10_s=ENOUGH, queries_per_s=ENOUGH),
        KieScript(images=images, credits=ENOUGH, creations_per_10_s=ENOUGH),
    )
    return Scenario("benchmark/side-by-side", "Side by side.", script=script, faults=() if takes_s else tuple(lost))


def bare_route(path: str, method: str, answer: bytes, takes_s: Sequence[float] = ()) -> Starlette:
    """Return a Starlette route with a fixed response; it does not even read its request."""
    waits_s = iter(takes_s)

    async def endpoint(request: Request) -> Response:
        if takes_s:
            await asyncio.sleep(next(waits_s))
        return Response(answer, media_type=JSON_TYPE)

    return Starlette(routes=[Route(path, endpoint, methods=[method])])


def plain_uvicorn(app: Starlette, loop: Any) -> Callable[[], Any]:
    """Return the protocol factory of `uvicorn --no-access-log`."""
    config = Config(app, lifespan="off", log_config=None, access_log=False, ws="none", interface="asgi3")
    config.load()
    state = ServerState()
    return lambda: HttpToolsProtocol(config, state, {}, loop)


class Served:
    """The fakes and routes that this process serves."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._providers: LiveFakes | None = None

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Execute one command and return its result."""
        match order["do"]:
            case "fakes":
                return await self._serve_fakes(scenario(order.get("takes_s", ())))
            case "bare":
                waits_s = order.get("takes_s", ())
                app = bare_route(order["path"], order["method"], order["answer"].encode(), waits_s)
                as_fakes, plain = protocol_factory(app, self._loop), plain_uvicorn(app, self._loop)
                return {"port": await self._listen(as_fakes), "uvicorn": await self._listen(plain)}
            case "cpu":
                return {"cpu_s": time.process_time()}
            case unknown:
                raise ValueError(unknown)

    async def _listen(self, make: Callable[[], Any]) -> int:
        server = await self._loop.create_server(make, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _serve_fakes(self, played: Scenario) -> dict[str, Any]:
        if self._providers is not None:
            self._providers.close()
            await self._providers.finish()
        loop = self._loop
        writer = JournalWriter(loop, Journal())
        self._providers = LiveFakes(
            played,
            1,
            writer,
            api_key=API_KEY,
            signing_key=None,
            elapsed_s=lambda: loop.elapsed_s,
            post=recorded(writer, KIE_HOST, APPLICATION_HOST, post),
        )
        await self._providers.listen()
        return dict(self._providers.ports)


def run(kind: str) -> None:
    """Execute commands until stdin ends."""
    loop: Any = LiveLoop()
    loop.begin()
    if kind == "uvloop":
        import uvloop

        loop.close()
        loop = uvloop.new_event_loop()  # for bare routes only: it has no scenario time
    served = Served(loop)

    async def main() -> None:
        for _ in itertools.count():
            line = await loop.run_in_executor(None, sys.stdin.readline)
            if not line:
                return
            print(json.dumps(await served.obey(json.loads(line))), flush=True)

    with contextlib.nullcontext() if kind == "uvloop" else collected_afterwards():
        loop.run_until_complete(main())
    sys.stdout.flush()
    os._exit(0)  # pending timers of the fakes need no notice


if __name__ == "__main__":
    run(*sys.argv[1:] or ["asyncio"])
