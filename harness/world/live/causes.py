"""What caused a request of a live application: what its process says, or else a guess.

A Node process with the preloaded module, or a Python process with `python_hook`, follows each request that it handles
through its asynchronous work and threads, and says with each request of its own in which one it is: it takes the header
that the harness sends with a request, before the application sees it, and adds another one, which is taken here before
anything is recorded. Work that belongs to no request, such as a worker's heartbeat, says so, too. A process that says
nothing is guessed to act because of the only request that is open, and the journal says that this is a guess.
"""

import re
from collections.abc import Callable, Sized
from contextvars import ContextVar

from harness.faults.exchange import App, Receive, Scope, Send

ENTRY_HEADER, CAUSE_HEADER = "x-harness-entry", "x-harness-cause"
NUMBER = re.compile(rb"[0-9]{1,9}")
_said: ContextVar[int | None] = ContextVar("said_cause", default=None)


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

    def listening(self, app: App) -> App:
        """Return `app`, without the header by which a request says what caused it."""

        async def listen(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            name = CAUSE_HEADER.encode()
            said = next((value for key, value in scope["headers"] if key == name), None)
            token = _said.set(int(said) if said is not None and NUMBER.fullmatch(said) else None)
            try:
                headers = [each for each in scope["headers"] if each[0] != name]
                await app({**scope, "headers": headers}, receive, send)
            finally:
                _said.reset(token)

        return listen


NO_CAUSES = Causes(lambda: 0)
