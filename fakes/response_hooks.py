"""Inspection: somebody may look at every answer and every callback of the fakes as it leaves them.

    with inspected_by(inspector):
        app = create_app(script, ...)     # this app's answers and callbacks are shown to the inspector

An inspector is asked once, when an app is made; an app that nobody inspects does nothing more for it. What happens to
a message afterwards, on its way, is not seen.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.fakes.script import KieScript, SunoScript


class Inspector(Protocol):
    """Looks at what leaves a fake. `script` is what that fake plays."""

    def answered(
        self, script: SunoScript | KieScript, method: str, path: str, status: int, content_type: str, body: bytes
    ) -> None:
        """An answer, whole."""
        ...

    def called_back(self, script: SunoScript | KieScript, name: str, body: dict[str, Any]) -> None:
        """A callback; `name` is what it is called in events."""
        ...


_inspector: Inspector | None = None


@contextmanager
def inspected_by(inspector: Inspector | None) -> Iterator[None]:
    """Have all apps inspected that are made within, or none; an inspector inside another takes its place."""
    global _inspector
    before, _inspector = _inspector, inspector
    try:
        yield
    finally:
        _inspector = before


def middleware(script: SunoScript | KieScript) -> list[Middleware]:
    """Return what an app that is made now needs, so that its answers are shown."""
    return [] if _inspector is None else [Middleware(Inspected, _inspector, script)]


def showing(script: SunoScript | KieScript) -> Callable[[str, dict[str, Any]], None] | None:
    """Return what shows the callbacks of an app that is made now; None when nobody looks."""
    return None if _inspector is None else partial(_inspector.called_back, script)


class Inspected:
    """ASGI middleware that shows an app's answers to an inspector."""

    def __init__(self, app: ASGIApp, inspector: Inspector, script: SunoScript | KieScript) -> None:
        self._app = app
        self._inspector = inspector
        self._script = script

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parts: list[bytes] = []
        begun: Message = {}

        async def show(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = message
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    self._show(scope, begun, b"".join(parts))
            await send(message)

        await self._app(scope, receive, show)

    def _show(self, scope: Scope, begun: Message, body: bytes) -> None:
        headers = dict(begun["headers"])
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        self._inspector.answered(self._script, scope["method"], path, begun["status"], content_type, body)
