"""What asyncio's event loops offer and the simulated one lacks: each call ends the run with a sentence that names it,
its line in the implementation, and what to do instead."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from harness.world.simulated.refusals import line_of
from harness.world.unsupported import INSTEAD_OF_A_PROCESS, INSTEAD_OF_A_SOCKET, Refused

STREAMS = (
    "which has no virtual time; use asyncio streams or an HTTP client such as httpx.AsyncClient or aiohttp, or run the "
    "program as a real process"
)

DESCRIPTOR = ("waits for a real file descriptor", STREAMS)
SOCKET = ("uses a real socket", STREAMS)
UNIX_SOCKET = ("uses a Unix socket", INSTEAD_OF_A_SOCKET)
PIPE = ("reads or writes a pipe", INSTEAD_OF_A_PROCESS)
PROCESS = ("starts a process", INSTEAD_OF_A_PROCESS)
SENDFILE = ("sends a file by sendfile", "which the simulated network lacks; write its content to the stream")

REFUSED: dict[str, tuple[str, str]] = {
    "add_reader": DESCRIPTOR,
    "add_writer": DESCRIPTOR,
    "connect_accepted_socket": SOCKET,
    "connect_read_pipe": PIPE,
    "connect_write_pipe": PIPE,
    "create_datagram_endpoint": ("opens a datagram endpoint", INSTEAD_OF_A_SOCKET),
    "create_unix_connection": UNIX_SOCKET,
    "create_unix_server": UNIX_SOCKET,
    "sendfile": SENDFILE,
    "sock_accept": SOCKET,
    "sock_recv": SOCKET,
    "sock_recv_into": SOCKET,
    "sock_recvfrom": SOCKET,
    "sock_recvfrom_into": SOCKET,
    "sock_sendall": SOCKET,
    "sock_sendfile": SENDFILE,
    "sock_sendto": SOCKET,
    "start_tls": (
        "upgrades a connection to TLS",
        "which the simulated network lacks; connect with TLS from the beginning",
    ),
    "subprocess_exec": PROCESS,
    "subprocess_shell": PROCESS,
}
"""By method of the loop: what the implementation does, and what to do instead."""


def refusing(cls: type[asyncio.AbstractEventLoop]) -> Any:
    """Give a class of loops the methods in `REFUSED`. They raise where they are called, not where they are awaited."""
    for name, (does, instead) in REFUSED.items():
        setattr(cls, name, _method(name, does, instead))
    return cls


def _method(name: str, does: str, instead: str) -> Callable[..., Any]:
    def refused(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise refused_call(self, f"loop.{name}", does, instead)

    refused.__name__ = name
    return refused


def refused_call(loop: Any, call: str, does: str, instead: str) -> Refused:
    """End the run, and return the exception for the caller to raise."""
    refused: Refused = loop.refuse(f"the implementation {does} ({call}{line_of(sys._getframe(1))}), {instead}")
    return refused
