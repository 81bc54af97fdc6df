"""Routes: an ASGI app that hands each request, read whole, to the handler of its method and path.

A fake has half a dozen fixed paths and answers them thousands of times a second, also inside simulated worlds; a
framework's patterns, middleware and request objects cost more than the fake's own work.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from fakes.answers import Reply

Close: TypeAlias = Callable[[], Awaitable[None]]
"""Gives up everything under way."""


INVOLVED = re.compile("[&;%+]")
"""In a query without any of these stands one parameter as it is."""


class Asked:
    """One request, read whole."""

    __slots__ = ("content", "method", "path", "scope")

    def __init__(self, scope: Scope, content: bytes) -> None:
        self.scope = scope
        self.content = content
        self.method: str = scope["method"]
        self.path: str = scope["path"]

    def header(self, wanted: bytes) -> str | None:
        """The first header of that name (lower-case), or None."""
        for name, value in self.scope["headers"]:
            if name == wanted:
                text: str = value.decode("latin-1")
                return text
        return None

    def query(self) -> dict[str, str]:
        """The query's parameters; of several with one name the last counts."""
        text: str = self.scope["query_string"].decode("latin-1")
        name, is_given, value = text.partition("=")
        if is_given and name and text.isascii() and not INVOLVED.search(text):
            return {name: value}
        return dict(parse_qsl(text, keep_blank_values=True))


Handler: TypeAlias = Callable[[Asked], Reply | Awaitable[Reply]]
"""Answers at once, or after a while."""
Unknown: TypeAlias = Callable[[Asked, int], Reply]
"""Answers what no handler is there for: 404 for an unknown path, 405 for a known one with another method."""


class Routes:
    """The ASGI app. `state.fake` is whatever stands behind the handlers."""

    def __init__(self, fake: Any, handlers: Mapping[tuple[str, str], Handler], unknown: Unknown, close: Close) -> None:
        """`handlers` by method and path; what answers GET answers HEAD, too."""
        self.state = SimpleNamespace(fake=fake)
        self._handlers = {(method, path): handler for (method, path), handler in handlers.items()}
        self._handlers |= {("HEAD", path): handler for (method, path), handler in handlers.items() if method == "GET"}
        self._paths = frozenset(path for _, path in handlers)
        self._unknown = unknown
        self._close = close
        self.answer: ASGIApp = self._answer
        """Answers one HTTP request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await live(receive, send, self._close)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        content = message.get("body", b"")
        while message.get("more_body", False):
            message = await receive()
            content += message.get("body", b"")
        if message["type"] == "http.disconnect":
            return
        path = scope["path"]
        root = scope.get("root_path")
        if root:
            path = path.removeprefix(root)
        handler = self._handlers.get((scope["method"], path))
        asked = Asked(scope, content)
        if handler is None:
            reply = self._unknown(asked, 405 if path in self._paths else 404)
        else:
            answer = handler(asked)
            reply = answer if isinstance(answer, Reply) else await answer
        await reply(scope, receive, send)


async def live(receive: Receive, send: Send, close: Close) -> None:
    """Speaks ASGI's lifespan protocol: nothing is to start, and `close` ends it."""
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await close()
    await send({"type": "lifespan.shutdown.complete"})
