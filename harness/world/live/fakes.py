"""The fakes on ports of the loopback interface, with a scenario's faults; their requests are recorded in the
journal."""

import asyncio
import contextlib
import os
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from uvicorn.server import ServerState

from harness.fakes import gateway
from harness.fakes.delivery import as_received, known_next_key
from harness.fakes.http_client import Post
from harness.fakes.media.app import FILES_KEPT, MediaHost
from harness.fakes.registry import KIE, MEDIA, PROVIDERS, SUNO, fake_of, link_of_path, link_to
from harness.fakes.tasks import TASKS_KEPT
from harness.faults.exchange import App, Receive, Scope, Send
from harness.scenario.model import Scenario
from harness.trace.events import ConnectionToUnknownHost
from harness.world.fault_injector import ConnectHook, FaultInjector
from harness.world.hosts import APPLICATION_HOST, MEDIA_HOSTS
from harness.world.http_recorder import HttpRecorder
from harness.world.journal_writer import JournalWriter
from harness.world.live.causes import NO_CAUSES, Causes
from harness.world.live.proxy import Authority, ProxiedHost, Proxy
from harness.world.live.redirect import preload_environment, proxy_environment
from harness.world.live.server import protocol_factory

LOOPBACK = "127.0.0.1"
LATE_ANSWER = re.compile("answered/([0-9]{1,9})/([0-9]{3})")
"""What the preloaded module reports of a request: its number, and the status of the response that came too late."""
TRACKS_SERVED = 10_000
"""Tracks that the account of fakes without an end covers."""


class LiveFakes:
    """Suno, Kie.ai and the hosts of their files, as configured by one scenario."""

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
        causes: Causes = NO_CAUSES,
        forgets: bool = False,
    ) -> None:
        """`post` delivers callbacks; `causes` knows what caused a request of the application. `ids` makes the
        providers' ids differ between runs. `forgets` bounds what they remember of the past, for fakes that are served
        without an end."""
        self._writer = writer
        self._causes = causes
        self._elapsed_s = elapsed_s
        self.connecting: deque[tuple[float, float]] = deque(maxlen=0 if forgets else None)
        """The intervals in which connections waited to be established or until the client gave up."""
        self._to_close = contextlib.ExitStack()
        self._state = ServerState()
        script = scenario.script
        signing = script.suno.delivery.signing
        self.next_signing_key = known_next_key(signing_key, signing)
        """The key that will replace the signing key, if the application knows it."""
        self.key_as_received = as_received(signing_key, signing)
        """The signing key as the application's configuration has it."""
        self.next_key_as_received = as_received(self.next_signing_key, signing)
        self.injector = FaultInjector(scenario.faults, seed, writer.record, elapsed_s)
        self.media = MediaHost(
            script.media, base_url="", seed=seed, observe=writer.observe, files_kept=FILES_KEPT if forgets else None
        )
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
            tracks=TRACKS_SERVED if forgets else scenario.tracks,
            tasks_kept=TASKS_KEPT if forgets else None,
            files=self.media,
        )
        self._files = self.injector.around(self.media.app, link_to(MEDIA))
        gateway_app = self.injector.around(self.gateway, link_of_path)
        self._apps: dict[str, App] = {SUNO.name: gateway_app, KIE.name: gateway_app, MEDIA.name: self._files}
        self._served: dict[str, ProxiedHost] = {}
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
        """Begin to listen, on free ports unless some are given by the providers' names."""
        for name, provider in PROVIDERS.items():
            app, connect_hook = self._served[provider.hosts[0]]
            make = protocol_factory(app, asyncio.get_running_loop(), connect_hook, self._state)
            server = await asyncio.get_running_loop().create_server(make, LOOPBACK, (ports or {}).get(name, 0))
            self._to_close.callback(server.close)
            self.ports[name] = server.sockets[0].getsockname()[1]
        self.media.base_url = self.url("media")

    def url(self, name: str) -> str:
        """Return a provider's base URL."""
        return f"http://{LOOPBACK}:{self.ports[name]}"

    @property
    def by_name(self) -> dict[str, App]:
        """Return the apps by host name, for probes that leave no trace."""
        return dict.fromkeys(MEDIA_HOSTS, self._files)

    @property
    def by_port(self) -> dict[int, App]:
        """Return the apps by port."""
        return {self.ports[name]: app for name, app in self._apps.items()}

    async def preload(
        self,
        node_options: str | None,
        port: int = 0,
        on_late_answer: Callable[[int, int], None] = lambda number, status: None,
    ) -> dict[str, str]:
        """Return the environment in which a Node process reaches the fakes under the providers' real names; it reports
        other hosts on a free port, or on the one given.

        `on_late_answer` is called with the number of a request and the status of its response, where the client was
        gone before the handler ended it.
        """
        self.media.base_url = f"https://{MEDIA_HOSTS[0]}"
        server = await asyncio.start_server(partial(self._on_report, on_late_answer), LOOPBACK, port)
        self._to_close.callback(server.close)
        strangers = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/"
        origins = {host: self.url(provider.name) for provider in PROVIDERS.values() for host in provider.hosts}
        given = os.environ.get("NODE_OPTIONS", "") if node_options is None else node_options
        return preload_environment(origins, strangers, given)

    async def proxy(self, authority: Authority, port: int = 0) -> dict[str, str]:
        """Return the environment in which any process reaches them through a proxy, which listens on a free port or on
        the one given."""
        self.media.base_url = f"https://{MEDIA_HOSTS[0]}"
        proxy = Proxy(self._served, authority, self._unknown_host, self._state)
        self._to_close.callback((await proxy.start(LOOPBACK, port)).close)
        return proxy_environment(f"http://{LOOPBACK}:{proxy.port}", authority.certificate, authority.bundle())

    async def finish(self) -> None:
        """Cancel everything in progress."""
        await self.injector.close()
        await self.gateway.close()

    def close(self) -> None:
        """Stop listening, and close the open connections."""
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
        """Return `app` as `host`, with every request recorded in the journal."""
        recorder = HttpRecorder(app, link, self._writer, _SameNames())

        client, server = (APPLICATION_HOST, 0), (host, 0)

        def named(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            """Requests over a socket come from the application and are meant for `host`."""
            if scope["type"] == "http":
                scope["state"]["wire"].cause = self._causes()
                scope["state"]["wire"].where = self._causes.where()
                scope["state"]["guessed"] = self._causes.guessed()
                scope["client"], scope["server"] = client, server
            return recorder(scope, receive, send)

        return self._causes.listening(named)

    async def _on_report(
        self,
        on_late_answer: Callable[[int, int], None],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Receive what the preloaded module reports: a host without a fake, or a late answer."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            reported = head.split(" ", 2)[1].removeprefix("/")
            late = LATE_ANSWER.fullmatch(reported)
            if late is not None:
                on_late_answer(int(late[1]), int(late[2]))
            else:
                name, _, port = reported.partition(":")
                self._unknown_host(name, int(port) if port.isdigit() else 443)
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            writer.close()

    def _unknown_host(self, host: str, port: int) -> None:
        guessed = self._causes.guessed()
        attempt = ConnectionToUnknownHost(host=host, port=port, by=APPLICATION_HOST, guessed=guessed)
        self._writer.record(attempt, self._causes())


class _SameNames:
    """Addresses that are already names."""

    def name_of(self, address: str) -> str:
        return address
