"""A fake as a Starlette application: its own routes, and its provider's refusals of everything else."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.fakes.account import Account, Endpoint
from harness.fakes.changes import Changes


class Fake(Protocol):
    """The implementation behind the routes."""

    account: Account

    def routes(self) -> list[Route]:
        """Return one route for each endpoint."""
        ...

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the documented endpoints, to suggest the nearest one for an unknown path."""
        ...

    async def close(self) -> None:
        """Cancel everything in progress."""
        ...


def application(fake: Fake, middleware: Sequence[Middleware], changes: Changes) -> Starlette:
    """Return `fake` as an ASGI application; it is the application's `state.fake`, and its changes `state.changes`."""

    async def unknown(request: Request, error: Any) -> Response:
        return fake.account.unknown_route(request.method, request["path"], error.status_code, fake.endpoints())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await fake.close()

    app = Starlette(
        routes=fake.routes(),
        middleware=middleware,
        exception_handlers={404: unknown, 405: unknown},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.fake = fake
    app.state.changes = changes
    return app
