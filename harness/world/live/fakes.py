"""The fakes on ports of the loopback interface, with a scenario's faults; what they are asked goes into the journal."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from uvicorn.server import ServerState

from harness.fakes import gateway
from harness.fakes.http_client import Post
from harness.fakes.media.app import MediaHost
from harness.fakes.registry import KIE, MEDIA, PROVIDERS, SUNO, fake_of, link_of_path, link_to
from harness.faults.exchange import App, Receive, Scope, Send
from harness.scenario.model import Scenario
from harness.trace.events import ConnectionToUnknownHost
from harness.world.fault_injector import FaultInjector
from harness.world.hosts import APPLICATION_HOST, MEDIA_HOSTS
from harness.world.http_recorder import HttpRecorder
from harness.world.journal_writer import JournalWriter
from harness.world.live.proxy import Authority, Host, Proxy
from harness.world.live.redirect import preload_environment, proxy_environment
from harness.world.live.server import ConnectHook, protocol_factory

LOOPBACK = "127.0.0.1"


class Providers:
    """Suno, Kie.ai and the hosts of their files, as one scenario has them."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        writer: JournalWriter,
        *,
        api_key: str,
        signing_key: str | None,
        elapsed_s: Callable[[], float],
        post: Post,
        ids: str = "",
        cause: Callable[[], int] = lambda: 0,
    ) -> None:
        """`post` delivers callbacks; `cause` tells why the application probably asks, as an entry's number. With `ids`
        the providers' ids are others than without."""
        self._writer = writer
        self._cause = cause
        self._elapsed_s = elapsed_s
        self.connecting: list[tuple[float, float]] = []
        """From when to when connections waited until they stood, or their clients had enough."""
        self._to_close = contextlib.ExitStack()
        self._state = ServerState()
        script = scenario.script
        self.injector = FaultInjector(scenario.faults, seed, writer.record, elapsed_s)
        self.media = MediaHost(script.media, base_url="", seed=seed, observe=writer.observe)
        self.gateway = gateway.create_app(
            script,
            publish=self.media.publish,
            lend=self.media.lend,
            seed=seed,
            ids=ids,
            api_key=api_key,
            signing_key=signing_key,
            observe=writer.observe,
            post=self.injector.post(post),
        )
        self._files = self.injector.around(self.media.app, link_to(MEDIA))
        gateway_app = self.injector.around(self.gateway, link_of_path)
        self._apps: dict[str, App] = {SUNO.name: gateway_app, KIE.name: gateway_app, MEDIA.name: self._files}
        self._served: dict[str, Host] = {}
        for provider in PROVIDERS.values():
            link = link_to(provider)
            if provider.name not in self._apps:
                self._apps[provider.name] = self.injector.around(fake_of(provider, seed), link)
            for host in provider.hosts:
                self._served[host] = (
                    self._named(self._apps[provider.name], host, link),
                    self._connect_hook(provider.name),
                )
        self.ports: dict[str, int] = {}
        """By the providers' names."""

    async def listen(self, ports: Mapping[str, int] | None = None) -> None:
        """Begins to listen, at free ports where none are given by the providers' names."""
        for name, provider in PROVIDERS.items():
            app, connect_hook = self._served[provider.hosts[0]]
            make = protocol_factory(app, asyncio.get_running_loop(), connect_hook, self._state)
            server = await asyncio.get_running_loop().create_server(make, LOOPBACK, (ports or {}).get(name, 0))
            self._to_close.callback(server.close)
            self.ports[name] = server.sockets[0].getsockname()[1]
        self.media.base_url = self.url("media")

    def url(self, name: str) -> str:
        """Where one of them is reached."""
        return f"http://{LOOPBACK}:{self.ports[name]}"

    @property
    def by_name(self) -> dict[str, App]:
        """The files' hosts, for looks that leave no trace."""
        return dict.fromkeys(MEDIA_HOSTS, self._files)

    @property
    def by_port(self) -> dict[int, App]:
        """The same for all of them, by their ports."""
        return {self.ports[name]: app for name, app in self._apps.items()}

    async def preload(self, node_options: str | None) -> dict[str, str]:
        """The environment in which a Node process finds the fakes under the providers' real names."""
        self.media.base_url = f"https://{MEDIA_HOSTS[0]}"
        server = await asyncio.start_server(self._on_unknown_connection, LOOPBACK, 0)
        self._to_close.callback(server.close)
        strangers = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/"
        origins = {host: self.url(provider.name) for provider in PROVIDERS.values() for host in provider.hosts}
        given = os.environ.get("NODE_OPTIONS", "") if node_options is None else node_options
        return preload_environment(origins, strangers, given)

    async def proxy(self, folder: Path) -> dict[str, str]:
        """The environment in which any process finds them there, by a proxy; the certificates go into `folder`."""
        self.media.base_url = f"https://{MEDIA_HOSTS[0]}"
        authority = Authority(folder)
        proxy = Proxy(self._served, authority, self._unknown_host)
        self._to_close.callback((await proxy.start(LOOPBACK)).close)
        bundle = authority.bundle(folder / "trusted.pem")
        return proxy_environment(f"http://{LOOPBACK}:{proxy.port}", authority.certificate, bundle)

    async def finish(self) -> None:
        """Gives up everything under way."""
        await self.injector.close()
        await self.gateway.close()

    def close(self) -> None:
        """Listens no more, and ends the connections that are open."""
        self._to_close.close()
        for connection in list(self._state.connections):
            connection.transport.abort()

    def _connect_hook(self, link: str) -> ConnectHook | None:
        connect_hook = self.injector.connect_hook(frozenset({link}))
        if connect_hook is None:
            return None

        async def timed() -> None:
            began_s = self._elapsed_s()
            try:
                await connect_hook()
            finally:
                self.connecting.append((began_s, self._elapsed_s()))

        return timed

    def _named(self, app: App, host: str, link: Callable[[str], str]) -> App:
        """`app` as `host`, with everything that it is asked in the journal."""
        recorder = HttpRecorder(app, link, self._writer, _SameNames())

        client, server = (APPLICATION_HOST, 0), (host, 0)

        def named(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            """What comes by a socket comes from the application, and it is `host` that it means."""
            if scope["type"] == "http":
                scope["state"]["wire"].cause = self._cause()
                scope["client"], scope["server"] = client, server
            return recorder(scope, receive, send)

        return named

    async def _on_unknown_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The preloaded module's word that a host was asked for that nobody stands in for."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            name, _, port = head.split(" ", 2)[1].removeprefix("/").partition(":")
            self._unknown_host(name, int(port) if port.isdigit() else 443)
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            writer.close()

    def _unknown_host(self, host: str, port: int) -> None:
        self._writer.record(ConnectionToUnknownHost(host=host, port=port, by=APPLICATION_HOST), self._cause())


class _SameNames:
    """Addresses that are names already."""

    def name_of(self, address: str) -> str:
        return address
