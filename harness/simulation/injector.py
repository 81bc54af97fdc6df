"""The injector: applies faults at a fake's own end of the wire, over memory and over real sockets alike.

It stands in three places: in front of a fake's ASGI app, where its connections are accepted, and around the `Post` by
which the fake sends its callbacks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from random import Random
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

from fakes import post as posting
from fakes.post import BadAnswerError, Post
from harness.faults import ConnectHarm, EndingHarm, Fault, HoldingHarm, RequestHarm, SendingHarm, SpoilingHarm
from harness.faults.exchange import Answer, App, Exchange, Message, Passage, Receive, Scope, Send, received_again
from harness.faults.luck import Luck, for_ever, pause

Gate = Callable[[], Awaitable[None]]
"""What a connection has to pass before it stands."""
T = TypeVar("T")
Due = list[tuple[Fault, Luck]]
"""The faults that befall one message, in the order they are written."""


class Note(Protocol):
    """Writes down that a fault befell a message."""

    def __call__(self, kind: str, /, *, harm: str, link: str) -> Any: ...


class Injector:
    """The faults of one scenario, and how often each of them has been met."""

    def __init__(self, faults: tuple[Fault, ...], seed: int, note: Note, elapsed_s: Callable[[], float]) -> None:
        self._faults = faults
        self._note = note
        self._elapsed_s = elapsed_s
        self._met = [0] * len(faults)
        self._harmed = [0] * len(faults)
        self._random = [Random(f"fault {number} {seed}") for number in range(len(faults))]
        self._by_link: dict[tuple[str, bool], list[int]] = {}
        """Which faults may befall a message of a link, or (True) a connection to it, in the order they are written."""
        for index, fault in enumerate(faults):
            self._by_link.setdefault((fault.link, isinstance(fault.harm, ConnectHarm)), []).append(index)
        self._dead: WeakSet[Any] = WeakSet()
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
        if not any(isinstance(fault.harm, ConnectHarm) and fault.link in links for fault in self._faults):
            return None

        async def pass_gate() -> None:
            for link in sorted(links):
                await self._connect(self._due(link, at_connection=True))

        return pass_gate

    async def _connect(self, due: Due) -> None:
        for fault, luck in due:
            assert isinstance(fault.harm, ConnectHarm)
            self._tell(fault)
            await fault.harm.on_connect(luck)

    # Exchanges with a fake's app

    def around(self, app: App, link: Callable[[str], str]) -> App:
        """`app` with the faults on its exchanges."""
        if all(isinstance(fault.harm, ConnectHarm) or fault.link == "callbacks" for fault in self._faults):
            return app
        reads = any(fault.containing is not None for fault in self._faults)

        async def harmed(scope: Scope, receive: Receive, send: Send) -> None:
            wire, whose = scope["state"]["wire"], link(scope["path"])
            observer = scope["state"].get("observer", False)
            if wire in self._dead:
                await Exchange(scope, receive, send, wire, self._dead.add).gone()
                return
            content, disconnected = None, receive
            if reads:
                content = await _content(receive)
                receive = received_again(content, receive)
            due = self._due(whose, scope["method"], scope["path"], content, observer)
            if not due:
                await app(scope, receive, send)
                self._overtake(whose)
                return
            exchange = Exchange(scope, disconnected, send, wire, self._dead.add)
            if not observer:
                for fault, _ in _acting(due):
                    self._tell(fault)
            if any(isinstance(fault.harm, RequestHarm) for fault, _ in due):
                content = await _content(receive) if content is None else content
                passage = await self._pass(due, whose, content)
                if passage.lost:
                    await exchange.gone()
                    return
                for after_s in passage.copies_after_s:
                    self._start(_carry_out_again(app, scope, passage.content, after_s))
                receive = received_again(passage.content, receive)
            answer = await _answer_of(app, scope, receive)
            self._overtake(whose)
            await _send(due, exchange, answer)

        return harmed

    async def _pass(self, due: Due, link: str, content: bytes) -> Passage:
        """Lets a request go its way."""
        passage = Passage(content, lambda within_s: self._be_overtaken(link, within_s))
        for fault, luck in due:
            if isinstance(fault.harm, RequestHarm) and not passage.lost:
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
            await self._connect(self._due("callbacks", at_connection=True))
            due = self._due("callbacks", "POST", urlsplit(url).path, content)
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
                if isinstance(fault.harm, EndingHarm):
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
        try:
            return await post(url, passage.content, headers)
        finally:
            self._overtake("callbacks")

    # Which faults are due

    def _tell(self, fault: Fault) -> None:
        self._note("fault", harm=fault.harm.name, link=fault.link)

    def _due(
        self,
        link: str,
        method: str = "",
        path: str = "",
        content: bytes | None = None,
        observer: bool = False,
        *,
        at_connection: bool = False,
    ) -> Due:
        """What befalls this message. An observer's own look counts for no fault and meets only those that befall every
        message."""
        possible = self._by_link.get((link, at_connection))
        if possible is None:
            return []
        at_s, due = self._elapsed_s(), []
        for index in possible:
            fault = self._faults[index]
            if at_s < fault.from_s or (fault.until_s is not None and at_s >= fault.until_s):
                continue
            if not at_connection and not _matches(fault, method, path, content):
                continue
            if observer:
                hit = fault.nth is None and fault.probability == 1.0 and not isinstance(fault.harm, RequestHarm)
            else:
                self._met[index] += 1
                lucky = fault.probability < 1.0 and self._random[index].random() >= fault.probability
                hit = not lucky and fault.nth in (None, self._met[index])
            if hit:
                due.append((fault, Luck(self._random[index], self._harmed[index])))
                self._harmed[index] += not observer
        return due


def _matches(fault: Fault, method: str, path: str, content: bytes | None) -> bool:
    if fault.containing is not None and fault.containing.encode() not in (content or b""):
        return False
    return (fault.path is None or path.startswith(fault.path)) and fault.method in (None, method)


def _acting(due: Due) -> Iterator[tuple[Fault, Luck]]:
    """Those of the faults due that have an effect: an answer is sent, or not sent, in one way."""
    sent = False
    for fault, luck in due:
        sends = isinstance(fault.harm, EndingHarm | SendingHarm)
        if not (sends and sent):
            yield fault, luck
        sent = sent or sends


def _hold_s(due: Due) -> float:
    return sum(fault.harm.hold_s(luck) for fault, luck in due if isinstance(fault.harm, HoldingHarm))


async def _send(due: Due, exchange: Exchange, answer: Answer) -> None:
    for fault, _ in due:
        if isinstance(fault.harm, SpoilingHarm):
            answer = fault.harm.spoil(answer)
    await pause(_hold_s(due))
    for fault, luck in _acting(due):
        if isinstance(fault.harm, EndingHarm):
            await fault.harm.on_end(exchange.wire)
            break
        if isinstance(fault.harm, SendingHarm):
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
