"""The fake Kie.ai image API: an ASGI app that creates picture tasks and executes a KieScript."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.fakes import response_hooks
from harness.fakes.account import API_KEY, OPENAPI_PATH, Account, Endpoint
from harness.fakes.changes import Changes
from harness.fakes.delivery import Callback, CallbackDispatcher, SigningKey
from harness.fakes.events import Observer, ignore
from harness.fakes.http_client import Post, post
from harness.fakes.kie import contract, models
from harness.fakes.kie.products import (
    DOCUMENTED_ENDPOINTS,
    DOWNLOADS,
    ENDPOINTS,
    JOB,
    KONTEXT,
    PICTURE,
    PRODUCTS,
    RECORD_PATHS,
    Product,
    mode_of,
)
from harness.fakes.kie.records import ImageTask, image_callback
from harness.fakes.kie.uploads import UPLOADS, Uploads
from harness.fakes.latency import draw_s
from harness.fakes.published_files import (
    NO_FILES,
    STRAY_NUMBER_FIRST,
    Lender,
    Publisher,
    UploadStore,
    lend_nothing,
    picture_spec,
    task_number,
)
from harness.fakes.responses import json_response, message_of, success, without_data
from harness.fakes.routing import application
from harness.fakes.script import Failure, Image, ImageForgery, KieScript, Picture
from harness.fakes.tasks import BALANCE, Chores, Credits, TaskRecords, sleep_until, task_id, turn

UNSCRIPTED = Picture()
"""A script that leaves the picture at this default gets the requested size; see `served`."""
DUPLICATES_APART_S = 1.0
STRAY_REQUEST = {
    "model": models.SEEDREAM_4,
    "input": {"prompt": "nobody's picture", "image_size": "landscape_16_9", "image_resolution": "2K"},
}
STRAY_SIZE = (2048, 1152)
STRAY_TAKES_S = 8
RECORDING_S = 10.0
"""The length of what models of videos and sounds make."""
ORIGINAL_LIFETIME_S = 10 * 60.0


def served(image: Image, size: tuple[int, int]) -> Picture:
    """Return the picture that a task really produces.

    A scripted picture that differs from `Picture()` is served unchanged, whatever was requested. Otherwise the
    requested size is served, so that a request without the resolution really gets a small picture.
    """
    return image.picture if image.picture != UNSCRIPTED else Picture(*size)


class FakeKie:
    """The state of one fake: its tasks, its account and the work in progress."""

    def __init__(
        self,
        script: KieScript,
        publish: Publisher,
        lend: Lender,
        seed: int,
        ids: str,
        observe: Observer,
        account: Account,
        dispatcher: CallbackDispatcher,
        tasks_kept: int | None,
        files: UploadStore,
    ) -> None:
        self.script = script
        self.account = account
        self.observe = observe
        self.dispatcher = dispatcher
        self._publish_file = publish
        self._lend = lend
        self.uploads = Uploads(account, files, f"kie uploads {seed}{ids}")
        self._ids = Random(f"kie ids {seed}{ids}")
        self._durations = Random(f"kie durations {seed}")
        self._chores = Chores()
        self._tasks: TaskRecords[ImageTask] = TaskRecords(tasks_kept)
        self._requests = 0
        self._stray_pictures = STRAY_NUMBER_FIRST
        self._callback_url: str | None = None
        """The latest one."""

    @property
    def busy(self) -> bool:
        """Return whether a generation or a delivery is in progress."""
        return self._chores.busy or self.dispatcher.busy

    @property
    def requests(self) -> int:
        """Return how many create requests have come, those that were refused included."""
        return self._requests

    async def close(self) -> None:
        """Cancel everything in progress."""
        await self._chores.cancel()
        await self.dispatcher.close()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the endpoints of this profile."""
        return ENDPOINTS if self.script.profile == "synchronous" else DOCUMENTED_ENDPOINTS

    def routes(self) -> list[Route]:
        """Return one route for each endpoint."""
        return [
            *_ROUTES,
            Route(contract.CREDIT, self.account.show_balance),
            Route(OPENAPI_PATH, self._openapi),
        ]

    async def _order(self, product: Product, request: Request) -> Response:
        if product is PICTURE and self.script.profile == "documented":
            self.account.record_refused(product.endpoint, Failure(404, as_http=True))
            return self.account.unknown_route(request.method, request["path"], 404, self.endpoints())
        return await self._create(request, product)

    async def _models(self, request: Request) -> Response:
        lacks_key = self.account.lacks_key(request)
        if lacks_key is not None:
            return self.account.answer(lacks_key)
        return success(models.catalogue(self.script.models, request.query_params))

    async def _openapi(self, request: Request) -> Response:
        from harness.fakes.kie import openapi

        return json_response(openapi.describe(self.script))

    async def _create(self, request: Request, product: Product) -> Response:
        """Respond to a create request. Every complete one, even if refused, uses an entry of the script."""
        content = await request.body()
        image = turn(self.script.images, self._requests)
        self._requests += 1
        body = self._accepted(request, content, product, image)
        if isinstance(body, Failure):
            return self.account.refuse(product.endpoint, body)
        task = self._begin(image, body, product)
        if task.mode == "synchronous":
            return await self._result(task)
        self._start(task)
        data = {"taskId": task.task_id}
        live = product is JOB and self.script.records == "live"
        return success({**data, "recordId": task.task_id} if live else data)

    async def _result(self, task: ImageTask) -> Response:
        """Respond when the picture is finished, or is known to fail."""
        done = asyncio.get_running_loop().create_future()
        self._start(task, done)
        await done
        if task.failure is not None:
            assert task.image.fails is not None
            return self.account.answer(task.image.fails)
        return success(contract.synchronous_result(task.image, task.task_id, task.urls, task.size))

    def _accepted(self, request: Request, content: bytes, product: Product, image: Image) -> dict[str, Any] | Failure:
        endpoint, known = product.endpoint, self.script.models
        body = self.account.read_object(endpoint, request, content)
        if isinstance(body, Failure):
            return body
        problems = product.problems(body, known)
        if problems:
            self.account.break_contract(endpoint, problems)
            return self.account.failure(*product.refusal(problems))
        if image.fails is not None and image.fails.when == "at-once":
            return image.fails
        misspelt = product.misspelt(body, known)
        if misspelt:
            self.account.break_contract(endpoint, misspelt)
        return self.account.has_no_room(endpoint, models.PRICE_CREDITS * product.count(body)) or body

    def _begin(self, image: Image, body: dict[str, Any], product: Product) -> ImageTask:
        mode = mode_of(product, body, image)
        size = product.size(body, self.script.pixel_table)
        task = ImageTask(
            task_id=task_id(self._ids, self.script.task_ids),
            number=task_number(self._tasks.count),
            image=image,
            mode=mode,
            request=body,
            size=size,
            count=product.count(body),
            product=product,
            began_s=asyncio.get_running_loop().time(),
            created_ms=int(time.time() * 1000),
            takes_s=draw_s(image.takes, self._durations),
            style=self.script.records,
        )
        self._tasks.add(task.task_id, task)
        if task.callback_url is not None:
            if self._callback_url is None:
                self._begin_forgeries(task, task.callback_url)
            self._callback_url = task.callback_url
        self.observe(
            "task.created",
            provider="kie",
            task_id=task.task_id,
            number=task.number,
            what=product.purpose(body),
            endpoint=product.endpoint,
            mode=mode,
            prompt=contract.prompt_of(body),
            title=None,
            charged=task.price,
            requested={"width": size[0], "height": size[1]},
        )
        self.account.change_credits(task.task_id, -task.price)
        return task

    def _start(self, task: ImageTask, done: asyncio.Future[None] | None = None) -> None:
        if math.isinf(task.ends_s):
            self._tasks.retire(task.task_id)
        else:
            self._chores.at(task.ends_s, self._finish, task, done)

    def _finish(self, task: ImageTask, done: asyncio.Future[None] | None) -> None:
        self._end(task)
        self._tasks.retire(task.task_id)
        if done is not None and not done.done():
            done.set_result(None)
        if task.callback_url is not None and task.image.callback != "never":
            self._chores.start(self._call_back(task, task.callback_url))

    async def _call_back(self, task: ImageTask, url: str) -> None:
        image = task.image
        if image.callback_late_s:
            await asyncio.sleep(image.callback_late_s)
        for index in range(image.callback_times):
            if index:
                await asyncio.sleep(DUPLICATES_APART_S)
            self.dispatcher.send(Callback(url, task.task_id, "image", self._callback_body(task)))
        if image.error_after_s is not None and task.failure is None:
            await asyncio.sleep(image.error_after_s)
            failure = Failure(contract.FAILED_CALLBACK_CODE)
            task = replace(task, failure=(failure.code, message_of(failure, self.account.codes.messages)))
            self.dispatcher.send(Callback(url, task.task_id, "error", self._callback_body(task)))

    def _callback_body(self, task: ImageTask) -> dict[str, Any]:
        return image_callback(task, self.account.credits.balance)

    def _end(self, task: ImageTask) -> None:
        task.ended_ms = int(time.time() * 1000)
        failure = task.image.fails
        if failure is not None:
            task.failure = failure.code, message_of(failure, self.account.codes.messages)
        else:
            task.urls = [self._publish(task, part) for part in range(task.count)]
            if task.product is KONTEXT:
                task.original_url = self._lend(task.urls[0], ORIGINAL_LIFETIME_S)
        self.observe(
            "task.ended",
            provider="kie",
            task_id=task.task_id,
            number=task.number,
            outcome="success" if failure is None else "failed",
            code=200 if failure is None else failure.code,
            urls=task.urls,
        )
        if failure is not None:
            self.account.change_credits(task.task_id, task.price)

    def _publish(self, task: ImageTask, part: int = 0) -> str:
        """Publish a file; a picture's URL ends in .png, whatever its format."""
        extension = models.extension_of(task.request["model"]) if task.product is JOB else "png"
        if extension != "png":
            return self._publish_file(extension, picture=None, audio_seconds=RECORDING_S)
        picture = picture_spec(served(task.image, task.size), "picture", task.number, part)
        return self._publish_file(extension, picture=picture, audio_seconds=None)

    def _begin_forgeries(self, task: ImageTask, url: str) -> None:
        for forgery in self.script.forgeries:
            self._chores.start(self._forge(forgery, task, url))

    async def _forge(self, forgery: ImageForgery, task: ImageTask, url: str) -> None:
        """Send a callback of success for a task, with a picture that it has not made."""
        await sleep_until(task.began_s + forgery.after_s)
        picture = picture_spec(forgery.picture, "picture", self._stray_pictures)
        self._stray_pictures += 1
        false_url = self._publish_file("png", picture=picture, audio_seconds=None)
        forged = replace(task, urls=[false_url], failure=None, ended_ms=int(time.time() * 1000))
        name = f"forgery:{forgery.forgery}"
        body = self._callback_body(forged)
        self.dispatcher.send(Callback(url, task.task_id, name, body, forgery.forgery))

    def send_unknown_image(self, url: str) -> None:
        """Send the callback of an unknown finished task to the latest picture callback URL, or else to `url`."""
        now_ms = int(time.time() * 1000)
        stray = ImageTask(
            task_id=task_id(self._ids, self.script.task_ids),
            number=self._stray_pictures,
            image=Image(),
            mode="jobs",
            request=STRAY_REQUEST,
            size=STRAY_SIZE,
            count=1,
            began_s=0.0,
            created_ms=now_ms - STRAY_TAKES_S * 1000,
            takes_s=float(STRAY_TAKES_S),
            style=self.script.records,
            ended_ms=now_ms,
        )
        self._stray_pictures += 1
        stray.urls = [self._publish(stray)]
        body = self._callback_body(stray)
        self.dispatcher.send(Callback(self._callback_url or url, stray.task_id, "unknown-image", body))

    async def _record_info(self, path: str, request: Request) -> Response:
        wanted = self.account.task_id_in(path, request)
        if isinstance(wanted, Failure):
            return self.account.answer(wanted)
        task = self._tasks.get(wanted)
        now_s = asyncio.get_running_loop().time()
        if task is None or task.product.record_info != path or now_s < task.began_s + self.script.invisible_s:
            return without_data(422, next(each.unknown_task for each in PRODUCTS if each.record_info == path))
        return task.record(now_s)

    async def _download_url(self, path: str, request: Request) -> Response:
        """Respond with another URL of the same file, which works for 20 minutes."""
        body = self.account.read_object(path, request, await request.body())
        if isinstance(body, Failure):
            return self.account.answer(body)
        problems = DOWNLOADS[path].problems(body)
        url = None if problems else self._lend(body["url"], contract.LINK_LIFETIME_S)
        if problems:
            self.account.break_contract(path, problems)
        return success(url) if url else self.account.answer(self.account.failure(422, contract.FOREIGN_URL))


def _route(path: str, handle: Callable[..., Awaitable[Response]], *given: object, method: str = "POST") -> Route:
    """Return a route to a method of whichever fake it is used by; `given` comes before the request."""

    async def endpoint(request: Request) -> Response:
        return await handle(request.app.state.fake, *given, request)

    return Route(path, endpoint, methods=[method])


async def _upload(fake: FakeKie, path: str, request: Request) -> Response:
    return await fake.uploads.answer(path, request)


_ROUTES = (
    *(_route(product.endpoint, FakeKie._order, product) for product in PRODUCTS),
    *(_route(path, FakeKie._record_info, path, method="GET") for path in RECORD_PATHS),
    *(_route(path, FakeKie._download_url, path) for path in DOWNLOADS),
    *(_route(path, _upload, path) for path in UPLOADS),
    _route(contract.MODELS, FakeKie._models, method="GET"),
)
"""Made once, since a run makes a fake of its own."""


def create_app(
    script: KieScript,
    *,
    publish: Publisher,
    lend: Lender = lend_nothing,
    seed: int = 0,
    ids: str = "",
    api_key: str = API_KEY,
    signing_key: str | SigningKey | None = None,
    observe: Observer = ignore,
    post: Post = post,
    credits: Credits | None = None,
    tasks_kept: int | None = None,
    files: UploadStore = NO_FILES,
) -> Starlette:
    """Return a fake Kie.ai image API that executes `script`. Its state is `app.state.fake`.

    `ids` makes its ids differ from those without, or with another text. Without `lend` download-url finds no file, and
    without `files` an upload is kept nowhere. `credits` is an account shared with another fake; `post` sends the
    callbacks. Of the tasks that are over the newest `tasks_kept` have a record, or all.
    """
    balance = credits or Credits(BALANCE if script.credits is None else script.credits, script.key_quota)
    limit = script.creations_per_10_s
    account = Account("kie", api_key, observe, balance, limit, errors_as_http=script.errors_as_http)
    changes = Changes(script.changes)
    shown = response_hooks.showing(script)
    dispatcher = CallbackDispatcher("kie", script.delivery, observe, signing_key, post, shown, changes)
    fake = FakeKie(script, publish, lend, seed, ids, observe, account, dispatcher, tasks_kept, files)
    return application(fake, [*response_hooks.middleware(script), *changes.middleware()], changes)
