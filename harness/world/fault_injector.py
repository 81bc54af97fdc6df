"""The injector: applies faults at a fake's own end of the wire, over memory and over real sockets alike.

It stands in three places: in front of a fake's ASGI app, where its connections are accepted, and around the `Post` by
which the fake sends its callbacks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from random import Random
from typing import Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

from harness.fakes import http_client as posting
from harness.fakes.http_client import BadAnswerError, Post
from harness.faults import Fault, ends, harms_connections, harms_requests, holds, sends, spoils
from harness.faults.exchange import Answer, App, Exchange, Message, Passage, Receive, Scope, Send, Wire, received_again
from harness.faults.luck import Luck, for_ever, pause
from harness.trace.events import FaultTriggered

Gate = Callable[[], Awaitable[None]]
"""What a connection has to pass before it stands."""
T = TypeVar("T")
Due = list[tuple[Fault, Luck]]
"""The faults that befall one message, in the order they are written."""


Record = Callable[[FaultTriggered], Any]
"""Records that a fault has triggered."""


class Injector:
    """The faults of one scenario, and how often each of them has been met."""

    def __init__(self, faults: tuple[Fault, ...], seed: int, record: Record, elapsed_s: Callable[[], float]) -> None:
        self._faults = faults
        self._record = record
        self._elapsed_s = elapsed_s
        self._at_connections: dict[str, list[_Armed]] = {}
        """Which faults may befall a connection to a link, in the order they are written."""
        self._at_messages: dict[str, list[_Armed]] = {}
        """The same for its messages."""
        for number, fault in enumerate(faults):
            by_link = self._at_connections if harms_connections(fault.harm) else self._at_messages
            by_link.setdefault(fault.link, []).append(_Armed(fault, Random(f"fault {number} {seed}")))
        self._dead: WeakSet[Any] = WeakSet()
        self._has_dead = False
        self._held: dict[str, list[asyncio.Future[None]]] = {}
        self._under_way: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Gives up what is still on its way."""
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Lets something go its way, also when nobody waits for it any more."""
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._arrived)
        return task

    def _arrived(self, task: "asyncio.Task[Any]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits for it is told, too

    # Connections

    def gate(self, links: frozenset[str]) -> Gate | None:
        """What a connection to a host that serves `links` has to pass; None when no fault is about connections."""
        if not any(harms_connections(fault.harm) and fault.link in links for fault in self._faults):
            return None

        async def pass_gate() -> None:
            for link in sorted(links):
                await self._connect(link)

        return pass_gate

    async def _connect(self, link: str) -> None:
        for fault, luck in self._due(self._at_connections.get(link)):
            assert harms_connections(fault.harm)
            self._tell(fault)
            await fault.harm.on_connect(luck)

    # Exchanges with a fake's app

    def around(self, app: App, link: Callable[[str], str]) -> App:
        """`app` with the faults on its exchanges."""
        if all(harms_connections(fault.harm) or fault.link == "callbacks" for fault in self._faults):
            return app
        reads = any(fault.containing is not None for fault in self._faults)
        alters = any(harms_requests(fault.harm) for fault in self._faults)

        def harmed(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            wire = scope["state"]["wire"]
            if self._has_dead and wire in self._dead:
                return Exchange(scope, receive, send, wire, self._let_die).gone()
            whose = link(scope["path"])
            if reads:
                return self._read_and_carry_out(app, whose, scope, receive, send)
            due = self._due_to(whose, scope)
            if due or alters:
                return self._carry_out(app, whose, scope, receive, send, due)
            return app(scope, receive, send)

        return harmed

    async def _read_and_carry_out(self, app: App, link: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Carries out a request whose content matters to some fault."""
        content = await _content(receive)
        await self._carry_out(app, link, scope, receive, send, self._due_to(link, scope, content), content)

    async def _carry_out(
        self, app: App, link: str, scope: Scope, receive: Receive, send: Send, due: Due, content: bytes | None = None
    ) -> None:
        """Carries out a request with the faults that are due; its `content` if that has been read already."""
        disconnected = receive
        if content is not None:
            receive = received_again(content, receive)
        if not due:
            await app(scope, receive, send)
            self._overtake(link)
            return
        exchange = Exchange(scope, disconnected, send, scope["state"]["wire"], self._let_die)
        if not exchange.is_observed:
            for fault, _ in _acting(due):
                self._tell(fault)
        if any(harms_requests(fault.harm) for fault, _ in due):
            content = await _content(receive) if content is None else content
            passage = await self._pass(due, link, content)
            if passage.lost:
                await exchange.gone()
                return
            for after_s in passage.copies_after_s:
                self._start(_carry_out_again(app, scope, passage.content, after_s))
            if passage.refusal is not None:
                await _send(due, exchange, passage.refusal)
                return
            receive = received_again(passage.content, receive)
        answer = await _answer_of(app, scope, receive)
        self._overtake(link)
        await _send(due, exchange, answer)

    async def _pass(self, due: Due, link: str, content: bytes) -> Passage:
        """Lets a request go its way."""
        passage = Passage(content, lambda within_s: self._be_overtaken(link, within_s))
        for fault, luck in due:
            if harms_requests(fault.harm) and not passage.is_over:
                await fault.harm.on_request(passage, luck)
        return passage

    async def _be_overtaken(self, link: str, within_s: float) -> None:
        """Waits for the next request of the link; the one that finds another waiting is that next one."""
        if self._held.get(link):
            return
        passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held[link] = [passed]
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await passed
        self._held.pop(link, None)

    def _let_die(self, wire: Wire) -> None:
        self._dead.add(wire)
        self._has_dead = True

    def _overtake(self, link: str) -> None:
        for passed in self._held.get(link, ()):
            if not passed.done():
                passed.set_result(None)

    # Callbacks

    def post(self, post: Post = posting.post) -> Post:
        """`post` with the faults on the callbacks' link."""
        if not any(fault.link == "callbacks" for fault in self._faults):
            return post

        async def harmed(url: str, content: bytes, headers: dict[str, str]) -> posting.Answer:
            await self._connect("callbacks")
            due = self._due(self._at_messages.get("callbacks"), "POST", urlsplit(url).path, content)
            for fault, _ in _acting(due):
                self._tell(fault)
            # What is on its way arrives also when the sender has given up.
            arriving = self._start(self._arrive(due, post, url, content, headers))
            answer = await asyncio.shield(arriving)
            if answer is None:
                await for_ever()
                raise AssertionError("nobody waits that long")
            await pause(_hold_s(due))
            for fault, _ in _acting(due):
                if ends(fault.harm):
                    await fault.harm.on_end(_SendersEnd())
            return answer

        return harmed

    async def _arrive(
        self, due: Due, post: Post, url: str, content: bytes, headers: dict[str, str]
    ) -> posting.Answer | None:
        passage = await self._pass(due, "callbacks", content)
        if passage.lost:
            return None
        for after_s in passage.copies_after_s:
            self._start(_post_again(post, url, passage.content, headers, after_s))
        if passage.refusal is not None:
            return posting.Answer(passage.refusal.status, passage.refusal.body)
        try:
            return await post(url, passage.content, headers)
        finally:
            self._overtake("callbacks")

    # Which faults are due

    def _tell(self, fault: Fault) -> None:
        self._record(FaultTriggered(harm=fault.harm.name, link=fault.link))

    def _due_to(self, link: str, scope: Scope, content: bytes | None = None) -> Due:
        """What befalls a request. An observer's own look counts for no fault and meets only those that befall every
        message."""
        armed = self._at_messages.get(link)
        if armed is None:
            return []
        if scope["state"].get("observer", False):
            return [
                (each.fault, each.luck())
                for each in armed
                if each.befalls_all and each.matches(self._elapsed_s(), scope["method"], scope["path"], content)
            ]
        return self._due(armed, scope["method"], scope["path"], content)

    def _due(self, armed: "list[_Armed] | None", method: str = "", path: str = "", content: bytes | None = None) -> Due:
        """What befalls this message or connection."""
        if armed is None:
            return []
        return [
            (each.fault, each.struck())
            for each in armed
            if (each.is_general or each.matches(self._elapsed_s(), method, path, content)) and each.strikes()
        ]


class _Armed:
    """A fault, and how often it has been met and has struck."""

    __slots__ = ("_containing", "_harmed", "_met", "_method", "_path", "_random", "befalls_all", "fault", "is_general")

    def __init__(self, fault: Fault, random: Random) -> None:
        self.fault = fault
        self.befalls_all = fault.nth is None and fault.probability == 1.0 and not harms_requests(fault.harm)
        self._random = random
        self._met = self._harmed = 0
        of_messages = not harms_connections(fault.harm)  # of a connection on its own nothing else is known
        self._path = fault.path if of_messages else None
        self._method = fault.method if of_messages else None
        self._containing = fault.containing.encode() if of_messages and fault.containing is not None else None
        limits = fault.until_s, self._containing, self._path, self._method
        self.is_general = fault.from_s == 0 and limits == (None, None, None, None)
        """Whether it is about every message of its link at all times."""

    def matches(self, at_s: float, method: str, path: str, content: bytes | None) -> bool:
        """Whether it is about such a message at this time."""
        fault = self.fault
        return (
            at_s >= fault.from_s
            and (fault.until_s is None or at_s < fault.until_s)
            and (self._containing is None or self._containing in (content or b""))
            and (self._path is None or path.startswith(self._path))
            and (self._method is None or self._method == method)
        )

    def strikes(self) -> bool:
        """Whether it befalls this message, which it is about. Counts it."""
        self._met += 1
        lucky = self.fault.probability < 1.0 and self._random.random() >= self.fault.probability
        return not lucky and self.fault.nth in (None, self._met)

    def luck(self) -> Luck:
        """What the harm may draw from now."""
        return Luck(self._random, self._harmed)

    def struck(self) -> Luck:
        """The same, when it befalls a message. Counts it."""
        luck = self.luck()
        self._harmed += 1
        return luck


def _acting(due: Due) -> Iterator[tuple[Fault, Luck]]:
    """Those of the faults due that have an effect: an answer is sent, or not sent, in one way."""
    answered = False
    for fault, luck in due:
        answers = ends(fault.harm) or sends(fault.harm)
        if not (answers and answered):
            yield fault, luck
        answered = answered or answers


def _hold_s(due: Due) -> float:
    return sum(fault.harm.hold_s(luck) for fault, luck in due if holds(fault.harm))


async def _send(due: Due, exchange: Exchange, answer: Answer) -> None:
    for fault, _ in due:
        if spoils(fault.harm):
            answer = fault.harm.spoil(answer)
    await pause(_hold_s(due))
    for fault, luck in _acting(due):
        if ends(fault.harm):
            await fault.harm.on_end(exchange.wire)
            break
        if sends(fault.harm):
            await fault.harm.on_send(exchange, answer, luck)
            break
    else:
        await exchange.finish(answer)
    await exchange.gone()


async def _answer_of(app: App, scope: Scope, receive: Receive) -> Answer:
    """What the fake answers, kept from going out."""
    answer, parts = Answer(500, [], b""), []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, keep)
    answer.body = b"".join(parts)
    return answer


async def _carry_out_again(app: App, scope: Scope, content: bytes, after_s: float) -> None:
    await pause(after_s)
    await _answer_of(app, {**scope, "state": dict(scope["state"])}, received_again(content, for_ever_receiving))


async def _post_again(post: Post, url: str, content: bytes, headers: dict[str, str], after_s: float) -> None:
    await pause(after_s)
    with suppress(OSError, ValueError, BadAnswerError):
        await post(url, content, headers)


async def _content(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def for_ever_receiving() -> Message:
    """The receive channel of a request whose sender never goes away."""
    await for_ever()
    raise AssertionError("for ever has no end")


class _SendersEnd:
    """The sender's own end of a callback's connection, as a harm to it is felt there."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None:
        raise ConnectionResetError("the connection was closed before the answer")

    def reset(self) -> None:
        raise ConnectionResetError("the connection was reset")
