"""The application in a live world: processes started on ports of their own, or an application that already runs."""

import contextlib
import itertools
import secrets
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from harness.config.app_config import REQUEST, Settings, environment_of, filled
from harness.errors import ImplementationError
from harness.faults.exchange import Receive, Scope, Send
from harness.trace.events import (
    InstanceExited,
    InstanceFrozen,
    InstanceKilled,
    InstanceStarted,
    InstanceThawed,
    LogLine,
)
from harness.world.journal_writer import JournalWriter
from harness.world.live.event_loop import LiveLoop
from harness.world.live.faketime import SAYS, TICKS, SharedClock, faketime_environment, preloading
from harness.world.live.leaps import MODULE, Leaps
from harness.world.live.process import Process, wait_until_ready
from harness.world.live.redirect import with_own_first
from harness.world.log_level import level_of, tidy

LOOPBACK = "127.0.0.1"
PORTS, PORT_TRIES = range(20_000, 32_000), 100
"""Below the ports that Linux, macOS and Windows use for outgoing connections."""
WARM_UP_S = 60.0
"""Real seconds for one request that warms the application up."""
STREAMS = {"stdout": "info", "stderr": "error"}
"""The level of a line that names none."""
LINES_MAX = 20_000
LAST_LINE_SHOWN = 80
HOP_HEADERS = frozenset((b"connection", b"keep-alive", b"transfer-encoding", b"content-encoding", b"content-length"))


class InstanceProcesses:
    """The application's processes: started, frozen, killed and replaced as a platform would."""

    def __init__(
        self, settings: Settings, count: int, loop: LiveLoop, writer: JournalWriter, timezone: str | None = None
    ) -> None:
        """`timezone` is that of the scenario."""
        self._settings = settings
        self._timezone = timezone
        self._loop = loop
        self._writer = writer
        self._values: Mapping[str, str] = {}
        self._processes: dict[int, Process] = {}
        self.reach: Mapping[str, str] = {}
        """Environment variables that lead to the fakes."""
        self.leaps: Leaps | None = None
        """What moves their clocks, if they can be moved."""
        self._clocks = contextlib.ExitStack()
        self._lines = itertools.count(1)
        self._turn = 0
        self._starts = 0
        self._numbers: dict[int, int] = {}
        """By port, the number of the instance that runs there."""
        application = settings.application
        if application.url is not None:
            self.ports = [_port_of(application.url)]
        elif application.port:
            self.ports = [application.port + index for index in range(count)]
        else:
            self.ports = [free_port() for _ in range(count)]

    @property
    def url(self) -> str:
        """Return the application's base URL: its own, or that of instance 1."""
        return (self._settings.application.url or f"http://{LOOPBACK}:{self.ports[0]}").rstrip("/")

    @property
    def is_started(self) -> bool:
        """Return whether the harness starts it, and so may stop it."""
        return self._settings.application.command is not None

    @property
    def serverless(self) -> bool:
        """Return whether it is frozen between a response and the next request."""
        return self._settings.application.serverless

    async def start(self, values: Mapping[str, str]) -> None:
        """Start every instance with `values` in its command and environment, and wait until all of them listen."""
        self._values = values
        for port in self.ports:
            await self._start(port)

    async def _start(self, port: int) -> None:
        application = self._settings.application
        process = None
        if application.command is not None:
            if _is_taken(port):
                raise ImplementationError(f"port {port}, on which the application should listen, is already in use")
            values = {**self._values, "port": str(port)}
            environment = self._environment(values)
            process = Process(filled(application.command, values), self._settings.folder, environment, self._on_line)
            self._processes[port] = process
            self._starts += 1
            self._numbers[port] = self._starts
        try:
            with self._loop.waiting():
                await wait_until_ready(process, (self._host, port), application.ready_s, self._loop.speed)
        except ImplementationError:
            self.stop()
            raise
        if process is not None:
            self._writer.record(InstanceStarted(instance=self._numbers.get(port, 0)))

    def _environment(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a process that starts now."""
        own: dict[str, str] = {}
        if self._loop.speed != 1 or self.leaps is not None:
            clock = SharedClock()
            self._clocks.callback(clock.close)
            own = faketime_environment(self._loop.speed, self._loop.ahead_s) | clock.environment
        if self.leaps is not None:
            own |= self.leaps.environment
        environment = environment_of(self._settings, values, {**own, **self.reach}, timezone=self._timezone)
        environment = with_own_first(environment, self.reach)
        if self._loop.speed != 1 or self.leaps is not None:
            environment["NODE_OPTIONS"] = preloading(TICKS, environment.get("NODE_OPTIONS", ""))
        if self.leaps is not None:
            environment["NODE_OPTIONS"] = preloading(MODULE, environment["NODE_OPTIONS"])
        return environment

    @property
    def pids(self) -> list[int]:
        """Return the ids of the processes that run, without their children."""
        return [process.pid for process in self._processes.values()]

    @property
    def has_output(self) -> bool:
        """Return whether they have printed something that was not passed on yet."""
        return any(process.has_output for process in self._processes.values())

    @property
    def _host(self) -> str:
        url = self._settings.application.url
        return (urlsplit(url).hostname or LOOPBACK) if url else LOOPBACK

    async def warm_up(self, client: httpx.AsyncClient) -> None:
        """Send requests so that the first real one is not slow; their responses are ignored."""
        for line in self._settings.application.warm_up:
            matched = REQUEST.fullmatch(line)
            assert matched is not None
            for port in self.ports:
                with contextlib.suppress(httpx.HTTPError):
                    url = f"http://{self._host}:{port}{matched[2]}"
                    await client.request(matched[1], url, timeout=WARM_UP_S * self._loop.speed)

    def _on_line(self, stream: str, text: str) -> None:
        """Receive a line of a process's output; called in a thread. A flood of lines is not passed on to the loop."""
        number = next(self._lines)
        if number > LINES_MAX + 1:
            return
        line = LogLine(level=level_of(text, STREAMS[stream]), logger=stream, text=tidy(self._reported(text)))
        with contextlib.suppress(RuntimeError):  # the loop is closed: the line comes too late
            self._loop.call_soon_threadsafe(self._line, number, line)

    def _line(self, number: int, line: LogLine) -> None:
        if line.text.startswith(SAYS):
            self._loop.refuse(f"the application's clock could not be sped up, so the run shows nothing: {line.text}")
        if number > LINES_MAX:
            self._loop.refuse(
                f"the application has printed more than {LINES_MAX} lines in one run, most recently "
                f'"{line.text[:LAST_LINE_SHOWN]}"; logging in a loop?'
            )
            return
        self._writer.record(line, 0)

    def _reported(self, text: str) -> str:
        database = self._values.get("database")
        return text.replace(database, "$DATABASE_PATH") if database else text

    def in_turn(self, url: str) -> str:
        """Return an address on instance 1 as one on the next instance in turn."""
        if len(self.ports) == 1 or not url.startswith((self.url + "/", self.url + "?")):
            return url
        self._turn += 1
        port = self.ports[(self._turn - 1) % len(self.ports)]
        return f"http://{LOOPBACK}:{port}{url.removeprefix(self.url)}"

    def ended(self) -> list[int]:
        """Return the ports of processes that have exited by themselves since the last call; they are not restarted."""
        gone = [port for port, process in self._processes.items() if process.exit_status is not None]
        for port in gone:
            process = self._processes.pop(port)
            self._writer.record(InstanceExited(code=str(process.exit_status)), 0)
            process.stop()  # its child processes may still run
        return gone

    async def restart(self, port: int) -> None:
        """Kill an instance with all its work, if it runs, and start another one on the same store."""
        self.end(port)
        await self._start(port)

    def end(self, port: int) -> None:
        """Kill an instance with all its work."""
        process = self._processes.pop(port, None)
        if process is not None:
            self._writer.record(InstanceKilled(instance=self._numbers.get(port, 0)), 0)
            process.kill()
            process.stop()

    def freeze(self, port: int) -> None:
        if port in self._processes:
            self._writer.record(InstanceFrozen(instance=self._numbers.get(port, 0)), 0)
            self._processes[port].freeze()

    def thaw(self, port: int) -> None:
        if port in self._processes:
            self._writer.record(InstanceThawed(instance=self._numbers.get(port, 0)), 0)
            self.awaken(port)

    def awaken(self, port: int) -> None:
        """Let an instance go on, unrecorded: for a look at the end."""
        if port in self._processes:
            if self.leaps is not None:
                self.leaps.catch_up()
            self._processes[port].thaw()

    def stop(self) -> None:
        """Stop all instances and everything that they have started."""
        for process in self._processes.values():
            process.stop()
        self._processes.clear()
        self._clocks.close()


class Forwarder:
    """An ASGI app that forwards the harness's own probes to the application's process."""

    def __init__(self, base_url: str, client: httpx.AsyncClient, loop: LiveLoop) -> None:
        self._base_url = base_url
        self._client = client
        self._loop = loop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._loop.waiting():
            await self._forward(scope, send)

    async def _forward(self, scope: Scope, send: Send) -> None:
        query = scope["query_string"].decode("latin-1")
        url = self._base_url + scope["path"] + (f"?{query}" if query else "")
        headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
        async with self._client.stream(scope["method"], url, headers=headers) as response:
            kept = [(name, value) for name, value in response.headers.raw if name.lower() not in HOP_HEADERS]
            try:
                content = await response.aread()
            except httpx.RemoteProtocolError:  # it ends before its stated length
                await send({"type": "http.response.start", "status": response.status_code, "headers": kept})
                scope["state"]["wire"].close()
                return
            kept.append((b"content-length", str(len(content)).encode()))
            await send({"type": "http.response.start", "status": response.status_code, "headers": kept})
            await send({"type": "http.response.body", "body": content})


def by_port(apps: Mapping[int, Any]) -> Any:
    """Return an ASGI app for a host with a different app on each port."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        app = apps.get(urlsplit(f"//{host}").port or 80)
        if app is None:
            raise ConnectionRefusedError(f"no app listens on {host}")
        await app(scope, receive, send)

    return serve


def free_port() -> int:
    """Return a port of the loopback interface that is free at the moment.

    It is outside the range for outgoing connections, so that it is still free when the application listens.
    """
    for _ in range(PORT_TRIES):
        port = secrets.choice(PORTS)
        with contextlib.suppress(OSError), socket.socket() as tried:
            tried.bind((LOOPBACK, port))
            return port
    raise ImplementationError(
        f"no free port found between {PORTS.start} and {PORTS.stop}; stop some of the programs that listen there"
    )


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _port_of(url: str) -> int:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ImplementationError(
            f'"{url}" is not the URL of an application; expected one such as http://127.0.0.1:3000'
        )
    return parts.port or (443 if parts.scheme == "https" else 80)
