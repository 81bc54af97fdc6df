"""A proxy on loopback for started processes with hard-coded hosts: it answers every connection and forwards nothing.

It answers `CONNECT host:443` and speaks TLS with a certificate of a throw-away authority that only the started process
trusts; a plain request names its host itself. Both go to the app that serves the host. For a host without a fake the
client gets 502 with a reason, and the harness is notified. The hosts speak HTTP/1.1: a client that offers HTTP/2, too,
learns that from the handshake.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme
from uvicorn.server import ServerState

from harness.world.fault_injector import ConnectHook
from harness.world.live.server import protocol_factory

HEAD_BYTES_MAX = 64 * 1024
CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"
REFUSAL = "the harness lets nothing out and has no fake of {}; serve a stand-in at 127.0.0.1 and set its address"

OnUnknownHost = Callable[[str, int], None]
"""Called for each host and port without a fake."""
ProxiedHost = tuple[Any, ConnectHook | None]
"""A host's ASGI app, and the hook for its connections."""


class Authority:
    """A certificate authority that lives as long as a run; its key never leaves this process."""

    def __init__(self, folder: Path) -> None:
        """Its certificate is written to `folder`."""
        self._authority = trustme.CA(organization_name="Harness", organization_unit_name="Throw-away authority")
        self.certificate = folder / "authority.pem"
        """The certificate that the started process has to trust."""
        self._authority.cert_pem.write_to_path(str(self.certificate))
        self._contexts: dict[str, ssl.SSLContext] = {}

    def bundle(self) -> Path:
        """Write the authority's certificate together with the commonly trusted ones beside it; return the file."""
        import certifi

        path = self.certificate.with_name("trusted.pem")
        commonly_trusted = Path(certifi.where()).read_text(encoding="utf-8")
        path.write_text(commonly_trusted + "\n" + self.certificate.read_text(encoding="ascii"), encoding="utf-8")
        return path

    def context_for(self, host: str) -> ssl.SSLContext:
        """Return a server's context with a certificate for `host`."""
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.set_alpn_protocols(["http/1.1"])
            self._authority.issue_cert(host).configure_cert(context)
            self._contexts[host] = context
        return self._contexts[host]


class Proxy:
    """Listens on a free port until it is closed."""

    def __init__(
        self,
        hosts: Mapping[str, ProxiedHost],
        authority: Authority,
        on_unknown_host: OnUnknownHost,
        state: ServerState | None = None,
    ) -> None:
        """`state` holds the open connections to hosts."""
        self._state = state
        self._authority = authority
        self._on_unknown_host = on_unknown_host
        self._hosts = hosts
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self, host: str, port: int = 0) -> asyncio.Server:
        """Begin to listen, on a free port unless one is given; the caller closes the server."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Greeter(self), host, port)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def protocol_for(self, host: str) -> Any:
        """Return the protocol of an application's connection to `host`, or None for an unknown host."""
        served = self._hosts.get(host)
        if served is None:
            return None
        return protocol_factory(served[0], asyncio.get_running_loop(), served[1], self._state)()

    def unknown_host(self, host: str, port: int) -> None:
        self._on_unknown_host(host, port)

    def context_for(self, host: str) -> ssl.SSLContext:
        return self._authority.context_for(host)

    def begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Greeter(asyncio.Protocol):
    """Reads a connection's first request, and hands the connection over to its host's protocol."""

    _transport: asyncio.Transport

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._head = b""
        self._early: bytes | None = None
        """What the client sends while the connection is being handed over."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._early is not None:
            self._early += data
            return
        self._head += data
        if b"\r\n\r\n" in self._head:
            method, target = [*self._head.split(b" ", 2)[:2], b""][:2]
            if method == b"CONNECT":
                self._connect(target.decode("latin-1"))
            else:
                self._plain(target.decode("latin-1"))
        elif len(self._head) > HEAD_BYTES_MAX:
            self._transport.abort()

    def _connect(self, target: str) -> None:
        name, _, port = target.rpartition(":")
        protocol = self._proxy.protocol_for(name)
        if protocol is None or not port.isdigit():
            self._refuse(name or target, int(port) if port.isdigit() else 443)
            return
        self._transport.write(CONNECTED)
        self._early = b""
        if port == "443":
            self._proxy.begin(self._secure(name, protocol))
        else:
            self._hand_over(protocol)

    async def _secure(self, name: str, protocol: Any) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError, ssl.SSLError):
            context = self._proxy.context_for(name)
            secured = await loop.start_tls(self._transport, self, context, server_side=True)
            if secured is not None:
                self._transport = secured
                self._hand_over(protocol)

    def _plain(self, target: str) -> None:
        parts = urlsplit(target)
        protocol = self._proxy.protocol_for(parts.hostname or "")
        if protocol is None:
            self._refuse(parts.hostname or target, parts.port or 80)
            return
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._early = self._head.replace(target.encode("latin-1"), path.encode("latin-1"), 1)
        self._hand_over(protocol)

    def _hand_over(self, protocol: Any) -> None:
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if self._early:
            protocol.data_received(self._early)

    def _refuse(self, host: str, port: int) -> None:
        self._proxy.unknown_host(host, port)
        why = REFUSAL.format(re.sub(r"[^\w.:-]", "?", host, flags=re.ASCII))
        head = (
            f"HTTP/1.1 502 {why}\r\nContent-Type: text/plain\r\nContent-Length: {len(why)}\r\nConnection: close\r\n\r\n"
        )
        self._transport.write((head + why).encode("ascii"))
        self._transport.close()
