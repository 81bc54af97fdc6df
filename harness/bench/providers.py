"""Providers: the unmodified fakes, driven by a model's draws, with counters to read at the end.

A creation is matched to its track by the number in the title or prompt, or else by the callback or user request that
caused it. The n-th picture of a track gets the same draws for every strategy: its time, failure and size, and the times
of its callbacks and downloads.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from typing import Any, cast
from urllib.parse import urlsplit

from harness.bench.models import Model
from harness.bench.sampling import draw_s, uniforms
from harness.fakes import gateway
from harness.fakes.delivery import Callback
from harness.fakes.http_client import ClientResponse, post
from harness.fakes.kie.contract import CREATE_TASK
from harness.fakes.latency import Fixed
from harness.fakes.media.app import MediaHost
from harness.fakes.paths import GENERATE_IMAGE
from harness.fakes.pictures import PictureSpec
from harness.fakes.script import Failure, Image, KieScript, MediaScript, Music, Picture, Script, SunoScript
from harness.fakes.suno.contract import GENERATE
from harness.faults.exchange import App, Message, Receive, Scope, Send, received_again
from harness.world.clock import START_S
from harness.world.hosts import MEDIA_HOSTS
from harness.world.scope import CAUSE

TRACK_NUMBER = re.compile(rb"\bno\. ?(\d{1,9})\b")
ENOUGH_CREDITS = 10**12
DELIVERIES_FROM = 10**9
"""Causes from this number on are attempts to deliver a callback; lower ones are tracks."""
FATES_KEPT = 8
"""Size of the cache: a fake looks up a task's draws several times while it accepts the request."""
DIFFERENT_PICTURES = 4
"""Pictures carry their track's number modulo this in their watermark: few enough to be drawn and decoded once."""
SMALL, ENLARGED = Picture(1024, 576), Picture(made_width=1024, made_height=576)
REFUSED, FAILED = Failure(500), Failure(501, when="after-generating")
TWICE_APART_S = 1.0
CREATIONS = {GENERATE: "music", GENERATE_IMAGE: "image", CREATE_TASK: "image"}


def title_of(track: int) -> str:
    return f"Harbour no. {track}"


def prompt_of(track: int) -> str:
    return f"boats at dusk in harbour no. {track}, calm water"


@dataclass(frozen=True, slots=True)
class Order:
    """The n-th creation of a kind for a track, counted from 1."""

    track: int
    what: str
    number: int


@dataclass(slots=True)
class Delivery:
    """One callback in transit, with its attempts so far."""

    order: Order
    name: str
    copy: int
    attempts: int = 0


@dataclass(slots=True)
class TrackLedger:
    """The events of one track, as seen by the providers and by the application's host. Times since the start."""

    music_done_s: float | None = None
    generations: int = 0
    """Pictures that were accepted and charged."""
    credits: int = 0
    answer_s: float | None = None
    """Seconds until the application answered the "complete" callback on its first arrival."""
    arrived: int = 0
    """The number of arrivals of that callback: redelivered without a response in time, and sometimes duplicated
    anyway."""
    given_up: int = 0
    """Callbacks that the provider gave up delivering."""


NOBODY = Order(0, "", 0)
_order: ContextVar[Order] = ContextVar("bench_order", default=NOBODY)
_delivery: ContextVar[Delivery | None] = ContextVar("bench_delivery", default=None)


class _Fates:
    """Replaces a script's list of tasks: every index returns the draws of the current request."""

    def __init__(self, fate: Callable[[Order], Any]) -> None:
        self._fate = lru_cache(maxsize=FATES_KEPT)(fate)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        return self._fate(_order.get())

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the task script in general: here, that of the current task."""
        yield self._fate(_order.get())


class _LateDispatcher:
    """Passes callbacks to the fake's own dispatcher when they are due: late, twice, or never."""

    def __init__(self, dispatcher: Any, times_of: Callable[[Order, str], tuple[float, ...]]) -> None:
        self._dispatcher = dispatcher
        self._times_of = times_of

    @property
    def busy(self) -> bool:
        return bool(self._dispatcher.busy)

    async def close(self) -> None:
        await self._dispatcher.close()

    def send(self, callback: Callback, on_given_up: Callable[[], None] | None = None) -> None:
        order = _order.get()
        for copy, late_s in enumerate(self._times_of(order, callback.name)):
            context = copy_context()
            context.run(_delivery.set, Delivery(order, callback.name, copy))
            asyncio.get_running_loop().call_later(late_s, self._dispatcher.send, callback, on_given_up, context=context)


class BenchFakes:
    """Suno, Kie.ai and their media host for one chunk of tracks. `app` and `files` are their ASGI applications."""

    def __init__(self, model: Model, seed: int, chunk_seed: int, api_key: str) -> None:
        self._model = model
        self._seed = seed
        self._numbers = count(DELIVERIES_FROM)
        self._deliveries: dict[int, Delivery] = {}
        """Attempts in transit, by the cause that their connection carries."""
        self._counts: dict[tuple[int, str | None], int] = {}
        self._owners: dict[str, Order] = {}
        self._fetches: dict[str, int] = {}
        self.pictures: dict[str, PictureSpec] = {}
        """By URL, the picture published there."""
        self.ledgers: dict[int, TrackLedger] = {}
        self.strangers = 0
        """Generations that could not be matched to a track."""
        self.throttled = 0
        self.broken_contracts = 0
        script = Script(
            SunoScript(music=cast(Any, _Fates(self._music)), credits=ENOUGH_CREDITS),
            KieScript(images=cast(Any, _Fates(self._image)), credits=ENOUGH_CREDITS),
        )
        media = MediaHost(MediaScript(), f"http://{MEDIA_HOSTS[0]}", chunk_seed, self._observe)
        self._publish_file = media.publish
        self._media = media
        self._gateway = gateway.create_app(
            script,
            publish=self._publish,
            lend=media.lend,
            seed=chunk_seed,
            api_key=api_key,
            observe=self._observe,
            post=self._post,
        )
        for app in (self._gateway.suno, self._gateway.kie):
            app.state.fake.dispatcher = _LateDispatcher(app.state.fake.dispatcher, self._sent_after_s)
        self.app: App = self._ask
        self.files: App = self._fetch

    def ledger(self, track: int) -> TrackLedger:
        return self.ledgers.setdefault(track, TrackLedger())

    # Draws

    def _music(self, order: Order) -> Music:
        model = self._model
        fails, takes = uniforms(self._seed, 2, order.track, "music", order.number)
        failure = FAILED if fails < model.music_fails else None
        return Music(takes=Fixed(draw_s(model.music, takes)), fails=failure)

    def _image(self, order: Order) -> Image:
        model = self._model
        refused, fails, spoilt, takes = uniforms(self._seed, 4, order.track, "image", order.number)
        failure = REFUSED if refused < model.image_refused else FAILED if fails < model.image_fails else None
        small = model.image_small
        picture = SMALL if spoilt < small else ENLARGED if spoilt < small + model.image_enlarged else Picture()
        return Image(takes=Fixed(draw_s(model.image, takes)), picture=picture, fails=failure)

    def _sent_after_s(self, order: Order, name: str) -> tuple[float, ...]:
        model = self._model
        never, twice, late = uniforms(self._seed, 3, order.track, order.what, order.number, "callback", name)
        if never < model.callback_never:
            return ()
        late_s = draw_s(model.callback, late)
        return (late_s, late_s + TWICE_APART_S) if twice < model.callback_twice else (late_s,)

    def _is_lost(self, delivery: Delivery) -> bool:
        order = delivery.order
        occasion = (order.track, order.what, order.number, "attempt", delivery.name, delivery.copy, delivery.attempts)
        return uniforms(self._seed, 1, *occasion)[0] < self._model.callback_lost

    # Events and files from the fakes

    def _observe(self, kind: str, /, cause: int | None = None, **facts: Any) -> int:
        match kind:
            case "task.created":
                if facts["what"] == "image":
                    self.ledger(_order.get().track).generations += 1
                    self.strangers += _order.get().track == 0
            case "credits":
                self.ledger(_order.get().track).credits -= facts["change"]
            case "task.ended":
                if facts["provider"] == "suno" and facts["outcome"] == "success":
                    ledger = self.ledger(_order.get().track)
                    if ledger.music_done_s is None:
                        ledger.music_done_s = asyncio.get_running_loop().time() - START_S
            case "callback.given-up":
                self.ledger(_order.get().track).given_up += 1
            case "rate.limited":
                self.throttled += 1
            case "contract.broken":
                self.broken_contracts += 1
        return 0

    def _publish(
        self,
        extension: str,
        *,
        picture: PictureSpec | None,
        audio_seconds: float | None,
        host: str | None = None,
        is_stream: bool = False,
    ) -> str:
        order = _order.get()
        if picture is not None:
            picture = _of_track(picture, order.track % DIFFERENT_PICTURES)
        url = self._publish_file(
            extension, picture=picture, audio_seconds=audio_seconds, host=host, is_stream=is_stream
        )
        if picture is not None:
            self.pictures[url] = picture
        self._owners[urlsplit(url).path] = order
        return url

    # Exchanges

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request of the application to Suno or Kie.ai."""
        what = CREATIONS.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        body = b""
        if what is not None:
            message = await receive()
            body = message.get("body", b"")
            while message.get("more_body", False):
                message = await receive()
                body += message.get("body", b"")
            receive = received_again(body, receive)
        track = _track_of(scope, body)
        number = self._counts[track, what] = self._counts.get((track, what), 0) + 1
        if what is not None:
            _order.set(Order(track, what, number))
        (takes,) = uniforms(self._seed, 1, track, "answer", what, number)
        await asyncio.sleep(draw_s(self._model.answer, takes))
        await self._gateway(scope, receive, send)

    async def _fetch(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request of the application to the media host."""
        path = scope["path"]
        order = self._owners.get(path, NOBODY)
        count = self._fetches[path] = self._fetches.get(path, 0) + 1
        kind = "cover" if "360x360" in path else "file"
        fails, takes = uniforms(self._seed, 2, order.track, order.what, order.number, kind, count)
        await asyncio.sleep(draw_s(self._model.download, takes))
        if fails < self._model.download_fails:
            await _unavailable(send)
        else:
            await self._media.app(scope, receive, send)

    async def _post(self, url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
        """Attempt to deliver a callback once."""
        delivery = _delivery.get()
        assert delivery is not None, "every callback goes through a _LateDispatcher"
        delivery.attempts += 1
        if self._is_lost(delivery):
            await asyncio.Event().wait()
        number = next(self._numbers)
        self._deliveries[number] = delivery
        CAUSE.set(number)
        return await post(url, content, headers)

    def around(self, app: App) -> App:
        """Wrap the application: set the track that a request is for, and time a "complete" callback on its first
        arrival."""

        async def reached(scope: Scope, receive: Receive, send: Send) -> None:
            cause = scope["state"]["wire"].cause
            delivery = self._deliveries.pop(cause, None)
            CAUSE.set(cause if delivery is None else delivery.order.track)
            if delivery is not None and delivery.name == "complete":
                await self._timed(self.ledger(delivery.order.track), app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return reached

    async def _timed(self, ledger: TrackLedger, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        began_s, has_begun = loop.time(), False
        ledger.arrived += 1
        is_first = ledger.arrived == 1

        def answered() -> None:
            if is_first:
                ledger.answer_s = round(loop.time() - began_s, 6)

        async def send_on(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                answered()

        try:
            await app(scope, receive, send_on)
        except Exception:
            if not has_begun:  # the server responds with 500
                answered()
            raise


@lru_cache(maxsize=256)
def _of_track(picture: PictureSpec, number: int) -> PictureSpec:
    """Return the same picture, marked as one of a track."""
    return replace(picture, mark=replace(picture.mark, number=number, part=0))


def _track_of(scope: Scope, body: bytes) -> int:
    """Return the track that a request is for: by the number in its text, or else by what caused the request."""
    found = TRACK_NUMBER.search(body)
    if found is not None:
        return int(found[1])
    return int(scope["state"]["wire"].cause)


async def _unavailable(send: Send) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
