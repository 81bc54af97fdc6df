"""Each fake on an ordinary ASGI server: real sockets, the default script, files under /media."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from harness.fakes.account import API_KEY
from tests.fakes.stage import JOB_REQUEST, MUSIC_REQUEST

pytestmark = pytest.mark.asyncio

KEY = {"Authorization": f"Bearer {API_KEY}"}


@asynccontextmanager
async def served(factory: str) -> AsyncIterator[httpx.AsyncClient]:
    """Serve like `uvicorn --factory <factory> --port 0`, and yield a client."""
    server = uvicorn.Server(uvicorn.Config(factory, factory=True, port=0, log_config=None, ws="none"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(5):
        while not server.started:
            await asyncio.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", headers=KEY, trust_env=False) as client:
        yield client
    server.should_exit = True
    await serving


async def test_suno_serves_music_tasks() -> None:
    async with served("harness.fakes.suno:standalone") as client:
        body = {**MUSIC_REQUEST, "callBackUrl": f"{client.base_url}/callback"}
        task_id = (await client.post("/api/v1/generate", json=body)).json()["data"]["taskId"]
        record = (await client.get("/api/v1/generate/record-info", params={"taskId": task_id})).json()

    assert record["data"]["status"] == "PENDING"


async def test_kie_serves_picture_tasks() -> None:
    async with served("harness.fakes.kie:standalone") as client:
        task_id = (await client.post("/api/v1/jobs/createTask", json=JOB_REQUEST)).json()["data"]["taskId"]
        record = (await client.get("/api/v1/jobs/recordInfo", params={"taskId": task_id})).json()

    assert record["data"]["state"] == "waiting"


async def test_the_gateway_serves_both_from_one_account() -> None:
    async with served("harness.fakes.gateway:standalone") as client:
        body = {**MUSIC_REQUEST, "callBackUrl": f"{client.base_url}/callback"}
        await client.post("/api/v1/generate", json=body)
        await client.post("/api/v1/jobs/createTask", json=JOB_REQUEST)
        balance = (await client.get("/api/v1/chat/credit")).json()["data"]
        missing = await client.get("/media/p/nothing.png")

    assert balance == 1_000 - 12 - 5
    assert missing.status_code == 404


async def test_the_media_host_links_two_files_that_can_be_fetched() -> None:
    async with served("harness.fakes.media:standalone") as client:
        urls = (await client.get("/")).text.split()
        answers = [await client.get(url) for url in urls]

    assert all(url.startswith(f"{client.base_url}/media/") for url in urls)
    assert [answer.headers["content-type"] for answer in answers] == ["image/png", "audio/mpeg"]
