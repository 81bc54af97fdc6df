"""A stage for the fakes' tests: both providers, a media host, a receiver of callbacks, and a record of all events."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.fakes import gateway, media
from harness.fakes.account import API_KEY
from harness.fakes.http_client import ClientResponse, Post
from harness.fakes.script import Script

PATIENCE_S = 2.0
CALLBACK_URL = "http://app.test/callback"
IMAGE_CALLBACK_URL = "http://app.test/image-callback"
MUSIC_REQUEST = {
    "customMode": True,
    "instrumental": False,
    "model": "V5",
    "callBackUrl": CALLBACK_URL,
    "prompt": "quiet rivers",
    "style": "folk",
    "title": "Quiet Rivers",
}
PICTURE_REQUEST = {
    "model": "bytedance/seedream-v4-text-to-image",
    "prompt": "a quiet river",
    "resolution": "2048x1152",
    "aspect_ratio": "16:9",
    "quality": "high",
    "steps": 30,
    "cfg_scale": 8,
}
JOB_REQUEST = {
    "model": "bytedance/seedream-v4-text-to-image",
    "input": {"prompt": "a quiet river", "image_size": "landscape_16_9", "image_resolution": "2K"},
}


class Notes:
    """An observer that stores the events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Event()

    def __call__(self, kind: str, /, **facts: Any) -> int:
        assert json.loads(json.dumps(facts)) is not None, "facts are JSON"
        self.events.append((kind, facts))
        self._news.set()
        return len(self.events)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the facts of all events of a kind."""
        return [facts for seen, facts in self.events if seen == kind]

    async def wait_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until there are `count` events of a kind, and return them."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(kind)


@dataclass(frozen=True, slots=True)
class Received:
    """One request that the receiver got."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at_s: float
    content: bytes


class Receiver:
    """The application under test: sends its responses in order, the last one repeatedly."""

    def __init__(self, statuses: Sequence[int] = (200,), delays_s: Sequence[float] = (0.0,)) -> None:
        self.received: list[Received] = []
        self._statuses = statuses
        self._delays_s = delays_s
        self._news = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        index = len(self.received)
        content = await request.body()
        now_s = asyncio.get_running_loop().time()
        received = Received(request.url.path, dict(request.headers), json.loads(content), now_s, content)
        self.received.append(received)
        self._news.set()
        await asyncio.sleep(self._delays_s[min(index, len(self._delays_s) - 1)])
        status = self._statuses[min(index, len(self._statuses) - 1)]
        await Response(status_code=status, headers={"Location": "/callback"})(scope, receive, send)

    async def wait_for(self, count: int) -> list[Received]:
        """Wait until `count` requests have come, and return them."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.received) < count:
                self._news.clear()
                await self._news.wait()
        return self.received


def posting(client: httpx.AsyncClient) -> Post:
    """Return a `Post` that delivers callbacks to an app in this process instead of to a socket."""

    async def deliver(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
        response = await client.post(url, content=content, headers=headers)
        return ClientResponse(response.status_code, response.content)

    return deliver


class Stage:
    """Everything that a test needs; `async with Stage(script) as stage`."""

    def __init__(
        self,
        script: Script | None = None,
        receiver: Receiver | None = None,
        signing_key: str | None = None,
        seed: int = 0,
    ) -> None:
        script = script or Script()
        self.notes = Notes()
        self.receiver = receiver or Receiver()
        self.media = media.create_app(script.media, base_url="http://media.test", seed=seed, observe=self.notes)
        self.callbacks = httpx.AsyncClient(transport=httpx.ASGITransport(self.receiver))
        self.post = posting(self.callbacks)
        self.app = gateway.create_app(
            script,
            publish=self.media.publish,
            lend=self.media.lend,
            seed=seed,
            signing_key=signing_key,
            observe=self.notes,
            post=self.post,
            files=self.media,
        )
        self.api = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://api.test",
            headers={"Authorization": f"Bearer {API_KEY}"},
        )
        self.files = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.media.app), headers={"User-Agent": "Mozilla/5.0"}
        )

    async def __aenter__(self) -> "Stage":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.app.close()
        for client in (self.api, self.files, self.callbacks):
            await client.aclose()

    def client_of(self, app: ASGIApp) -> httpx.AsyncClient:
        """Return a client with the usual key for another app than the stage's own."""
        key = {"Authorization": f"Bearer {API_KEY}"}
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test", headers=key)

    async def ask(self, path: str, body: dict[str, Any]) -> Any:
        """POST a request and return the response's JSON, which must come with HTTP 200."""
        answer = await self.api.post(path, json=body)
        assert answer.status_code == 200
        return answer.json()

    async def make_music(self, **changes: Any) -> str:
        """Create a music task and return its id."""
        answer = await self.ask("/api/v1/generate", {**MUSIC_REQUEST, **changes})
        task_id: str = answer["data"]["taskId"]
        return task_id

    async def music_record(self, task_id: str) -> Any:
        """Return record-info's whole response."""
        return (await self.api.get("/api/v1/generate/record-info", params={"taskId": task_id})).json()

    async def make_job(self, **changes: Any) -> str:
        """Create a picture job and return its id."""
        answer = await self.ask("/api/v1/jobs/createTask", {**JOB_REQUEST, **changes})
        task_id: str = answer["data"]["taskId"]
        return task_id

    async def job_record(self, task_id: str) -> Any:
        """Return recordInfo's whole response."""
        return (await self.api.get("/api/v1/jobs/recordInfo", params={"taskId": task_id})).json()
