"""What can be ordered from Suno beside songs: one mechanism for all kinds of `harness.fakes.suno.extra_kinds`.

A request is checked as one for music is, makes a task with a record, and ends with a callback to its callBackUrl. Two
endpoints answer at once instead: timestamped lyrics, and the description of a style.
"""

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.fakes.account import Account, Endpoint
from harness.fakes.delivery import Callback, CallbackDispatcher
from harness.fakes.events import Observer
from harness.fakes.latency import draw_s
from harness.fakes.paths import EXTRA_PATHS
from harness.fakes.published_files import Publisher
from harness.fakes.responses import message_of, success, without_data
from harness.fakes.script import Extra, Failure, Picture, StrayKind, SunoScript
from harness.fakes.suno import contract
from harness.fakes.suno.extra_kinds import KINDS, NO_RECORD, WAITING_SHARE, ExtraTask, Kind
from harness.fakes.suno.orders import Order, accepted, nothing_impossible
from harness.fakes.suno.songs import Song, Songs
from harness.fakes.suno.variants import VARIANTS
from harness.fakes.tasks import Chores, RateWindow, TaskRecords, UnreachedEntry, task_id, unreached_entry
from harness.fakes.validation import Field, Form

STYLE, TIMESTAMPED_LYRICS = EXTRA_PATHS[6:]
DUPLICATES_APART_S = 1.0
_DOCUMENTED = "fakes/FIDELITY.md section 1, documented"
STYLE_FORM = Form([Field("content", "text", _DOCUMENTED, required=True)])
TIMESTAMPED_FORM = Form(
    [
        Field("taskId", "text", _DOCUMENTED, required=True),
        Field("audioId", "text", _DOCUMENTED),
        Field("musicIndex", "whole", _DOCUMENTED, low=0, high=contract.TRACKS_PER_TASK - 1),
    ]
)
STRAYS: dict[StrayKind, Kind] = {
    "lyrics": next(kind for kind in KINDS if kind.name == "lyrics"),
    "own-cover": next(kind for kind in KINDS if kind.name == "cover"),
}
"""The kinds of stray callbacks about what is ordered beside songs."""
FORMS = {kind.name: Form(kind.fields) for kind in KINDS}


def endpoints_of(dialect: contract.Dialect) -> tuple[Endpoint, ...]:
    """Return all endpoints of a music API; those beside generate are the same at both providers [documented]."""
    creating = [*(variant.path for variant in VARIANTS), *(kind.create for kind in KINDS), STYLE, TIMESTAMPED_LYRICS]
    found: list[Endpoint] = [*dialect.endpoints(), *(("POST", path) for path in creating)]
    return (*found, *(("GET", kind.path) for kind in KINDS))


class ExtraTasks:
    """The tasks beside songs of one fake."""

    def __init__(
        self,
        script: SunoScript,
        publish: Publisher,
        random: Random,
        observe: Observer,
        account: Account,
        dispatcher: CallbackDispatcher,
        rules: contract.Rules,
        chores: Chores,
        songs: Songs,
        next_number: Callable[[], int],
        tasks_kept: int | None,
    ) -> None:
        self._script = script
        self._publish = publish
        self._random = random
        self._observe = observe
        self._account = account
        self._dispatcher = dispatcher
        self._rules = rules
        self._chores = chores
        self._songs = songs
        self._next_number = next_number
        self._tasks: TaskRecords[ExtraTask] = TaskRecords(tasks_kept)
        self._requests: Counter[str] = Counter()

    def unreached(self) -> list[UnreachedEntry]:
        """Return the kinds of which the script says something, and which no request has ordered."""
        found = [(kind.name, self._extra(kind), self._requests[kind.name]) for kind in KINDS]
        return [each for name, extra, count in found for each in unreached_entry(f"suno.extras.{name}", extra, count)]

    def _extra(self, kind: Kind) -> Extra:
        extra: Extra = getattr(self._script.extras, kind.name.replace("-", "_"))
        return extra

    async def create(self, request: Request, kind: Kind) -> Response:
        """Respond to a create request with a task id or a refusal."""
        self._requests[kind.name] += 1
        extra, form = self._extra(kind), FORMS[kind.name]
        order = Order(kind.create, kind.price, form, form.problems)
        impossible = partial(self._refusal, kind)
        content = await request.body()
        body = accepted(order, self._account, self._rules, request, content, extra.fails, impossible)
        if isinstance(body, Failure):
            return self._account.refuse(kind.create, body, self._first_task(kind, body, content))
        task = self._begin(kind, extra, body)
        return success({"taskId": task.task_id})

    def _refusal(self, kind: Kind, body: dict[str, Any]) -> Failure | None:
        """Return the refusal of a request about something that does not exist, or that has been made already."""
        if kind.works_on == "stems":
            stems = self._tasks.get(body["taskId"])
            is_there = stems is not None and stems.kind.name == "vocal-removal"
            return None if is_there else self._account.failure(*NO_RECORD)
        if kind.works_on == "nothing":
            return None
        unknown = self._songs.refuse_unknown(body)
        if unknown is None and kind.once is not None and self._earlier(kind, body) is not None:
            return self._account.failure(*kind.once)
        return unknown

    def _earlier(self, kind: Kind, body: dict[str, Any]) -> ExtraTask | None:
        """Return the task that was ordered for the same song, or for the same track of it."""
        song = self._songs.asked_for(body)
        for task in self._tasks:
            if song is None or task.kind is not kind or task.parent != song.task.task_id:
                continue
            if kind.works_on == "task" or task.index == song.place:
                return task
        return None

    def _first_task(self, kind: Kind, refused: Failure, content: bytes) -> dict[str, str] | None:
        """Return the `data` of a refusal: the first task's id, where the refusal of a repeated request has it."""
        if not kind.names_first or kind.once is None or (refused.code, refused.message) != kind.once:
            return None
        first = self._earlier(kind, json.loads(content))
        return None if first is None else {"taskId": first.task_id}

    def _begin(self, kind: Kind, extra: Extra, body: dict[str, Any]) -> ExtraTask:
        song = self._songs.asked_for(body) if kind.works_on in ("task", "track") else None
        parent = body["taskId"] if kind.works_on == "stems" else None if song is None else song.task.task_id
        now_s = asyncio.get_running_loop().time()
        task = ExtraTask(
            kind=kind,
            task_id=task_id(self._random, self._script.task_ids),
            number=self._next_number(),
            extra=extra,
            request=body,
            parent=parent,
            track=None if song is None else song.track,
            index=0 if song is None else song.place,
            began_s=now_s,
            created_ms=int(time.time() * 1000),
            takes_s=draw_s(kind.takes if extra.takes is None else extra.takes, self._random),
            style=self._script.records,
            queries=RateWindow(self._script.queries_per_s, 1.0),
        )
        self._tasks.add(task.task_id, task)
        self._observe(
            "task.created",
            provider="suno",
            task_id=task.task_id,
            number=task.number,
            what=kind.purpose,
            endpoint=kind.create,
            mode="callback",
            prompt=body.get("prompt"),
            title=None,
            charged=kind.price,
            requested={},
            **({} if parent is None else {"parent": parent}),
        )
        self._account.change_credits(task.task_id, -kind.price)
        if math.isinf(task.takes_s):
            self._tasks.retire(task.task_id)
        else:
            self._chores.at(now_s + task.takes_s, self._finish, task)
        return task

    def _finish(self, task: ExtraTask) -> None:
        task.ended_ms = int(time.time() * 1000)
        failure = task.extra.fails
        if failure is None:
            task.files = task.kind.make(task, self._publish)
        else:
            task.failure = failure.code, message_of(failure, self._account.codes.messages)
        self._observe(
            "task.ended",
            provider="suno",
            task_id=task.task_id,
            number=task.number,
            outcome="success" if failure is None else "failed",
            code=200 if failure is None else failure.code,
            urls=list(task.files),
        )
        if failure is not None:
            self._account.change_credits(task.task_id, task.kind.price)
        self._tasks.retire(task.task_id)
        if task.extra.callback == "sent":
            self._chores.start(self._call_back(task))

    async def _call_back(self, task: ExtraTask) -> None:
        def give_up() -> None:
            task.undelivered = True

        if task.extra.callback_late_s:
            await asyncio.sleep(task.extra.callback_late_s)
        code, message = task.failure or (200, task.kind.message)
        body = {"code": code, "msg": message, "data": task.kind.callback(task)}
        for index in range(task.extra.callback_times):
            if index:
                await asyncio.sleep(DUPLICATES_APART_S)
            callback = Callback(task.request["callBackUrl"], task.task_id, task.kind.name, body)
            self._dispatcher.send(callback, give_up)

    def send_stray(self, kind: Kind, url: str, picture: Picture, number: int) -> None:
        """Send the callback of a finished task that no request has ordered."""
        now_ms = int(time.time() * 1000)
        task = ExtraTask(
            kind=kind,
            task_id=task_id(self._random, self._script.task_ids),
            number=number,
            extra=Extra(picture=picture),
            request={"prompt": "someone else's song", "callBackUrl": url},
            parent=None,
            track=None,
            index=0,
            began_s=0.0,
            created_ms=now_ms,
            takes_s=0.0,
            style=self._script.records,
            queries=RateWindow(self._script.queries_per_s, 1.0),
            ended_ms=now_ms,
        )
        task.files = kind.make(task, self._publish)
        body = {"code": 200, "msg": kind.message, "data": kind.callback(task)}
        self._dispatcher.send(Callback(url, task.task_id, f"unknown-{kind.name}", body))

    async def show(self, request: Request, kind: Kind) -> Response:
        """Respond with a task's record."""
        wanted = self._account.task_id_in(kind.path, request)
        if isinstance(wanted, Failure):
            return self._account.answer(wanted)
        task = self._tasks.get(wanted)
        now_s = asyncio.get_running_loop().time()
        if task is None or task.kind is not kind or now_s < task.began_s + self._script.invisible_s:
            return without_data(*(kind.no_record or contract.RECORD_NOT_FOUND[self._script.records]))
        if not task.queries.admits(now_s):
            self._account.throttle(kind.path, task.queries)
            return self._account.answer(self._account.failure(self._account.codes.too_often))
        return success(kind.record(task, _state(task, now_s)))

    async def describe_style(self, request: Request) -> Response:
        """Respond with a style in more words."""
        order = Order(STYLE, 0, STYLE_FORM, STYLE_FORM.problems)
        content = await request.body()
        body = accepted(order, self._account, self._rules, request, content, None, nothing_impossible)
        if isinstance(body, Failure):
            return self._account.refuse(STYLE, body)
        await asyncio.sleep(draw_s(self._script.extras.style_takes, self._random))
        data = {
            "taskId": task_id(self._random, self._script.task_ids),
            "param": json.dumps(body, ensure_ascii=False),
            "result": f"{body['content']}, with a warm and steady sound",
            "creditsConsumed": 0,
            "creditsRemaining": float(self._account.credits.balance),
            "successFlag": "1",
            "errorCode": None,
            "errorMessage": "",
            "createTime": contract.at_time(int(time.time() * 1000), "documented"),
        }
        return success(data)

    async def timestamp_lyrics(self, request: Request) -> Response:
        """Respond with the words of a song and their times."""
        order = Order(TIMESTAMPED_LYRICS, 0, TIMESTAMPED_FORM, TIMESTAMPED_FORM.problems)
        content = await request.body()
        impossible = self._songs.refuse_unknown
        body = accepted(order, self._account, self._rules, request, content, None, impossible)
        if isinstance(body, Failure):
            return self._account.refuse(TIMESTAMPED_LYRICS, body)
        song = self._songs.asked_for(body)
        assert song is not None
        words = [] if song.task.texts.get("instrumental") is True else _words_of(song)
        return success({"alignedWords": words, "waveformData": [0, 0.5, 1, 0.5], "hootCer": 0.25, "isStreamed": False})


Handler = Callable[[ExtraTasks, Request], Awaitable[Response]]


def _route(method: str, path: str, handle: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        return await handle(request.app.state.fake.extras, request)

    return Route(path, endpoint, methods=[method])


ROUTES = (
    *(_route("POST", kind.create, partial(ExtraTasks.create, kind=kind)) for kind in KINDS),
    *(_route("GET", kind.path, partial(ExtraTasks.show, kind=kind)) for kind in KINDS),
    _route("POST", STYLE, ExtraTasks.describe_style),
    _route("POST", TIMESTAMPED_LYRICS, ExtraTasks.timestamp_lyrics),
)
"""Two routes for each kind, and those of what is answered at once; all fakes share them, since a run makes new ones."""


def _state(task: ExtraTask, now_s: float) -> str | int:
    states = task.kind.states
    if task.ended_ms is None:
        waits_s = WAITING_SHARE * task.takes_s
        return states.waiting if now_s < task.began_s + waits_s else states.running
    if task.failure is not None:
        return states.failed
    return states.undelivered if task.undelivered else states.success


def _words_of(song: Song) -> list[dict[str, Any]]:
    """Return each word of a song with its time, evenly spread over it."""
    words = song.track.prompt.split()
    share_s = song.track.duration_s / max(1, len(words))
    times = [(round(number * share_s, 3), round((number + 1) * share_s, 3)) for number in range(len(words))]
    return [
        {"word": word, "success": True, "startS": begin_s, "endS": end_s, "palign": 0}
        for word, (begin_s, end_s) in zip(words, times, strict=True)
    ]
