"""The story of one track: what has happened so far, folded into what it looks like and what is to be done next.

Nothing here reads a clock, a socket or a store. A story is told again from its events after every one of them; the
row that others see and the next deed are functions of it.

    asked -> music.sent -> music.accepted | music.refused | music.lost -> music.ready | music.failed
          -> cover.kept | cover.useless                              -> audio.kept | audio.useless
          -> order.sent -> order.accepted | order.refused | order.lost -> order.made | order.failed | order.overdue
          -> picture.good | picture.poor                              -> gave-up
"""

from dataclasses import dataclass, field
from typing import Any

MINUTE_S = 60.0
MUSIC_PATIENCE_S = 25 * MINUTE_S
LOST_MUSIC_PATIENCE_S = 10 * MINUTE_S
"""How long a song that was ordered and not acknowledged may still announce itself by a callback."""
ORDER_PATIENCE_S = 12 * MINUTE_S
LOST_ORDER_PATIENCE_S = 3 * MINUTE_S
REFUSALS_PATIENCE_S = 22 * MINUTE_S
FETCHES_AFTER_S = (0.0, 4.0, 10.0, 30.0, 60.0, 120.0)
"""Waits before the tries to download a file; after the last one it is given up."""
ORDERS_MAX = 2
HARD_REFUSALS_MAX = 3
LABEL = "low-resolution"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a track, at a time in seconds of the wall clock."""

    name: str
    at_s: float
    data: dict[str, Any]


@dataclass(slots=True)
class Order:
    """Something asked of a provider: a song or a picture."""

    slot: int
    sent_at_s: float
    task: str | None = None
    outcome: str | None = None
    """refused, lost, made, failed, overdue, good, poor; None while nothing is known."""
    urls: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it may have been paid for."""
        return self.outcome != "refused"


@dataclass(frozen=True, slots=True)
class File:
    """A picture that is kept: its name in the store and its true size."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be done next, not before a time."""

    what: str
    not_before_s: float = 0.0
    slot: int = 0
    why: str = ""


@dataclass(slots=True)
class Story:
    """One track, as its events tell it."""

    track: str
    title: str = ""
    prompt: str = ""
    songs: list[Order] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    audio: str | None = None
    recording: str | None = None
    """The name of the copy of the audio in the store."""
    audio_settled: bool = False
    cover_url: str | None = None
    cover_settled: bool = False
    ready_at_s: float = 0.0
    small: list[File] = field(default_factory=list)
    good: File | None = None
    gave_up: str | None = None
    failed: str | None = None
    trouble: str = "the picture is not there"
    hard_refusals: int = 0
    wait_until_s: float = 0.0
    refusals: int = 0

    # Telling

    def hear(self, event: Event) -> None:
        """Fold one more event in."""
        match event.name.split("."):
            case ["asked"]:
                self.title, self.prompt = event.data["title"], event.data["prompt"]
            case ["music", what]:
                self._music(what, event)
            case ["cover", what]:
                self.cover_settled = True
                if what == "kept":
                    self.small.append(_file(event.data))
            case ["audio", what]:
                self.audio_settled = True
                self.recording = event.data["name"] if what == "kept" else None
            case ["order", what]:
                self._order(self.orders, what, event)
            case ["picture", what]:
                self._picture(what, event)
            case ["gave-up"]:
                self.gave_up = event.data["why"]

    def _music(self, what: str, event: Event) -> None:
        if what == "ready":
            self.audio, self.cover_url = event.data["audio"], event.data["cover"]
            self.ready_at_s, self.failed = event.at_s, None
            self.hard_refusals = self.refusals = 0
            self.wait_until_s = 0.0
        elif what == "failed" and self.audio is None:
            self.failed = event.data["why"]
        else:
            self._order(self.songs, what, event)

    def _order(self, orders: list[Order], what: str, event: Event) -> None:
        if what == "sent":
            orders.append(Order(len(orders), event.at_s))
            return
        order = orders[event.data["slot"]]
        if what == "accepted":
            order.task, order.outcome = event.data["task"], None
            return
        order.outcome = what
        order.urls = tuple(event.data.get("urls", ()))
        self.trouble = event.data.get("why", self.trouble)
        if what == "refused":
            self.refusals += 1
            self.hard_refusals += bool(event.data["hard"])
            self.wait_until_s = event.data["until_s"]

    def _picture(self, what: str, event: Event) -> None:
        order = self.orders[event.data["slot"]]
        order.outcome = what
        if what == "good":
            self.good = self.good or _file(event.data)
            return
        self.trouble = event.data["why"]
        if event.data.get("name"):
            self.small.append(_file(event.data))

    # What others see

    @property
    def settled(self) -> bool:
        return self.good is not None or self.gave_up is not None or (self.failed is not None and self.audio is None)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to do for it, but for what may still be heard."""
        return self.settled and (self.audio is None or self.audio_settled)

    def row(self, public_url: str) -> dict[str, Any]:
        """The track's columns."""
        shown = self.good or (max(self.small, key=lambda f: f.width * f.height, default=None) if self.gave_up else None)
        status = "pending"
        if self.settled:
            status = "complete" if shown is not None else "failed"
        return {
            "title": self.title,
            "status": status,
            "audio_url": f"{public_url}/recordings/{self.recording}" if self.recording else self.audio,
            "image_url": f"{public_url}/files/{shown.name}" if shown else None,
            "image_resolution": f"{shown.width}x{shown.height}" if shown else None,
            "image_label": LABEL if shown and self.good is None else None,
            "failure_reason": None if self.good else (self.gave_up or (None if self.audio else self.failed)),
        }

    # What is next

    def next_deed(self, now_s: float) -> Deed | None:
        """The next deed, or None when all is done."""
        late = next((order for order in self.orders if order.outcome == "made"), None)
        if self.gave_up is not None and self.good is None and late is not None:
            return Deed("fetch", slot=late.slot)
        if self.settled:
            return None if self.is_over else Deed("keep-audio")
        if self.audio is None:
            return self._next_for_music(now_s)
        if self.cover_url is not None and not self.cover_settled:
            return Deed("keep-cover")
        return self._next_for_picture(now_s)

    def _next_for_music(self, now_s: float) -> Deed:
        song = self.songs[-1] if self.songs else None
        if song is None or song.outcome == "refused":
            if self.hard_refusals >= HARD_REFUSALS_MAX or self.refusals > 12:
                return Deed("fail", why=f"the music was refused: {self.trouble}")
            return Deed("ask-music", self.wait_until_s)
        if song.task is None:
            until_s = song.sent_at_s + LOST_MUSIC_PATIENCE_S
            if song.outcome == "lost" and now_s >= until_s:
                paid = [song for song in self.songs if song.counts]
                return Deed("ask-music") if len(paid) < 2 else Deed("fail", why="nobody knows what became of the music")
            return Deed("wait", until_s)
        if now_s >= song.sent_at_s + MUSIC_PATIENCE_S:
            return Deed("fail", why=f"no music after {MUSIC_PATIENCE_S / MINUTE_S:g} minutes")
        return Deed("look-at-music", slot=song.slot)

    def _next_for_picture(self, now_s: float) -> Deed:
        order = self.orders[-1] if self.orders else None
        if order is not None and order.outcome is None and order.task is not None:
            if now_s >= order.sent_at_s + ORDER_PATIENCE_S:
                return Deed("call-overdue", slot=order.slot)
            return Deed("look-at-order", slot=order.slot)
        if order is not None and order.outcome == "made":
            return Deed("fetch", slot=order.slot)
        if order is not None and order.task is None and order.outcome in (None, "lost"):
            until_s = order.sent_at_s + LOST_ORDER_PATIENCE_S
            if order.outcome is None or now_s < until_s:
                return Deed("wait", until_s)
        if sum(order.counts for order in self.orders) >= ORDERS_MAX:
            return Deed("give-up", why=self.trouble)
        too_long = now_s >= self.ready_at_s + REFUSALS_PATIENCE_S
        if self.hard_refusals >= HARD_REFUSALS_MAX or too_long:
            return Deed("give-up", why=f"no picture could be ordered: {self.trouble}")
        return Deed("order", self.wait_until_s)


def _file(data: dict[str, Any]) -> File:
    return File(data["name"], data["width"], data["height"])
