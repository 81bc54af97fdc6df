"""Serves ASGI apps on simulated hosts through uvicorn's own HTTP/1.1 protocol: real bytes, real keep-alive."""

from collections.abc import Callable
from functools import cache
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from harness.faults.exchange import App
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.transport import MemoryTransport

PORTS = (80, 443)
PROVIDER_KEEP_ALIVE_S = 75
APPLICATION_KEEP_ALIVE_S = 5


async def _placeholder(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("unreachable: protocol_factory replaces this app in its copy of the configuration")


@cache
def _configuration() -> Config:
    config = Config(
        _placeholder,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        proxy_headers=False,
        interface="asgi3",
    )
    config.load()
    return config


def protocol_factory(
    app: App, loop: SimulatedLoop, keep_alive_s: float
) -> Callable[[MemoryTransport], HttpToolsProtocol]:
    """Return a factory of the server's protocol for accepted connections; the app finds its transport in
    `scope["state"]`."""
    config = object.__new__(Config)
    config.__dict__.update(_configuration().__dict__)
    config.loaded_app = app
    config.timeout_keep_alive = keep_alive_s  # type: ignore[assignment]
    state = ServerState()

    def make(transport: MemoryTransport) -> HttpToolsProtocol:
        return HttpToolsProtocol(config, state, {"wire": transport}, loop)

    return make
