"""The network of a simulated world: hosts by name, their listeners, and how connections are established."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import ssl
from asyncio import sslproto
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from harness.world.fault_injector import ConnectHook
from harness.world.scope import SCOPE, ExecutionScope
from harness.world.simulated import tls
from harness.world.simulated.refused_calls import SOCKET, refused_call
from harness.world.simulated.transport import MemoryTransport

if TYPE_CHECKING:
    from harness.world.simulated.event_loop import SimulatedLoop

HTTPS_PORT = 443
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
WEB_PORTS = frozenset((80, 443, 3000, 4317, 4318, 5000, 8000, 8080, 8126, 8443, 8888, 9411))
"""Ports of web servers and of collectors of telemetry (OpenTelemetry, Datadog, Zipkin). A connection to one of them
fails as for a host that does not exist; on any other port there would be a database, a queue or a mail server."""
LACKING = (
    "which the simulated world does not have: no database, cache, queue or mail server; keep tracks in the SQLite file "
    "of DATABASE_PATH, or run the program as a real process"
)
FIRST_EPHEMERAL_PORT = 40_000

ProtocolFactory = Callable[[MemoryTransport], asyncio.BaseProtocol]


class TlsProtocol(sslproto.SSLProtocol):
    """TLS with a buffer that grows with what arrives.

    A run collects no garbage, and connections are cycles: with 256 KiB each, some thousand would take gigabytes.
    """

    max_size = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.max_size = sslproto.SSLProtocol.max_size  # type: ignore[misc]


@dataclass(slots=True)
class Listener:
    """Accepts connections on a port of a host."""

    make_protocol: ProtocolFactory
    context: Context
    """The context of its protocols' callbacks, which sets their scope."""
    connect_hook: ConnectHook | None = None
    """Awaited before a connection is established: takes time, or raises the client's error."""


@dataclass(slots=True)
class Host:
    """A machine with a name and an address."""

    name: str
    address: str
    listeners: dict[int, Listener]


class SimulatedServer(asyncio.AbstractServer):
    """The result of `loop.create_server` for code under test that listens itself."""

    def __init__(self, host: Host, port: int) -> None:
        self._host = host
        self._port = port
        self.sockets: tuple[Any, ...] = ()

    def close(self) -> None:
        self._host.listeners.pop(self._port, None)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def is_serving(self) -> bool:
        return self._port in self._host.listeners

    async def start_serving(self) -> None: ...

    async def serve_forever(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def wait_closed(self) -> None: ...


def _ignore(host: str, port: int) -> None: ...


class Network:
    """Hosts by name; calls `on_unknown_host` for every attempt to reach a host or port without a listener."""

    loop: SimulatedLoop

    def __init__(self, on_unknown_host: Callable[[str, int], None] = _ignore) -> None:
        self._hosts: dict[str, Host] = {}
        self._by_address: dict[str, Host] = {}
        self._reserved: WeakKeyDictionary[socket.socket, tuple[str, int]] = WeakKeyDictionary()
        self._connections: dict[ExecutionScope | None, list[MemoryTransport]] = {}
        """The client ends of connections, by the instance that opened them."""
        self._ports = FIRST_EPHEMERAL_PORT
        self._on_unknown_host = on_unknown_host

    def host(self, name: str) -> Host:
        """Return the host called `name`, creating it if it does not exist."""
        if name not in self._hosts:
            address = f"198.18.0.{len(self._hosts) + 1}"
            host = Host(name, address, {})
            self._hosts[name] = self._by_address[address] = host
        return self._hosts[name]

    def listen(self, name: str, ports: tuple[int, ...], listener: Listener) -> None:
        """Accept connections with `listener` on some ports of a host; 443 uses TLS."""
        for port in ports:
            self.host(name).listeners[port] = listener

    def serve(self, make_protocol: Callable[[], asyncio.BaseProtocol], port: int) -> SimulatedServer:
        """Listen on a port of the host whose code is running."""
        place = SCOPE.get()
        host = self.host(_host_name(place))
        port = port or self._next_port()
        context = Context()
        context.run(SCOPE.set, place)
        host.listeners[port] = Listener(lambda transport: make_protocol(), context)
        return SimulatedServer(host, port)

    def addresses(self, host: bytes | str | None, port: bytes | str | int | None) -> list[tuple[Any, ...]]:
        """Return the result of `getaddrinfo`. Unknown names do not resolve."""
        name = host.decode("ascii") if isinstance(host, bytes) else host or "localhost"
        number = int(port or 0)
        if name.lower() in self._hosts:
            address = self._hosts[name.lower()].address
        elif _is_address(name):
            address = name
        elif name == "localhost":
            address = "127.0.0.1"
        else:
            self._refuse_unless_web(name, number)
            self._on_unknown_host(name, number)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, number))]

    def failure(self, host: Any, port: Any) -> OSError | None:
        """Return the error of a connection that fails harmlessly: on a port of web servers, where none is."""
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        if not isinstance(port, int) or port not in WEB_PORTS:
            return None
        found = self._found(name)
        if found is not None:
            refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
            return None if port in found.listeners else refused
        return socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def name_of(self, address: str) -> str:
        """Return the name of the host at an address, or the address itself."""
        host = self._by_address.get(address)
        return host.name if host else address

    async def reserve(self, sock: socket.socket, host: str, port: int) -> None:
        """Implement `loop.sock_connect` for clients that connect their own socket and pass it to
        `create_connection`."""
        listener = self._listener(host, port)
        if listener.connect_hook is not None:
            await listener.connect_hook()
        self._reserved[sock] = (host, port)

    async def connect(
        self,
        make_client: Callable[[], asyncio.BaseProtocol],
        host: str | None,
        port: int | None,
        sock: socket.socket | None,
        context: bool | ssl.SSLContext | None,
        server_hostname: str | None,
    ) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        """Connect a client protocol to the listener at host and port; raises OSError as a kernel would."""
        reserved = self._reserved.pop(sock, None) if sock is not None else None
        if sock is not None and reserved is None:
            raise refused_call(self.loop, "loop.create_connection", *SOCKET)
        name, number = reserved or (host or "localhost", port or 0)
        listener = self._listener(name, number)
        if listener.connect_hook is not None and reserved is None:
            await listener.connect_hook()
        if sock is not None:
            sock.close()
        client, server = self._pair(listener, name, number)
        accepted = listener.make_protocol(server)
        if number == HTTPS_PORT:
            accepted = TlsProtocol(self.loop, accepted, tls.server_context(), None, server_side=True)
        server.set_protocol(accepted)
        listener.context.run(accepted.connection_made, server)
        protocol = make_client()
        if not context:
            client.set_protocol(protocol)
            protocol.connection_made(client)
            return client, protocol
        wanted = ssl.create_default_context() if context is True else context
        return await self._secure(client, protocol, wanted, server_hostname or name)

    async def _secure(
        self, client: MemoryTransport, protocol: asyncio.BaseProtocol, context: ssl.SSLContext, hostname: str
    ) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        tls.trust(context)
        waiter: asyncio.Future[None] = self.loop.create_future()
        secured: Any = TlsProtocol(
            self.loop,
            protocol,
            context,
            waiter,
            server_side=False,
            server_hostname=hostname,
        )
        client.set_protocol(secured)
        secured.connection_made(client)
        await waiter
        return secured._app_transport, protocol

    def _listener(self, name: str, port: int) -> Listener:
        host = self._found(name)
        if host is None or port not in host.listeners:
            if host is None or name in LOOPBACK:
                self._refuse_unless_web(name, port)
            self._on_unknown_host(host.name if host else name, port)
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed ('{name}', {port})")
        return host.listeners[port]

    def _refuse_unless_web(self, name: str, port: int) -> None:
        """Refuse an application's connection to a server of a kind that the world lacks; port 0 is unknown."""
        place = SCOPE.get()
        if port and port not in WEB_PORTS and place is not None and place.inside is not None:
            raise refused_call(self.loop, f"{name}:{port}", "connects to a server", LACKING)

    def _found(self, name: str) -> Host | None:
        if name in LOOPBACK:
            return self.host(_host_name(SCOPE.get()))
        return self._by_address.get(name) or self._hosts.get(name.lower())

    def _pair(self, listener: Listener, name: str, port: int) -> tuple[MemoryTransport, MemoryTransport]:
        place, host = SCOPE.get(), self._found(name)
        assert host is not None
        address = host.address
        owner = Context()
        owner.run(SCOPE.set, place.instance() if place else None)
        here = (self.host(_host_name(place)).address, self._next_port())
        client = MemoryTransport(self.loop, owner, here, (address, port), is_server=False)
        server = MemoryTransport(self.loop, listener.context, (address, port), here, is_server=True)
        client.peer, server.peer = server, client
        self._connections.setdefault(place.instance() if place else None, []).append(client)
        return client, server

    def reset_connections_of(self, instance: ExecutionScope) -> None:
        """Reset every connection that code in an instance has opened."""
        for client in self._connections.pop(instance, []):
            client.reset()

    def dissolve(self) -> None:
        """Release all hosts and connections at the end of the world."""
        for clients in self._connections.values():
            for client in clients:
                server = client.peer
                client.forget()
                server.forget()
        self._on_unknown_host = _ignore
        self._connections.clear()
        self._hosts.clear()
        self._by_address.clear()
        del self.loop

    def _next_port(self) -> int:
        self._ports += 1
        return self._ports


def _host_name(place: ExecutionScope | None) -> str:
    while place is not None and place.inside is not None:
        place = place.inside
    return place.name if place else "harness"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
