"""The fake Suno: an ASGI app that creates music tasks and executes a SunoScript."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
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
from harness.fakes.events import Observer, Purpose, ignore
from harness.fakes.http_client import Post, post
from harness.fakes.latency import draw_s
from harness.fakes.published_files import (
    SOURCE_STREAM_HOST,
    STRAY_NUMBER_FIRST,
    Publisher,
    task_number,
)
from harness.fakes.responses import json_response, message_of, success, without_data
from harness.fakes.routing import application
from harness.fakes.script import CallbackKind, Failure, ForgeryKind, Music, Picture, Stray, SunoScript
from harness.fakes.suno import contract
from harness.fakes.suno.extras import ROUTES as EXTRA_ROUTES
from harness.fakes.suno.extras import STRAYS, ExtraTasks, endpoints_of
from harness.fakes.suno.orders import Order, accepted, nothing_impossible
from harness.fakes.suno.records import MusicTask, in_callback, tracks
from harness.fakes.suno.song_files import finish, paint, publish_audio, publish_cover
from harness.fakes.suno.songs import Songs
from harness.fakes.suno.timeline import TimelineStep, begins_after_s, plan
from harness.fakes.suno.variants import ROUTES as VARIANT_ROUTES
from harness.fakes.suno.variants import Variant, form_of, inherited
from harness.fakes.suno.variants import problems as variant_problems
from harness.fakes.tasks import (
    BALANCE,
    Chores,
    Credits,
    TaskRecords,
    UnreachedEntry,
    below,
    sleep_until,
    task_id,
    turn,
    unreached_entries,
)

UnknownImage = Callable[[str], None]
"""Sends a picture's callback for an unknown task; its argument is the URL to use if no better one is known."""
DURATION_LOW_S, DURATION_HIGH_S = 120, 239
"""In whole seconds; each duration has hundredths as well, as live ones have."""


class FakeSuno:
    """The state of one fake: its tasks, its account and the work in progress."""

    def __init__(
        self,
        script: SunoScript,
        publish: Publisher,
        seed: int,
        ids: str,
        observe: Observer,
        account: Account,
        dispatcher: CallbackDispatcher,
        rules: contract.Rules,
        on_unknown_image: UnknownImage | None,
        tasks_kept: int | None,
    ) -> None:
        self.script = script
        self.account = account
        self.observe = observe
        self.dispatcher = dispatcher
        self.rules = rules
        self._publish = publish
        self._on_unknown_image = on_unknown_image
        self._ids = Random(f"suno ids {seed}{ids}")
        self._durations = Random(f"suno durations {seed}")
        self._chores = Chores()
        self._tasks: TaskRecords[MusicTask] = TaskRecords(tasks_kept)
        self._requests = self._variant_requests = self._numbers = 0
        self._has_begun = False
        self._stray_pictures = STRAY_NUMBER_FIRST
        self.songs = Songs(self._tasks, account)
        random = Random(f"suno extras {seed}{ids}")
        self.extras = ExtraTasks(
            script,
            publish,
            random,
            observe,
            account,
            dispatcher,
            rules,
            self._chores,
            self.songs,
            self._next_number,
            tasks_kept,
        )

    @property
    def busy(self) -> bool:
        """Return whether a generation or a delivery is in progress."""
        return self._chores.busy or self.dispatcher.busy

    @property
    def requests(self) -> int:
        """Return how many create requests have come, those that were refused included."""
        return self._requests

    def unreached(self) -> list[UnreachedEntry]:
        """Return the entries of the script that no create request has reached."""
        return [
            *unreached_entries("suno.music", self.script.music, self._requests),
            *unreached_entries("suno.variants", self.script.variants, self._variant_requests),
            *self.extras.unreached(),
        ]

    async def close(self) -> None:
        """Cancel everything in progress."""
        await self._chores.cancel()
        await self.dispatcher.close()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the endpoints of this dialect."""
        return endpoints_of(self.rules.dialect)

    def routes(self) -> list[Route]:
        """Return one route for each endpoint of this dialect."""
        return [
            Route(contract.GENERATE, self._create, methods=["POST"]),
            Route(contract.RECORD_INFO, self._record_info),
            Route(self.rules.dialect.credit_path, self.account.show_balance),
            Route(OPENAPI_PATH, self._openapi),
            *VARIANT_ROUTES,
            *EXTRA_ROUTES,
        ]

    async def _openapi(self, request: Request) -> Response:
        from harness.fakes.suno import openapi

        return json_response(openapi.describe(self.script))

    async def _create(self, request: Request) -> Response:
        """Respond to a create request with a task id or a refusal. Every complete one uses an entry of the script."""
        content = await request.body()
        music = turn(self.script.music, self._requests)
        self._requests += 1
        order = Order(contract.GENERATE, contract.PRICE_CREDITS, self.rules.form, self.rules.problems)
        body = accepted(order, self.account, self.rules, request, content, music.fails, nothing_impossible)
        if isinstance(body, Failure):
            return self.account.refuse(order.endpoint, body)
        task = self._add(music, body)
        self._begin(task, order, "music", None)
        return success({"taskId": task.task_id})

    async def create_variant(self, variant: Variant, request: Request) -> Response:
        """Respond to a request for a song that is made from another one."""
        content = await request.body()
        music = turn(self.script.variants, self._variant_requests)
        self._variant_requests += 1
        form, problems = form_of(variant, self.rules.models), partial(variant_problems, variant, self.rules)
        order = Order(variant.path, contract.PRICE_CREDITS, form, problems)
        own = variant.source == "audioId"
        impossible = self.songs.refuse_unknown if own else nothing_impossible
        body = accepted(order, self.account, self.rules, request, content, music.fails, impossible)
        if isinstance(body, Failure):
            return self.account.refuse(order.endpoint, body)
        parent = self.songs.find(None, body["audioId"]) if own else None
        task = self._add(
            music,
            body,
            operation=variant.operation,
            parent_music_id=body["audioId"] if own else "",
            inherited=inherited(variant, body, parent.task.texts if parent else {}),
        )
        self._begin(task, order, "variant", parent.task.task_id if parent else None)
        return success({"taskId": task.task_id})

    def _next_number(self) -> int:
        """Return the number of a new task; those of songs and of what is ordered beside them are distinct."""
        self._numbers += 1
        return task_number(self._numbers - 1)

    def _add(self, music: Music, body: dict[str, Any], **changes: Any) -> MusicTask:
        task = MusicTask(
            task_id=task_id(self._ids, self.script.task_ids),
            number=self._next_number(),
            music=music,
            request=body,
            began_s=asyncio.get_running_loop().time(),
            created_ms=int(time.time() * 1000),
            takes_s=draw_s(music.takes, self._durations),
            drawn=self._draw_tracks(),
            queries_per_s=self.script.queries_per_s,
            style=self.script.records,
            **changes,
        )
        self._tasks.add(task.task_id, task)
        return task

    def _begin(self, task: MusicTask, order: Order, purpose: Purpose, parent: str | None) -> None:
        music, body = task.music, task.request
        self.observe(
            "task.created",
            provider="suno",
            task_id=task.task_id,
            number=task.number,
            what=purpose,
            endpoint=order.endpoint,
            mode="callback",
            prompt=body.get("prompt"),
            title=body.get("title"),
            charged=order.price,
            requested={},
            **({} if parent is None else {"parent": parent}),
        )
        self.account.change_credits(task.task_id, -order.price)
        if math.isinf(task.takes_s):
            self._tasks.retire(task.task_id)
        else:
            self._chores.at(task.began_s + begins_after_s(music, task.takes_s), self._play, task)
        if purpose == "music" and not self._has_begun:
            self._has_begun = True
            for stray in self.script.strays:
                self._chores.start(self._send_stray(stray, task))

    def _draw_tracks(self) -> tuple[tuple[int, int], ...]:
        random = self._ids
        return tuple(
            [
                (random.getrandbits(128), DURATION_LOW_S + below(random, DURATION_HIGH_S + 1 - DURATION_LOW_S))
                for _ in range(contract.TRACKS_PER_TASK)
            ]
        )

    def _play(self, task: MusicTask) -> None:
        self._go_on(task, iter(plan(task.music, task.takes_s)))

    def _go_on(self, task: MusicTask, steps: Iterator[TimelineStep], due: TimelineStep | None = None) -> None:
        """Take the step that is due, and all others that are due by now."""
        if due is not None:
            self._take(task, due)
        for step in steps:
            due_s = task.began_s + step.after_s
            if due_s > asyncio.get_running_loop().time():
                self._chores.at(due_s, self._go_on, task, steps, step)
                return
            self._take(task, step)
        self._tasks.retire(task.task_id)

    def _take(self, task: MusicTask, step: TimelineStep) -> None:
        task.changes += 1
        if step.what == "reach":
            self._reach(task, step.stage)
        elif step.what == "stream":
            for track in task.tracks:
                track.stream = publish_audio(self._publish, track, SOURCE_STREAM_HOST, is_stream=True)
        elif step.what == "send":
            self._send(task, step.stage)
        else:
            self._fail(task)

    def _reach(self, task: MusicTask, stage: CallbackKind) -> None:
        task.stage = stage
        if stage == "text":
            for index, track in enumerate(task.tracks):
                paint(self._publish, task, track, index)
            return
        if task.music.without_audio != ("first" if stage == "first" else "second"):
            finish(self._publish, task.music, task.tracks[0 if stage == "first" else 1])
        if stage == "complete":
            self._end(task, "success", 200)

    def _end(self, task: MusicTask, outcome: str, code: int) -> None:
        urls = [url for track in task.tracks for url in track.urls()]
        self.observe(
            "task.ended",
            provider="suno",
            task_id=task.task_id,
            number=task.number,
            outcome=outcome,
            code=code,
            urls=urls,
        )

    def _fail(self, task: MusicTask) -> None:
        failure = task.music.fails
        assert failure is not None
        task.failure = failure.code, message_of(failure, self.account.codes.messages)
        self._end(task, "failed", failure.code)
        self.account.change_credits(task.task_id, contract.PRICE_CREDITS)
        if task.music.callbacks == "sent":
            self._send_error(task, *task.failure)

    def _send_error(self, task: MusicTask, code: int, message: str) -> None:
        items: list[dict[str, Any]] | None = [] if task.music.error_carries == "empty" else None
        self._hand_over(task, "error", contract.error_callback_body(task.task_id, code, message, items))

    def _send(self, task: MusicTask, callback: CallbackKind) -> None:
        if callback == "error":
            failure = Failure(contract.CONTRADICTION_CODE)
            self._send_error(task, failure.code, message_of(failure, self.account.codes.messages))
            return
        body = contract.callback_body(callback, task.task_id, in_callback(task, callback))
        self._hand_over(task, callback, body)

    def _hand_over(self, task: MusicTask, name: str, body: dict[str, Any]) -> None:
        def give_up() -> None:
            task.undelivered = True
            task.changes += 1

        if task.music.task_id_on_top:
            body = contract.with_task_id_on_top(body)
        if task.music.swapped_case:
            body = contract.in_camel_case(body)
        callback = Callback(task.callback_url, task.task_id, name, body)
        self.dispatcher.send(callback, give_up if name == "complete" else None)

    async def _send_stray(self, stray: Stray, first: MusicTask) -> None:
        await sleep_until(first.began_s + stray.after_s)
        if stray.what == "unknown-image":
            if self._on_unknown_image is not None:
                self._on_unknown_image(first.callback_url)
            return
        if stray.what in STRAYS:
            self._stray_pictures += 1
            self.extras.send_stray(STRAYS[stray.what], first.callback_url, stray.cover, self._stray_pictures - 1)
            return
        forgery: ForgeryKind | None = None
        name, whose = "old-music", ""
        if stray.what == "forgery":
            forgery = stray.forgery or "unsigned"
            name, whose = f"forgery:{forgery}", first.task_id
        whose = whose or task_id(self._ids, self.script.task_ids)
        items = [self._stray_item(first, stray.cover, part) for part in range(contract.TRACKS_PER_TASK)]
        body = contract.callback_body("complete", whose, items)
        self.dispatcher.send(Callback(first.callback_url, whose, name, body, forgery))

    def _stray_item(self, first: MusicTask, cover: Picture, part: int) -> dict[str, Any]:
        """Return a finished track of an unknown task, with audio and a cover that belong to no task."""
        track, *_ = tracks(first.request, Music(), self._draw_tracks(), first.created_ms, self.script.records)
        track.audio = track.stream = publish_audio(self._publish, track)
        track.cover = publish_cover(self._publish, cover, self._stray_pictures, part)
        self._stray_pictures += 1
        return track.item()

    async def _record_info(self, request: Request) -> Response:
        wanted = self.account.task_id_in(contract.RECORD_INFO, request)
        if isinstance(wanted, Failure):
            return self.account.answer(wanted)
        task = self._tasks.get(wanted)
        now_s = asyncio.get_running_loop().time()
        if task is None or now_s < task.began_s + self.script.invisible_s:
            return without_data(*contract.RECORD_NOT_FOUND[self.script.records])
        if not task.queries.admits(now_s):
            self.account.throttle(contract.RECORD_INFO, task.queries)
            return self.account.answer(self.account.failure(self.account.codes.too_often))
        return task.record(now_s)


def create_app(
    script: SunoScript,
    *,
    publish: Publisher,
    seed: int = 0,
    ids: str = "",
    api_key: str = API_KEY,
    signing_key: str | SigningKey | None = None,
    observe: Observer = ignore,
    post: Post = post,
    credits: Credits | None = None,
    on_unknown_image: UnknownImage | None = None,
    tasks_kept: int | None = None,
) -> Starlette:
    """Return a fake Suno that executes `script`. Its state is `app.state.fake`.

    `ids` makes its ids differ from those without, or with another text. `credits` is an account shared with another
    fake; `post` sends the callbacks. Stray picture callbacks are not part of this contract: `on_unknown_image` sends
    them; without it they are omitted. Of the tasks that are over the newest `tasks_kept` have a record, or all.
    """
    rules = contract.rules_of(script.dialect, script.models)
    dialect = rules.dialect
    balance = credits or Credits(BALANCE if script.credits is None else script.credits, script.key_quota)
    limit = script.creations_per_10_s
    codes = dialect.codes if script.too_often_code is None else replace(dialect.codes, too_often=script.too_often_code)
    account = Account("suno", api_key, observe, balance, limit, codes, script.errors_as_http, script.dialect)
    key = signing_key if dialect.signs else None
    changes = Changes(script.changes)
    shown = response_hooks.showing(script)
    dispatcher = CallbackDispatcher("suno", script.delivery, observe, key, post, shown, changes)
    fake = FakeSuno(script, publish, seed, ids, observe, account, dispatcher, rules, on_unknown_image, tasks_kept)
    return application(fake, [*response_hooks.middleware(script), *changes.middleware()], changes)
