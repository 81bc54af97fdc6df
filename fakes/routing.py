"""Routes: Starlette's router, whose endpoints are handed each request read whole, and answer with a whole `Reply`.

A fake has half a dozen fixed paths, and inside simulated worlds it is made anew for every run. So the routes, which
depend on nothing, are made once for all of a fake's applications, and request and response objects are left away.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from starlette.middleware import Middleware
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.fakes.responses import Reply

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
Close: TypeAlias = Callable[[], Awaitable[None]]
"""Gives up everything under way."""
Key: TypeAlias = tuple[str, str]
"""(method, path)."""


class Application(Router):
    """A fake as an ASGI app. `state.fake` is whatever stands behind the handlers.

    It is Starlette's router alone: of the middleware that a whole `Starlette` brings along a fake needs none.
    """

    def __init__(
        self,
        fake: Any,
        routes: list[Route],
        handlers: Mapping[Key, Handler],
        unknown: Unknown,
        close: Close,
        middleware: list[Middleware],
    ) -> None:
        """`handlers` by method and path; what answers GET answers HEAD, too."""
        heads = {("HEAD", path): handler for (method, path), handler in handlers.items() if method == "GET"}
        self.state = SimpleNamespace(fake=fake)
        self._straight: dict[str, ASGIApp] = {} if middleware else {route.path: route.endpoint for route in routes}
        self.handlers = {**handlers, **heads}
        self.unknown = unknown
        self.close = close
        super().__init__(routes, redirect_slashes=False, default=_not_found, lifespan=_lifespan, middleware=middleware)
        if not middleware:
            del self.middleware_stack  # the router's own `app`, bound to it: a circle for every application ever made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A path that stands there as it is needs no look at one route after the other."""
        scope["app"] = self
        endpoint = self._straight.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None:
            await super().__call__(scope, receive, send)
        else:
            await endpoint(scope, receive, send)

    async def middleware_stack(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What a request goes through: the routes alone, unless there is middleware."""
        await self.app(scope, receive, send)


class _Path:
    """What a route leads to: the handlers that its application has for the path, whatever the method."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        content = message.get("body", b"")
        while message.get("more_body", False):
            message = await receive()
            content += message.get("body", b"")
        if message["type"] == "http.disconnect":
            return
        app: Application = scope["app"]
        requested = Asked(scope, content)
        handler = app.handlers.get((requested.method, self._path))
        answer = app.unknown(requested, 405) if handler is None else handler(requested)
        reply = answer if isinstance(answer, Reply) else await answer
        await reply(scope, receive, send)


def routes(*paths: str) -> list[Route]:
    """The routes of any application that has handlers for these paths."""
    return [Route(path, _Path(path)) for path in paths]


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    app: Application = scope["app"]
    await app.unknown(Asked(scope, b""), 404)(scope, receive, send)


@asynccontextmanager
async def _lifespan(app: Application) -> AsyncIterator[None]:
    yield
    await app.close()
