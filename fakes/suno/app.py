"""The fake Suno: an ASGI app that creates music tasks and executes a SunoScript."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.fakes import response_hooks
from harness.fakes.account import API_KEY, OPENAPI_PATH, Account, Endpoint
from harness.fakes.delivery import Callback, CallbackDispatcher
from harness.fakes.events import Observer, ignore
from harness.fakes.http_client import Post, post
from harness.fakes.latency import draw_s
from harness.fakes.published_files import (
    MUSIC_HOST,
    SOURCE_AUDIO_HOST,
    SOURCE_COVER_HOST,
    SOURCE_STREAM_HOST,
    STRAY_NUMBER_FIRST,
    Publisher,
    picture_spec,
    task_number,
)
from harness.fakes.responses import json_response, message_of, success, without_data
from harness.fakes.routing import application
from harness.fakes.script import CallbackKind, Failure, ForgeryKind, Music, Picture, Stray, SunoScript
from harness.fakes.suno import contract
from harness.fakes.suno.contract import PublishedFile, SunoTrack
from harness.fakes.suno.records import MusicTask, shown, tracks
from harness.fakes.suno.timeline import TimelineStep, begins_after_s, plan
from harness.fakes.tasks import BALANCE, Chores, Credits, TaskRecords, below, sleep_until, task_id, turn

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
        self._requests = 0
        self._stray_pictures = STRAY_NUMBER_FIRST

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
        """Return the endpoints of this dialect."""
        return self.rules.dialect.endpoints()

    def routes(self) -> list[Route]:
        """Return one route for each endpoint of this dialect."""
        return [
            Route(contract.GENERATE, self._create, methods=["POST"]),
            Route(contract.RECORD_INFO, self._record_info),
            Route(self.rules.dialect.credit_path, self.account.show_balance),
            Route(OPENAPI_PATH, self._openapi),
        ]

    async def _openapi(self, request: Request) -> Response:
        from harness.fakes.suno import openapi

        return json_response(openapi.describe(self.script))

    async def _create(self, request: Request) -> Response:
        """Respond to a create request with a task id or a refusal. Every complete one uses an entry of the script."""
        content = await request.body()
        music = turn(self.script.music, self._requests)
        self._requests += 1
        body = self._accepted(request, content, music)
        if isinstance(body, Failure):
            return self.account.refuse(contract.GENERATE, body)
        task = self._begin(music, body)
        return success({"taskId": task.task_id})

    def _accepted(self, request: Request, content: bytes, music: Music) -> dict[str, Any] | Failure:
        body = self.account.read_object(contract.GENERATE, request, content)
        if isinstance(body, Failure):
            return body
        problems = self.rules.problems(body)
        if problems:
            self.account.break_contract(contract.GENERATE, problems)
            return self.account.failure(*self.rules.refusal(problems))
        if music.fails is not None and music.fails.when == "at-once":
            return music.fails
        misspelt = self.rules.form.misspelt(body)
        if misspelt:
            self.account.break_contract(contract.GENERATE, misspelt)
        return self.account.has_no_room(contract.GENERATE, contract.PRICE_CREDITS) or body

    def _begin(self, music: Music, body: dict[str, Any]) -> MusicTask:
        now_ms = int(time.time() * 1000)
        task = MusicTask(
            task_id=task_id(self._ids, self.script.task_ids),
            number=task_number(self._tasks.count),
            music=music,
            request=body,
            began_s=asyncio.get_running_loop().time(),
            created_ms=now_ms,
            takes_s=draw_s(music.takes, self._durations),
            drawn=self._draw_tracks(),
            queries_per_s=self.script.queries_per_s,
            style=self.script.records,
        )
        self._tasks.add(task.task_id, task)
        self.observe(
            "task.created",
            provider="suno",
            task_id=task.task_id,
            number=task.number,
            what="music",
            endpoint=contract.GENERATE,
            mode="callback",
            prompt=body.get("prompt"),
            title=body.get("title"),
            charged=contract.PRICE_CREDITS,
            requested={},
        )
        self.account.change_credits(task.task_id, -contract.PRICE_CREDITS)
        if math.isinf(task.takes_s):
            self._tasks.retire(task.task_id)
        else:
            self._chores.at(task.began_s + begins_after_s(music, task.takes_s), self._play, task)
        if task.number == 1:
            for stray in self.script.strays:
                self._chores.start(self._send_stray(stray, task))
        return task

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
                track.stream = self._publish_audio(track, SOURCE_STREAM_HOST)
        elif step.what == "send":
            self._send(task, step.stage)
        else:
            self._fail(task)

    def _reach(self, task: MusicTask, stage: CallbackKind) -> None:
        task.stage = stage
        if stage == "text":
            for index, track in enumerate(task.tracks):
                self._paint(task, track, index)
            return
        if task.music.without_audio != ("first" if stage == "first" else "second"):
            self._finish(task.music, task.tracks[0 if stage == "first" else 1])
        if stage == "complete":
            self._end(task, "success", 200)

    def _paint(self, task: MusicTask, track: SunoTrack, index: int) -> None:
        """Publish a track's cover, and that of its record."""
        music = task.music
        track.cover = self._publish_cover(music.cover, task.number, index)
        if music.record_cover != "same":
            part = index + contract.TRACKS_PER_TASK
            track.recorded_cover = self._publish_cover(music.record_cover, task.number, part)

    def _finish(self, music: Music, track: SunoTrack) -> None:
        """Publish a track's audio, and that of its record."""
        track.audio = self._publish_audio(track)
        if music.record_audio != "same":
            track.recorded_audio = self._publish_audio(track)

    def _publish_cover(self, cover: Picture | None, number: int, part: int) -> PublishedFile | None:
        if cover is None:
            return None
        picture = picture_spec(cover, "cover", number, part)
        hosts = MUSIC_HOST, SOURCE_COVER_HOST
        return PublishedFile(*(self._publish("jpeg", picture=picture, audio_seconds=None, host=host) for host in hosts))

    def _publish_audio(self, track: SunoTrack, source_host: str = SOURCE_AUDIO_HOST) -> PublishedFile:
        lasts_s, hosts = track.duration_s, (MUSIC_HOST, source_host)
        return PublishedFile(*(self._publish("mp3", picture=None, audio_seconds=lasts_s, host=host) for host in hosts))

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
        body = contract.callback_body(callback, task.task_id, _items(task, callback))
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
        track.audio = track.stream = self._publish_audio(track)
        track.cover = self._publish_cover(cover, self._stray_pictures, part)
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


def _items(task: MusicTask, callback: CallbackKind) -> list[dict[str, Any]] | None:
    """Return the tracks in a callback."""
    music = task.music
    if callback in ("text", "progress"):
        texts = [track.without_audio().item() for track in task.tracks]
        return {"items": texts, "empty": [], "null": None}[music.text_carries]
    if callback == "first":
        first, *others = shown(task.tracks, callback)
        return [first.item(), *(track.without_audio().item() for track in others)]
    if music.empty_complete:
        return []
    items = [track.item() for track in task.tracks]
    return items if music.complete_carries == "tracks" else [contract.cover_only(item) for item in items]


def create_app(
    script: SunoScript,
    *,
    publish: Publisher,
    seed: int = 0,
    ids: str = "",
    api_key: str = API_KEY,
    signing_key: str | None = None,
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
    account = Account("suno", api_key, observe, balance, limit, codes, script.errors_as_http)
    key = signing_key if dialect.signs else None
    dispatcher = CallbackDispatcher("suno", script.delivery, observe, key, post, response_hooks.showing(script))
    fake = FakeSuno(script, publish, seed, ids, observe, account, dispatcher, rules, on_unknown_image, tasks_kept)
    return application(fake, response_hooks.middleware(script))
