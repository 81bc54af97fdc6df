"""What the harness observes of the implementation: its store, its log, its tracks' images."""

from collections.abc import Sequence
from dataclasses import field

from harness.trace.event import OMITTED, Event, event, if_missing
from harness.trace.events.provider import MarkFacts
from harness.trace.events.track import Row


class SizedMark(MarkFacts):
    """A mark as it is read back from a decoded image."""

    made_width: int
    made_height: int


@event
class StoreWatched(Event):
    """Recorded when a live run starts to observe its tracks."""

    kind = "store.watched"
    source: str
    how: str
    """`exact`, or how often the store is polled."""


@event
class BalanceWatched(Event):
    """Recorded when a live run starts to observe the user's balance at the application."""

    kind = "balance.watched"
    source: str
    how: str
    """`exact`, or how often it is polled."""


@event
class BalanceChanged(Event):
    """Recorded when the user's balance at the application is first seen, and when it changes."""

    kind = "balance"
    balance: float | None
    """Null when it is no number, or is gone."""


@event
class StoreRequest(Event):
    """Recorded when a request to the Supabase stand-in changes a row or is rejected."""

    kind = "store.request"
    method: str
    path: str
    status: int
    code: str | None
    message: str | None
    guessed: bool | None = field(default=None, metadata=OMITTED)
    """true: its cause was not followed, see `request`."""


@event
class StoreWrite(Event):
    """Recorded when a row of the tracks changes in the store."""

    kind = "store.write"
    track_id: str
    before: Row | None
    """Null for a new row."""
    after: Row | None
    """Null for a deleted row."""
    where: Sequence[str] | None = field(default=None, metadata=OMITTED)
    """The code of the implementation that wrote it, see `request`."""


@event
class LogLine(Event):
    """Recorded when the implementation logs or prints a line."""

    kind = "log"
    level: str
    logger: str
    text: str
    where: Sequence[str] | None = field(default=None, metadata=OMITTED)
    """Where the implementation raised the error that the line is about, or else where it logged it; see `request`."""


@event
class ImageProbed(Event):
    """Recorded when the harness has opened a track's image as a browser would."""

    kind = "picture.probed"
    track_id: str
    url: str
    when: str
    """`write`, `end`, `day` or `retention`."""
    status: int | None
    bytes: int
    problem: str | None
    """Why it does not load."""
    decodes: bool
    """Whether every byte decodes."""
    format: str | None
    width: int | None
    """Pixels; null when it does not decode."""
    height: int | None
    mark: SizedMark | None
    """Null when the pixels carry no mark of the fakes."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; zeros when it does not decode."""
        return self.width or 0, self.height or 0


@event
class AudioProbed(Event):
    """Recorded when the harness has opened a track's audio as a browser would."""

    kind = "audio.probed"
    track_id: str
    url: str
    when: str
    """`write`, `end`, `day` or `retention`."""
    status: int | None
    bytes: int
    problem: str | None
    """Why it does not play."""
    plays: bool
    """Whether the bytes are a whole audio file."""
    format: str | None
    """mp3, aac, wav, mp4, ogg, flac or webm; null if the bytes are no audio."""
    seconds: float | None = if_missing(None)
    """How long it plays; null when it does not, or when its format does not state it."""
