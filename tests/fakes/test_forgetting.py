"""Fakes that are served without an end forget the oldest tasks that are over, as real providers do after days."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from harness.fakes import gateway, media
from harness.fakes.account import API_KEY
from harness.fakes.latency import Fixed
from harness.fakes.script import Image, Music, Script
from tests.fakes.stage import JOB_REQUEST, MUSIC_REQUEST

pytestmark = pytest.mark.asyncio

AT_ONCE, NEVER = Fixed(0.0), Fixed(float("inf"))
SUNO = ("/api/v1/generate", MUSIC_REQUEST, "/api/v1/generate/record-info")
KIE = ("/api/v1/jobs/createTask", JOB_REQUEST, "/api/v1/jobs/recordInfo")


def script(takes: Fixed) -> Script:
    """Return a script of tasks that take so long, without callbacks."""
    plain = Script()
    suno = replace(plain.suno, music=(Music(takes=takes, callbacks="never"),))
    return Script(suno=suno, kie=replace(plain.kie, images=(Image(takes=takes),)))


@pytest.mark.parametrize("takes", [AT_ONCE, NEVER])
@pytest.mark.parametrize(("create", "body", "query"), [SUNO, KIE])
async def test_a_record_is_there_until_enough_later_tasks_are_over(
    takes: Fixed, create: str, body: Any, query: str
) -> None:
    host = media.create_app(Script().media, base_url="http://media.test")
    app = gateway.create_app(script(takes), publish=host.publish, tasks_kept=3)
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://api.test", headers=headers
    ) as client:
        tasks = [(await client.post(create, json=body)).json()["data"]["taskId"] for _ in range(5)]
        while app.busy:
            await asyncio.sleep(0)
        found = [(await client.get(query, params={"taskId": task})).json()["data"] for task in tasks]
    await app.close()
    assert [record is not None for record in found] == [False, False, True, True, True]
