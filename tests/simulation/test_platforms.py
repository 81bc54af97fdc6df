"""Platforms by name and by their rules: when callers are answered, handlers ended, and instances stopped."""

import asyncio
import os
import sqlite3
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness.engine.run import resolve, run
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.results.result import Result
from harness.scenario.catalogue import select
from harness.scenario.loader import read_scenario
from harness.scenario.model import Scenario
from harness.scenario.platform import PRESETS, AnswerLimit, BackgroundLimit, Platform, RestartAfter
from harness.scenario.platform_fields import PlatformKeys
from harness.strategies.registry import STRATEGIES
from harness.targets import load
from tests.invariants.stage import played
from tests.oracles.test_second_opinion import SECOND

Handler = Callable[[Request], Awaitable[Response]]
KEPT: list[object] = []


def _app(create: Handler, callback: Handler | None = None) -> Any:
    routes = [Route("/tracks", create, methods=["POST"])]
    if callback is not None:
        routes.append(Route("/callbacks/suno", callback, methods=["POST"]))
    return Starlette(routes=routes)


def slow() -> Any:
    """An application that answers after 150 s, and says in its log that it came so far."""

    async def create(request: Request) -> Response:
        await asyncio.sleep(150.0)
        print("came to the end")
        return JSONResponse({"id": "1"}, status_code=201)

    return _app(create)


def works_afterwards() -> Any:
    """An application that works after its answer, in a task of its own and in one that its framework waits for."""

    async def tick(name: str) -> None:
        for _ in range(40):
            await asyncio.sleep(10.0)
            print(f"{name} ticks")

    async def create(request: Request) -> Response:
        asyncio.get_running_loop().create_task(tick("own")).add_done_callback(lambda task: None)
        return JSONResponse({"id": "1"}, status_code=201, background=BackgroundTask(tick, "registered"))

    return _app(create)


def _run(make: Callable[[], Any], platform: Platform, tracks: int = 1, apart_s: float = 0.0) -> Result:
    scenario = Scenario("test/platform", "A platform.", tracks=tracks, apart_s=apart_s, platform=platform)
    return run(scenario, load(f"{__file__}:{make.__name__}"))


def _facts(result: Result, kind: str) -> list[tuple[float, Any]]:
    assert result.journal is not None
    return [(entry.at_s, entry.facts) for entry in result.journal.of(kind)]


def _said(result: Result, text: str) -> list[float]:
    return [at_s for at_s, facts in _facts(result, "log") if text in facts["text"]]


def test_a_handler_that_runs_on_ends_its_work_although_its_caller_has_the_platforms_answer() -> None:
    result = _run(slow, Platform(AnswerLimit(100.0, 524, (("server", "cloudflare"),), "524", float("inf"))))
    (answer,) = [facts for _, facts in _facts(result, "response")]
    assert (answer["status"], answer["latency_s"], answer["headers"]["server"]) == (524, 100.0, "cloudflare")
    assert _said(result, "came to the end") == [150.0]
    assert _facts(result, "invocation.ended") == []
    assert result.verdict("within-platform-limit").state == "violated"


def test_a_handler_that_runs_on_is_ended_later() -> None:
    result = _run(slow, Platform(AnswerLimit(29.0, handler_ends_s=120.0)))
    assert [at_s for at_s, _ in _facts(result, "invocation.ended")] == [120.0]
    assert _said(result, "came to the end") == []


@pytest.mark.parametrize(
    ("background", "own", "registered"),
    [
        (None, 40, 40),
        (BackgroundLimit(), 0, 0),
        (BackgroundLimit(35.0), 3, 3),
        (BackgroundLimit(35.0, "handler"), 3, 3),
        (BackgroundLimit(worker_s=55.0), 5, 5),
    ],
)
def test_work_after_the_answer_goes_on_as_long_as_the_platform_says(
    background: BackgroundLimit | None, own: int, registered: int
) -> None:
    result = _run(works_afterwards, Platform(background_limit=background))
    assert (len(_said(result, "own ticks")), len(_said(result, "registered ticks"))) == (own, registered)


def returns_at_once() -> Any:
    """An application whose handler is done with its answer, and whose task is not."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(10.0)
            print("own ticks")

    async def create(request: Request) -> Response:
        KEPT.append(asyncio.get_running_loop().create_task(tick()))
        return JSONResponse({"id": "1"}, status_code=201)

    return _app(create)


def test_work_that_nothing_waits_for_stops_with_its_handler() -> None:
    assert len(_said(_run(returns_at_once, Platform(background_limit=BackgroundLimit(35.0))), "ticks")) == 3
    assert _said(_run(returns_at_once, Platform(background_limit=BackgroundLimit(35.0, "handler"))), "ticks") == []


def counts() -> Any:
    """An application that remembers how many tracks were requested."""
    seen: list[str] = []

    async def create(request: Request) -> Response:
        seen.append("track")
        print(f"{len(seen)} remembered")
        return JSONResponse({"id": str(len(seen))}, status_code=201)

    return _app(create)


def test_an_application_sleeps_without_requests_and_the_next_one_waits_for_its_start() -> None:
    platform = Platform(sleeps_after_s=60.0, cold_start_s=20.0)
    awake, asleep = _run(counts, platform, tracks=2, apart_s=50.0), _run(counts, platform, tracks=2, apart_s=70.0)
    assert _said(awake, "2 remembered") == [50.0]
    assert _said(asleep, "1 remembered") == [0.0, 90.0]
    assert next(at_s for at_s, _ in _facts(asleep, "instance.killed")) == 60.0


def test_a_worker_takes_no_requests_in_the_second_half_of_its_life() -> None:
    platform = Platform(background_limit=BackgroundLimit(worker_s=100.0))
    result = _run(counts, platform, tracks=4, apart_s=40.0)  # at 0, 40, 80 and 120 s
    assert [len(_said(result, f"{number} remembered")) for number in (1, 2, 3)] == [2, 2, 0]
    assert [at_s for at_s, _ in _facts(result, "instance.killed")] == [100.0, 180.0]


def fails_twice() -> Any:
    """An application whose handler of callbacks fails for the first two times."""
    seen: list[str] = []

    async def create(request: Request) -> Response:
        body = {"prompt": "p", "customMode": False, "instrumental": False, "model": "V5"}
        async with httpx.AsyncClient(base_url=os.environ["SUNO_BASE_URL"]) as client:
            key = {"authorization": f"Bearer {os.environ['SUNO_API_KEY']}"}
            callback_url = {"callBackUrl": "http://app.test/callbacks/suno"}
            await client.post("/api/v1/generate", json=body | callback_url, headers=key)
        return JSONResponse({"id": "1"}, status_code=201)

    async def callback(request: Request) -> Response:
        seen.append((await request.body()).decode())
        print(f"{len(seen)} times, {len(set(seen))} bodies")
        return Response(status_code=500 if len(seen) < 3 else 200)

    return _app(create, callback)


def test_a_background_function_answers_at_once_and_runs_again_when_it_fails() -> None:
    suno = SunoScript(music=(Music(sends=("complete",)),), delivery=DeliveryRules(accepts="2xx"))
    platform = PRESETS["netlify-background"].platform
    scenario = Scenario("test/background", "A platform.", script=Script(suno), platform=platform)
    result = run(scenario, load(f"{__file__}:fails_twice"))
    assert [facts["status"] for _, facts in _facts(result, "response") if facts["status"] in (201, 202)] == [201, 202]
    assert [(facts["status"], facts["latency_s"]) for _, facts in _facts(result, "callback.answered")] == [(202, 0.0)]
    assert _said(result, "1 bodies") == [90.0, 150.0, 270.0]


@pytest.mark.parametrize(
    ("event", "delay_s", "at_s"),
    [
        ("music-ordered", 0.0, 0.0),
        ("first-callback", 1.0, 46.0),
        ("complete-callback", 0.0, 90.0),
        ("picture-ordered", 2.0, 92.0),
        ("image-callback", 0.0, 98.0),
    ],
)
def test_a_restart_comes_some_time_after_an_event(event: Any, delay_s: float, at_s: float) -> None:
    platform = Platform(restarts=(RestartAfter(event, delay_s),))
    result = run(Scenario("test/restart", "A restart.", platform=platform), resolve("acknowledge-first"))
    assert [killed_s for killed_s, _ in _facts(result, "instance.killed")] == [pytest.approx(at_s, abs=0.1)]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("takes_s", [8.0, 200.0])
def test_correct_applications_hold_what_can_be_held_on_every_platform(name: str, takes_s: float) -> None:
    script = Script(kie=KieScript(images=(Image(takes=Fixed(takes_s)),)))
    scenario = Scenario(f"test/{name}", "A platform.", script=script, platform=PRESETS[name].platform)
    cannot = {"callback-answered"} if name == "netlify-background" else set()
    for implementation in (resolve("acknowledge-first"), SECOND):
        result = run(scenario, implementation)
        assert set(result.violated) == cannot, (implementation.name, [v.reason for v in result.of("violated")])
        assert result.unknown == ()


def test_a_scenario_names_a_platform_and_may_change_a_rule_of_it(tmp_path: Path) -> None:
    def read(platform: str) -> Platform:
        path = tmp_path / "a.yaml"
        path.write_text(f"why: A platform.\nplatform: {platform}\n", "utf-8")
        return read_scenario(path).platform

    assert read("apigw-lambda") == PRESETS["apigw-lambda"].platform
    changed = read("{preset: apigw-lambda, background-limit: 5s, restarts: [1m, {after: image-callback, delay: 2s}]}")
    assert changed.answer_limit == PRESETS["apigw-lambda"].platform.answer_limit
    assert changed.background_limit == BackgroundLimit(5.0)
    assert changed.restarts == (60.0, RestartAfter("image-callback", 2.0))
    written = read(
        "{answer-limit: {after: 100s, status: 524, headers: {a: b}, body: x, handler-ends: never},"
        " background-limit: {worker: 400s}, sleeps-after: 15m, cold-start: 50s}"
    )
    limit = AnswerLimit(100.0, 524, (("a", "b"),), "x", float("inf"))
    assert written == Platform(limit, BackgroundLimit(worker_s=400.0), 900.0, 50.0)


def forgets() -> Any:
    """An application that knows in its memory alone which track a song is for."""
    db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
    db.execute("CREATE TABLE IF NOT EXISTS tracks (id TEXT PRIMARY KEY, title, status, audio_url, failure_reason)")
    tracks: dict[str, str] = {}

    async def create(request: Request) -> Response:
        title, track = (await request.json())["title"], str(uuid.uuid4())
        body = {"prompt": "p", "customMode": False, "instrumental": False, "model": "V5"}
        async with httpx.AsyncClient(base_url=os.environ["SUNO_BASE_URL"]) as client:
            key = {"authorization": f"Bearer {os.environ['SUNO_API_KEY']}"}
            callback_url = {"callBackUrl": "http://app.test/callbacks/suno"}
            ordered = await client.post("/api/v1/generate", json=body | callback_url, headers=key)
        tracks[ordered.json()["data"]["taskId"]] = track
        db.execute("INSERT INTO tracks VALUES (?, ?, 'pending', NULL, NULL)", (track, title))
        return JSONResponse({"id": track}, status_code=201)

    async def callback(request: Request) -> Response:
        data = (await request.json())["data"]
        if data["callbackType"] == "complete":
            done = (data["data"][0]["audio_url"], "no pictures here", tracks.get(data["task_id"]))
            db.execute("UPDATE tracks SET status = 'complete', audio_url = ?, failure_reason = ? WHERE id = ?", done)
        return Response(status_code=200)

    return _app(create, callback)


BROKEN = [
    ("vercel-hobby", "synchronous", "within-platform-limit"),
    ("supabase-edge-free", "synchronous", "settles"),
    ("cloudflare-proxied", "synchronous", "generates-once"),
    ("cloudflare-workers", "WorksAfterItsAnswer", "within-platform-limit"),
    ("apigw-lambda", "synchronous", "within-platform-limit"),
    ("netlify-background", "StartsOverOnARepetition", "idempotent"),
    ("asleep-when-the-song-is-done", "forgets", "settles"),
    ("restart-after-complete", "PollsJobs", "generates-once"),
    ("restart-while-ordering", "mapped-callback", "generates-once"),
]


@pytest.mark.parametrize(("name", "application", "invariant"), BROKEN)
def test_each_shipped_platform_shows_a_mistake_that_a_plain_server_hides(
    name: str, application: str, invariant: str
) -> None:
    def violated_in(scenario: Scenario) -> tuple[str, ...]:
        if application in STRATEGIES or application == "forgets":
            target = resolve(application) if application in STRATEGIES else load(f"{__file__}:{application}")
            return run(scenario, target).violated
        return played(application, scenario).violated

    (scenario,) = select([f"platform/{name}"])
    assert invariant in violated_in(scenario)
    assert invariant not in violated_in(select(["baseline/healthy"])[0])


def test_the_guide_has_every_platform_and_every_rule() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "platforms.md").read_text("utf-8")
    keys = {str(field.alias) for field in PlatformKeys.model_fields.values()}
    assert {name for name in (*PRESETS, *keys) if f"`{name}`" not in guide} == set()
