"""Concurrent instances of the application: requests in turn, one database, no shared memory, restarts of all."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from harness.engine.run import run
from harness.scenario.model import Scenario
from harness.scenario.platform import AnswerLimit, BackgroundLimit, Platform
from harness.targets import load
from harness.trace.events import (
    InstanceFrozen,
    InstanceKilled,
    InstanceStarted,
    InstanceThawed,
    InvocationEnded,
    Response,
    StoreWrite,
)
from harness.trace.journal import Journal

POSTED = "/tracks"


def _counting() -> Any:
    """An application that counts the requested tracks in its memory and in its database."""
    seen = []
    db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
    db.execute("CREATE TABLE IF NOT EXISTS tracks (id TEXT PRIMARY KEY, status TEXT, failure_reason TEXT)")

    async def create(request: Request) -> JSONResponse:
        seen.append(await request.json())
        (stored,) = db.execute("SELECT count(*) FROM tracks").fetchone()
        told = f"{len(seen)} remembered, {stored} stored"
        db.execute("INSERT INTO tracks VALUES (?, 'failed', ?)", (str(stored), told))
        return JSONResponse({"id": str(stored)}, status_code=201)

    return Starlette(routes=[Route(POSTED, create, methods=["POST"])])


def _told(platform: Platform, tracks: int = 4, apart_s: float = 10.0) -> tuple[list[str], Journal]:
    scenario = Scenario("test/instances", "Tracks.", tracks=tracks, apart_s=apart_s, platform=platform)
    journal = run(scenario, load(f"{__file__}:_counting")).journal
    assert journal is not None
    writes = [entry.facts["after"] for entry in journal.of(StoreWrite)]
    return [row["failure_reason"] for row in writes], journal


def test_one_instance_keeps_its_memory() -> None:
    told, _ = _told(Platform())
    assert told == [f"{n + 1} remembered, {n} stored" for n in range(4)]


def test_two_instances_take_turns_and_share_only_the_database() -> None:
    told, journal = _told(Platform(instances=2))
    assert told == [
        "1 remembered, 0 stored",
        "1 remembered, 1 stored",
        "2 remembered, 2 stored",
        "2 remembered, 3 stored",
    ]
    assert [entry.facts["instance"] for entry in journal.of(InstanceStarted)] == [1, 2]


def test_a_limit_or_freezing_applies_to_each_instance() -> None:
    told, journal = _told(Platform(AnswerLimit(10.0), instances=2, background_limit=BackgroundLimit()))
    assert told[3] == "2 remembered, 3 stored"
    assert [entry.facts["instance"] for entry in journal.of(InstanceFrozen)] == [1, 2, 1, 2]
    assert [entry.facts["instance"] for entry in journal.of(InstanceThawed)] == [1, 2]


def test_a_restart_replaces_all_instances_and_keeps_the_database() -> None:
    told, journal = _told(Platform(instances=2, restarts=(15.0,)))
    assert told[2:] == ["1 remembered, 2 stored", "1 remembered, 3 stored"]
    assert [entry.facts["instance"] for entry in journal.of(InstanceKilled)] == [1, 2]
    assert [entry.facts["instance"] for entry in journal.of(InstanceStarted)] == [1, 2, 3, 4]


def _slow() -> Any:
    """An application that takes half a minute to respond."""

    async def create(request: Request) -> JSONResponse:
        await asyncio.sleep(30.0)
        return JSONResponse({"id": "1"}, status_code=201)

    return Starlette(routes=[Route(POSTED, create, methods=["POST"])])


@pytest.mark.parametrize(("limit_s", "restarts_s", "ended"), [(60.0, (5.0,), 0), (60.0, (), 0), (20.0, (), 1)])
def test_a_handler_ended_by_a_restart_is_not_ended_again_by_the_limit(
    limit_s: float, restarts_s: tuple[float, ...], ended: int
) -> None:
    platform = Platform(answer_limit=AnswerLimit(limit_s), restarts=restarts_s)
    result = run(Scenario("test/limit", "A limit.", platform=platform), load(f"{__file__}:_slow"))
    assert result.journal is not None
    assert len(result.journal.of(InvocationEnded)) == ended
    assert ("within-platform-limit" in result.violated) == bool(ended)


STARTUP_S = 4.0


def _slow_to_start() -> Any:
    """An application that accepts tracks, and can serve what follows only after a startup of some seconds."""
    started = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await asyncio.sleep(STARTUP_S)
        started.append(True)
        yield

    async def create(request: Request) -> JSONResponse:
        return JSONResponse({"id": str(started[0])}, status_code=201)

    return Starlette(routes=[Route(POSTED, create, methods=["POST"])], lifespan=lifespan)


@pytest.mark.parametrize(("after_s", "waits_s"), [(0.0, STARTUP_S), (1.0, 3.0), (STARTUP_S, 0.0), (9.0, 0.0)])
def test_a_request_waits_until_a_restarted_instance_has_started_up(after_s: float, waits_s: float) -> None:
    platform = Platform(restarts=(10.0,))
    apart_s = 10.0 - STARTUP_S + after_s  # the first track is requested when the application has started up
    scenario = Scenario("test/startup", "A startup.", tracks=2, apart_s=apart_s, platform=platform)
    journal = run(scenario, load(f"{__file__}:_slow_to_start")).journal
    assert journal is not None
    answers = [(entry.event.status, entry.event.latency_s) for entry in journal.of(Response)]
    assert answers == [(201, 0.0), (201, waits_s)]
