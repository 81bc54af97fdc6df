"""What caused a request of a live application, and which of its code made it: what its process says, or else a guess.

A Node process with the preloaded module, or a Python process with `python_hook`, follows each request that it handles
through its asynchronous work and threads, and says with each request of its own in which one it is: it takes the header
that the harness sends with a request, before the application sees it, and adds another one, which is taken here before
anything is recorded. Work that belongs to no request, such as a worker's heartbeat, says so, too. A process that says
nothing is guessed to act because of the only request that is open, and the journal says that this is a guess.
A third header says where in the application's code a request was made.
"""

import re
from collections.abc import Callable, Sized
from contextvars import ContextVar

from harness.faults.exchange import App, Receive, Scope, Send
from harness.json_text import parse_json

ENTRY_HEADER, CAUSE_HEADER, WHERE_HEADER = "x-harness-entry", "x-harness-cause", "x-harness-where"
WHERE_BYTES_MAX, FRAMES_MAX = 4096, 4
NUMBER = re.compile(rb"[0-9]{1,9}")
_said: ContextVar[int | None] = ContextVar("said_cause", default=None)
_where: ContextVar[tuple[str, ...]] = ContextVar("said_where", default=())


class Causes:
    """The cause of each request; call it while the request is handled."""

    def __init__(self, guess: Callable[[], int], entries: Sized = ()) -> None:
        """`guess` returns the number of the entry that probably caused a request of now; 0 for none. Only one of the
        journal's `entries` can be a cause."""
        self._guess = guess
        self._entries = entries

    def __call__(self) -> int:
        """Return the number of the entry that caused the request in hand; 0 for none."""
        said = _said.get()
        return self._guess() if said is None or said > len(self._entries) else said

    def guessed(self) -> bool | None:
        """Return whether there is a cause that is only a guess, as an event says it: True or None."""
        said = _said.get()
        is_guess = said is None or said > len(self._entries)
        return True if is_guess and self._guess() else None

    def where(self) -> tuple[str, ...]:
        """Return the application's code that made the request in hand, as an event has it; empty if it is not said."""
        return _where.get()

    def listening(self, app: App) -> App:
        """Return `app`, without the headers by which a request says what caused it, and where."""

        async def listen(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            own = CAUSE_HEADER.encode(), WHERE_HEADER.encode()
            headers = dict(each for each in scope["headers"] if each[0] in own)
            said = headers.get(own[0], b"")
            tokens = (
                _said.set(int(said) if NUMBER.fullmatch(said) else None),
                _where.set(_frames(headers.get(own[1], b""))),
            )
            try:
                left = [each for each in scope["headers"] if each[0] not in own]
                await app({**scope, "headers": left}, receive, send)
            finally:
                _said.reset(tokens[0])
                _where.reset(tokens[1])

        return listen


def _frames(said: bytes) -> tuple[str, ...]:
    """Return what a header says of the code: a JSON list of texts, such as `["lib/image.js:35 in order"]`."""
    if len(said) > WHERE_BYTES_MAX:
        return ()
    try:
        frames = parse_json(said)
    except ValueError:
        return ()
    is_said = isinstance(frames, list) and all(isinstance(each, str) for each in frames)
    return tuple(frames[:FRAMES_MAX]) if is_said else ()


NO_CAUSES = Causes(lambda: 0)
