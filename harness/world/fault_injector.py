"""The fault injector: applies faults at the fake's end of a connection, in memory and over real sockets alike.

It is installed in three places: in front of a fake's ASGI app, where the fake accepts connections, and around the
`Post` with which the fake sends its callbacks.

A fault is recorded at the moment at which it acts, and only if it changes something: of two that send the response only
the first acts, and a text that does not occur is not replaced.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

from harness.fakes import http_client as posting
from harness.fakes.http_client import BadResponseError, Post
from harness.faults.exchange import (
    App,
    Connection,
    Exchange,
    Headers,
    Message,
    Receive,
    RequestInTransit,
    ResponseInTransit,
    Scope,
    Send,
    received_again,
)
from harness.faults.kinds import ConnectFault, EndFault, Fault, HoldFault, RequestFault, ResponseFault, SendFault
from harness.faults.randomness import Randomness, for_ever, pause
from harness.faults.rule import FaultRule
from harness.faults.stores import Statement, StoreFault
from harness.trace.events import FaultTriggered
from harness.world.armed_fault import ArmedFault
from harness.world.code_location import current_location

ConnectHook = Callable[[], Awaitable[None]]
"""Awaited before a connection is established."""
T = TypeVar("T")
Due = list[tuple[ArmedFault, Randomness]]
"""The faults that apply to one message, in the order of the scenario."""


Record = Callable[[FaultTriggered], Any]
"""Records that a fault has triggered."""


class FaultInjector:
    """The faults of one scenario, with counters of how often each of them has matched."""

    def __init__(self, rules: tuple[FaultRule, ...], seed: int, record: Record, elapsed_s: Callable[[], float]) -> None:
        self._rules = rules
        self._record = record
        self._elapsed_s = elapsed_s
        self._at_connections: dict[str, list[ArmedFault]] = {}
        """The faults that may apply to a connection on a link, in the order of the scenario."""
        self._at_messages: dict[str, list[ArmedFault]] = {}
        """The same for messages."""
        self.armed = [ArmedFault(rule, Random(f"fault {number} {seed}")) for number, rule in enumerate(rules)]
        """All of them, in the order of the scenario."""
        for armed in self.armed:
            by_link = self._at_connections if isinstance(armed.fault, ConnectFault) else self._at_messages
            by_link.setdefault(armed.rule.link, []).append(armed)
        self._dead: WeakSet[Any] = WeakSet()
        self._has_dead = False
        self._held: dict[str, list[asyncio.Future[None]]] = {}
        self._under_way: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Cancel everything in transit."""
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start work that continues even if its caller is cancelled."""
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._arrived)
        return task

    def _arrived(self, task: "asyncio.Task[Any]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # retrieve it: anything still awaiting the task gets it, too

    # Connections

    def connect_hook(self, links: frozenset[str]) -> ConnectHook | None:
        """Return the hook for connections to a host that serves `links`, or None if no fault concerns connections."""
        if not any(isinstance(rule.fault, ConnectFault) and rule.link in links for rule in self._rules):
            return None

        async def pass_gate() -> None:
            for link in sorted(links):
                await self._connect(link)

        return pass_gate

    async def _connect(self, link: str) -> None:
        for armed, randomness in self._due(self._at_connections.get(link)):
            assert isinstance(armed.fault, ConnectFault)
            self._notify(armed)
            await armed.fault.on_connect(randomness)

    # Exchanges with a fake's app

    def around(self, app: App, link: Callable[[str], str]) -> App:
        """Return `app` with the faults applied to its exchanges."""
        if all(isinstance(rule.fault, ConnectFault) or rule.link == "callbacks" for rule in self._rules):
            return app
        reads = any(rule.containing is not None for rule in self._rules)
        alters = any(isinstance(rule.fault, RequestFault) for rule in self._rules)

        def with_faults(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            connection = scope["state"]["wire"]
            if self._has_dead and connection in self._dead:
                return Exchange(scope, receive, send, connection, self._let_die).gone()
            whose = link(scope["path"])
            if reads:
                return self._read_and_carry_out(app, whose, scope, receive, send)
            due = self._due_to(whose, scope)
            if due or alters:
                return self._carry_out(app, whose, scope, receive, send, due)
            return app(scope, receive, send)

        return with_faults

    async def _read_and_carry_out(self, app: App, link: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request whose content some fault has to match."""
        content = await _content(receive)
        await self._carry_out(app, link, scope, receive, send, self._due_to(link, scope, content), content)

    async def _carry_out(
        self, app: App, link: str, scope: Scope, receive: Receive, send: Send, due: Due, content: bytes | None = None
    ) -> None:
        """Handle a request with the faults that are due; `content` is its body if already read."""
        disconnected = receive
        if content is not None:
            receive = received_again(content, receive)
        if not due:
            await app(scope, receive, send)
            self._overtake(link)
            return
        exchange = Exchange(scope, disconnected, send, scope["state"]["wire"], self._let_die)
        if any(isinstance(armed.fault, RequestFault) for armed, _ in due):
            content = await _content(receive) if content is None else content
            request = await self._pass(due, link, content)
            if request.lost:
                await exchange.gone()
                return
            for after_s in request.copies_after_s:
                self._start(_carry_out_again(app, scope, request.content, after_s))
            if request.refusal is not None:
                await self._send(due, exchange, request.refusal)
                return
            receive = received_again(request.content, receive)
        response = await _response_of(app, scope, receive)
        self._overtake(link)
        await self._send(due, exchange, response)

    async def _send(self, due: Due, exchange: Exchange, response: ResponseInTransit) -> None:
        """Send a response with the faults that are due; those of a probe of the observer's own are not recorded."""
        notify = (lambda armed: None) if exchange.is_observed else self._notify
        for armed, _ in due:
            if isinstance(armed.fault, ResponseFault):
                altered = armed.fault.alter(response)
                if _said(altered) != _said(response):
                    notify(armed)
                response = altered
        await self._hold(due, notify)
        for armed, randomness in due:
            if isinstance(armed.fault, EndFault):
                notify(armed)
                await armed.fault.on_end(exchange.connection)
                break
            if isinstance(armed.fault, SendFault):
                notify(armed)
                await armed.fault.on_send(exchange, response, randomness)
                break
        else:
            await exchange.finish(response)
        await exchange.gone()

    async def _hold(self, due: Due, notify: Callable[[ArmedFault], None]) -> None:
        """Hold a response back for the sum of the delays that are due."""
        for armed, randomness in due:
            if isinstance(armed.fault, HoldFault):
                delay_s = armed.fault.hold_s(randomness)
                if delay_s:
                    notify(armed)
                    await pause(delay_s)

    async def _pass(self, due: Due, link: str, content: bytes) -> RequestInTransit:
        """Apply the request faults to a request in transit."""
        request = RequestInTransit(content, lambda within_s: self._be_overtaken(link, within_s))
        for armed, randomness in due:
            if isinstance(armed.fault, RequestFault) and not request.is_over and armed.fault.affects(request):
                self._notify(armed)
                request.fault_ends_in_s = self._ends_in_s(armed.rule)
                await armed.fault.on_request(request, randomness)
        return request

    async def _be_overtaken(self, link: str, within_s: float) -> None:
        """Wait until the next request of the link passes; if another one is already held, this is that next request."""
        if self._held.get(link):
            return
        passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held[link] = [passed]
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await passed
        self._held.pop(link, None)

    def _let_die(self, connection: Connection) -> None:
        self._dead.add(connection)
        self._has_dead = True

    def _overtake(self, link: str) -> None:
        for passed in self._held.get(link, ()):
            if not passed.done():
                passed.set_result(None)

    # Statements

    def pass_statement(self, statement: Statement, wait: Callable[[float], None]) -> None:
        """Apply the faults of the store to a statement inside the application's process: `wait`, or raise what the
        application's driver raises."""
        armed = self._at_messages.get("store")
        due = [each for each in armed or () if _concerns(each.rule.fault, statement)]
        for met, randomness in self._due(due, statement.method, statement.path, statement.content):
            assert isinstance(met.fault, StoreFault)
            self._notify(met)
            lasting = replace(statement, fault_ends_in_s=self._ends_in_s(met.rule))
            met.fault.on_statement(lasting, randomness, wait)

    # Callbacks

    def post(self, post: Post = posting.post) -> Post:
        """Return `post` with the faults on the callbacks' link applied."""
        if not any(rule.link == "callbacks" for rule in self._rules):
            return post

        async def with_faults(url: str, content: bytes, headers: dict[str, str]) -> posting.ClientResponse:
            await self._connect("callbacks")
            due = self._due(self._at_messages.get("callbacks"), "POST", urlsplit(url).path, content)
            # A message in transit arrives even if the sender has given up.
            arriving = self._start(self._arrive(due, post, url, content, headers))
            response = await asyncio.shield(arriving)
            if response is None:
                await for_ever()
                raise AssertionError("unreachable: for_ever() returned")
            await self._hold(due, self._notify)
            for armed, _ in due:
                if isinstance(armed.fault, EndFault):
                    self._notify(armed)
                    await armed.fault.on_end(_SendersEnd())
            return response

        return with_faults

    async def _arrive(
        self, due: Due, post: Post, url: str, content: bytes, headers: dict[str, str]
    ) -> posting.ClientResponse | None:
        request = await self._pass(due, "callbacks", content)
        if request.lost:
            return None
        for after_s in request.copies_after_s:
            self._start(_post_again(post, url, request.content, headers, after_s))
        if request.refusal is not None:
            return posting.ClientResponse(request.refusal.status, request.refusal.body)
        try:
            return await post(url, request.content, headers)
        finally:
            self._overtake("callbacks")

    # Which faults are due

    def _ends_in_s(self, rule: FaultRule) -> float:
        return math.inf if rule.until_s is None else rule.until_s - self._elapsed_s()

    def _notify(self, armed: ArmedFault) -> None:
        armed.has_acted = True
        self._record(FaultTriggered(harm=armed.fault.name, link=armed.rule.link, where=current_location() or None))

    def _due_to(self, link: str, scope: Scope, content: bytes | None = None) -> Due:
        """Return the faults that apply to a request. A probe of the observer's own does not count, and meets only the
        faults that apply to every message."""
        armed = self._at_messages.get(link)
        if armed is None:
            return []
        if scope["state"].get("observer", False):
            return [
                (each, each.randomness())
                for each in armed
                if each.affects_all and each.matches(self._elapsed_s(), scope["method"], scope["path"], content)
            ]
        return self._due(armed, scope["method"], scope["path"], content)

    def _due(
        self, armed: list[ArmedFault] | None, method: str = "", path: str = "", content: bytes | None = None
    ) -> Due:
        """Return the faults that apply to this message or connection, and count it."""
        if armed is None:
            return []
        return [
            (each, each.triggered())
            for each in armed
            if (each.is_general or each.matches(self._elapsed_s(), method, path, content)) and each.triggers()
        ]


def _concerns(fault: Fault, statement: Statement) -> bool:
    return isinstance(fault, StoreFault) and fault.concerns(statement)


def _said(response: ResponseInTransit) -> tuple[int, Headers, bytes]:
    """Return what a response says; the order of its headers says nothing."""
    return response.status, sorted(response.headers), response.body


async def _response_of(app: App, scope: Scope, receive: Receive) -> ResponseInTransit:
    """Return the fake's response without sending it."""
    response, parts = ResponseInTransit(500, [], b""), []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            response.status = message["status"]
            response.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, keep)
    response.body = b"".join(parts)
    return response


async def _carry_out_again(app: App, scope: Scope, content: bytes, after_s: float) -> None:
    await pause(after_s)
    await _response_of(app, {**scope, "state": dict(scope["state"])}, received_again(content, for_ever_receiving))


async def _post_again(post: Post, url: str, content: bytes, headers: dict[str, str], after_s: float) -> None:
    await pause(after_s)
    with suppress(OSError, ValueError, BadResponseError):
        await post(url, content, headers)


async def _content(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def for_ever_receiving() -> Message:
    """The receive channel of a request whose sender never disconnects."""
    await for_ever()
    raise AssertionError("unreachable: for_ever() returned")


class _SendersEnd:
    """The sender's end of a callback's connection, where the sender sees the fault."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None:
        raise ConnectionResetError("the connection was closed before the answer")

    def reset(self) -> None:
        raise ConnectionResetError("the connection was reset")
