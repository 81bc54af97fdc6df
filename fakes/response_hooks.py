"""Response hooks: let an inspector see every response and every callback of the fakes as it is sent.

    with inspected_by(inspector):
        app = create_app(script, ...)     # the inspector sees this app's responses and callbacks

The inspector is looked up once, when an app is created, so an app without one does no extra work. What happens to a
message in transit is not seen.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.fakes.script import KieScript, SunoScript


class Inspector(Protocol):
    """Receives what a fake sends. `script` is the script of that fake."""

    def answered(
        self, script: SunoScript | KieScript, method: str, path: str, status: int, content_type: str, body: bytes
    ) -> None:
        """Inspect a complete response."""
        ...

    def called_back(self, script: SunoScript | KieScript, name: str, body: dict[str, Any]) -> None:
        """Inspect a callback; `name` is its name in events."""
        ...


_inspector: Inspector | None = None


@contextmanager
def inspected_by(inspector: Inspector | None) -> Iterator[None]:
    """Have all apps inspected that are created inside the context, or none; a nested inspector replaces the outer
    one."""
    global _inspector
    before, _inspector = _inspector, inspector
    try:
        yield
    finally:
        _inspector = before


def middleware(script: SunoScript | KieScript) -> list[Middleware]:
    """Return the middleware that shows the responses of an app created now."""
    return [] if _inspector is None else [Middleware(Inspected, _inspector, script)]


def showing(script: SunoScript | KieScript) -> Callable[[str, dict[str, Any]], None] | None:
    """Return the function that shows the callbacks of an app created now; None without an inspector."""
    return None if _inspector is None else partial(_inspector.called_back, script)


class Inspected:
    """ASGI middleware that shows an app's responses to an inspector."""

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
