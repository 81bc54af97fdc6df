"""A provider on real sockets of the loopback interface, with a fault on its link: uvicorn's own protocols, free ports.

The fault injector applies faults of exchanges here as in memory. Faults of connections are the kernel's work, so each
of them is a way of listening, or of not listening.
"""

import asyncio
import datetime
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import trustme
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from harness.faults.exchange import App
from harness.faults.kinds import ConnectFault, Fault
from harness.faults.rule import FaultRule
from harness.world.fault_injector import FaultInjector
from harness.world.live.server import SocketConnection, protocol_factory
from tests.parity.expected import TAKES_S

SERVERS = ("httptools", "h11")
"""The live world's own protocol, and uvicorn's other one, which a user may serve the fakes with."""


def _protocol(app: App, kind: str) -> Callable[[], asyncio.Protocol]:
    """Return a factory of the server's protocol for connections, with the connection in its requests' state."""
    loop = asyncio.get_running_loop()
    if kind == "httptools":
        return protocol_factory(app, loop)
    config = Config(app, lifespan="off", log_config=None, access_log=False, ws="none", http="h11", interface="asgi3")
    config.load()
    state = ServerState()

    class Served(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            self.app_state["wire"] = SocketConnection(transport)
            super().connection_made(transport)

    return lambda: Served(config, state, {}, loop)


Listening = AbstractAsyncContextManager[str]


@asynccontextmanager
async def served(fault: Fault, app: App, kind: str, events: list[dict[str, str]]) -> AsyncIterator[str]:
    """Serve `app` with a fault on its link until the context ends; yield its URL."""
    injector = FaultInjector(
        (FaultRule("kie", fault),), 1, lambda event: events.append(event.as_facts()), time.monotonic
    )
    make = _protocol(injector.around(app, lambda path: "kie"), kind)
    way: Callable[..., Listening] = WAYS_TO_LISTEN[fault.name] if isinstance(fault, ConnectFault) else _listening
    async with way(make) as url:
        yield url
    await injector.close()


@asynccontextmanager
async def served_live(fault: Fault, app: App, events: list[dict[str, str]]) -> AsyncIterator[str]:
    """Serve `app` as the live world does, with a fault on its connections."""
    injector = FaultInjector(
        (FaultRule("kie", fault),), 1, lambda event: events.append(event.as_facts()), time.monotonic
    )
    connect_hook = injector.connect_hook(frozenset({"kie"}))
    async with _listening(protocol_factory(app, asyncio.get_running_loop(), connect_hook)) as url:
        yield url


@asynccontextmanager
async def listening(app: App, kind: str = "httptools") -> AsyncIterator[str]:
    """Serve `app` without faults; yield its URL."""
    async with _listening(_protocol(app, kind)) as url:
        yield url


@asynccontextmanager
async def _listening(make: Callable[[], asyncio.Protocol]) -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    await _closed(server)


@asynccontextmanager
async def _nobody_listening(make: Callable[[], asyncio.Protocol]) -> AsyncIterator[str]:
    """Yield a port that is bound, so that it stays reserved, but does not listen."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", port))
        yield f"http://127.0.0.1:{port}/"


@asynccontextmanager
async def _listening_with_a_certificate_of_the_past(make: Callable[[], asyncio.Protocol]) -> AsyncIterator[str]:
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1", not_after=past).configure_cert(context)
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=context)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    await _closed(server)


@asynccontextmanager
async def _never_accepting(make: Callable[[], asyncio.Protocol]) -> AsyncIterator[str]:
    """Keep a listen queue full: the kernel lets further connection attempts hang."""
    with socket.socket() as full:
        port, waiting = _fill(full)
        yield f"http://127.0.0.1:{port}/"
        _close(waiting)


@asynccontextmanager
async def _accepting_after_a_while(make: Callable[[], asyncio.Protocol]) -> AsyncIterator[str]:
    """Keep the queue full at first; the kernel repeats the hanging attempts after a second."""
    full = socket.socket()
    port, waiting = _fill(full)
    full.setblocking(False)
    servers: list[asyncio.Server] = []

    async def accept() -> None:
        await asyncio.sleep(TAKES_S)
        _close(waiting)
        servers.append(await asyncio.get_running_loop().create_server(make, sock=full))

    accepting = asyncio.create_task(accept())
    yield f"http://127.0.0.1:{port}/"
    await accepting
    await _closed(servers[0])


def _fill(listener: socket.socket) -> tuple[int, list[socket.socket]]:
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = [socket.create_connection(listener.getsockname())]
    return listener.getsockname()[1], waiting


def _close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


async def _closed(server: asyncio.Server) -> None:
    server.close()
    await asyncio.sleep(0.01)  # connections that are being torn down still have a callback to come


WAYS_TO_LISTEN: dict[str, Callable[..., Listening]] = {
    "connection-refused": _nobody_listening,
    "tls-failure": _listening_with_a_certificate_of_the_past,
    "never-connects": _never_accepting,
    "slow-connect": _accepting_after_a_while,
}
