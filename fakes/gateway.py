"""The gateway: music and pictures on one host with one account, like the real api.kie.ai."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.fakes import kie, suno
from harness.fakes.account import API_KEY, OPENAPI_PATH, Account
from harness.fakes.delivery import signing_key_of
from harness.fakes.events import Observer, ignore
from harness.fakes.http_client import Post, post
from harness.fakes.kie.products import ENDPOINTS
from harness.fakes.published_files import NO_FILES, Lender, Publisher, UploadStore, lend_nothing
from harness.fakes.responses import json_response
from harness.fakes.script import Script
from harness.fakes.suno.contract import DIALECTS
from harness.fakes.suno.extras import endpoints_of
from harness.fakes.tasks import Credits, UnreachedEntry, balance_for, unreached_entries

KIE_PATHS = frozenset(path for _, path in ENDPOINTS)
SUNO_PATHS = {name: frozenset(path for _, path in endpoints_of(dialect)) for name, dialect in DIALECTS.items()}


class Gateway:
    """An ASGI app that routes each path to the fake that serves it; `suno` and `kie` are those fakes' apps."""

    def __init__(self, suno_app: Starlette, kie_app: Starlette) -> None:
        self.suno = suno_app
        self.kie = kie_app
        self._suno_paths = SUNO_PATHS[suno_app.state.fake.script.dialect]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await Starlette(lifespan=self._lifespan)(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path in self._suno_paths:
            await self.suno(scope, receive, send)
        elif path in KIE_PATHS:
            await self.kie(scope, receive, send)
        elif path == OPENAPI_PATH:
            await self._describe(scope, receive, send)
        else:
            await self._refuse(scope, receive, send)

    @property
    def busy(self) -> bool:
        """Return whether either fake is busy."""
        return bool(self.suno.state.fake.busy or self.kie.state.fake.busy)

    def unreached(self) -> list[UnreachedEntry]:
        """Return the entries of both scripts that no create request has reached, and the changes that no message has
        met."""
        music, pictures = self.suno.state.fake, self.kie.state.fake
        return [
            *music.unreached(),
            *unreached_entries("kie.images", pictures.script.images, pictures.requests),
            *self.suno.state.changes.unused("suno.changes"),
            *self.kie.state.changes.unused("kie.changes"),
        ]

    async def close(self) -> None:
        """Cancel everything in progress in both fakes."""
        await self.suno.state.fake.close()
        await self.kie.state.fake.close()

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        yield
        await self.close()

    async def _describe(self, scope: Scope, receive: Receive, send: Send) -> None:
        from harness.fakes.kie import openapi as pictures
        from harness.fakes.openapi import merged
        from harness.fakes.suno import openapi as music

        described = music.describe(self.suno.state.fake.script), pictures.describe(self.kie.state.fake.script)
        await json_response(merged("The fake Suno and Kie.ai behind one host", *described))(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a path of neither fake; if no page documents it, the nearest one of both is reported."""
        method, path = scope["method"], scope["path"]
        pictures, music = self.kie.state.fake, self.suno.state.fake
        own = music.account.documents(method, path) and not pictures.account.documents(method, path)
        account: Account = music.account if own else pictures.account
        endpoints = music.endpoints() + pictures.endpoints()
        await account.unknown_route(method, path, 404, endpoints)(scope, receive, send)


def create_app(
    script: Script,
    *,
    publish: Publisher,
    lend: Lender = lend_nothing,
    seed: int = 0,
    ids: str = "",
    api_key: str = API_KEY,
    signing_key: str | None = None,
    observe: Observer = ignore,
    post: Post = post,
    tracks: int = 1,
    tasks_kept: int | None = None,
    files: UploadStore = NO_FILES,
) -> Gateway:
    """Return both fakes behind one host.

    They share one balance and one key: the smaller of the balances and quotas in the script, since a script lowers
    one of them to exhaust the account; without any, enough for `tracks`. Each provider has its own rate limit. The
    picture fake sends stray picture callbacks, to the latest picture callback URL or else to the music's. `ids` makes
    the ids differ from those without, or with another text. Each provider has records of the newest `tasks_kept` of its
    tasks that are over, or of all.
    """
    quotas = [quota for quota in (script.suno.key_quota, script.kie.key_quota) if quota is not None]
    balances = [credits for credits in (script.suno.credits, script.kie.credits) if credits is not None]
    credits = Credits(min(balances, default=balance_for(tracks)), min(quotas, default=None))
    key = signing_key_of(signing_key, script.suno.delivery)
    kie_app = kie.create_app(
        script.kie,
        publish=publish,
        lend=lend,
        seed=seed,
        ids=ids,
        api_key=api_key,
        signing_key=key,
        observe=observe,
        post=post,
        credits=credits,
        tasks_kept=tasks_kept,
        files=files,
    )
    suno_app = suno.create_app(
        script.suno,
        publish=publish,
        seed=seed,
        ids=ids,
        api_key=api_key,
        signing_key=key,
        observe=observe,
        post=post,
        credits=credits,
        tasks_kept=tasks_kept,
        on_unknown_image=kie_app.state.fake.send_unknown_image,
    )
    return Gateway(suno_app, kie_app)


def standalone() -> ASGIApp:
    """Return the gateway with the default script and a media host under /media, for `uvicorn --factory`."""
    from harness.fakes.asgi import with_media
    from harness.fakes.tasks import TASKS_KEPT

    return with_media(
        lambda script, media, seed: create_app(
            script, publish=media.publish, lend=media.lend, seed=seed, tasks_kept=TASKS_KEPT, files=media
        )
    )
