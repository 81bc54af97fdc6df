"""The wire: what is asked of the providers and of the file hosts, and what their answers mean.

accepted     the provider has it, and this is its task id
refused      it has not, and said so: nothing was paid
lost         nobody knows: the answer was no answer
"""

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

API_PATIENCE_S = 120.0
FILE_PATIENCE_S = 240.0
STEP_PATIENCE_S = 60.0
CREATIONS_MAX, CREATIONS_WINDOW_S = 20, 10.0
HOPS_MAX = 5
FILE_BYTES_MAX = 40_000_000
FILE_HOSTS = ("aiquickdraw.com", "kie.ai", "suno.ai")
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"}
HARD_CODES = frozenset({400, 401, 402, 404, 405, 413, 422, 451, 505})
"""Asking again for the same will not help; the rest may pass."""
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
MODELS = ("bytedance/seedream-v4-text-to-image", "seedream/4.5-text-to-image")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said to a request."""

    kind: str
    data: Any = None
    why: str = ""
    hard: bool = False
    wait_s: float | None = None


class ConnectHook:
    """Keeps creations below the provider's rate, and away from it when it asked to be left alone."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque(maxlen=CREATIONS_MAX)
        self._closed_until_s = 0.0

    def close_for(self, wait_s: float, now_s: float) -> None:
        self._closed_until_s = max(self._closed_until_s, now_s + wait_s)

    def opens_at(self, now_s: float) -> float:
        """When one more creation is allowed; takes the place if that is now."""
        free_s = self._taken[0] + CREATIONS_WINDOW_S + 0.1 if len(self._taken) == CREATIONS_MAX else 0.0
        at_s = max(free_s, self._closed_until_s)
        if at_s <= now_s:
            self._taken.append(now_s)
        return at_s


class Wire:
    """All outgoing requests."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.public = os.environ["PUBLIC_URL"].rstrip("/")
        self._suno = os.environ["SUNO_BASE_URL"], os.environ["SUNO_API_KEY"]
        self._kie = os.environ["KIE_BASE_URL"], os.environ["KIE_API_KEY"]
        self.music_gate, self.picture_gate = ConnectHook(), ConnectHook()

    async def ask_music(self, track: str, slot: int, title: str, prompt: str) -> Answer:
        body = {
            "customMode": True,
            "instrumental": True,
            "model": "V4_5",
            "style": "ambient",
            "title": title[:80],
            "prompt": prompt[:3000],
            "callBackUrl": f"{self.public}/callbacks/music/{track}/{slot}",
        }
        return await self._create(self._suno, "/api/v1/generate", body, self.music_gate)

    async def order_picture(self, track: str, slot: int, title: str, prompt: str, other_model: bool) -> Answer:
        size = {"aspect_ratio": "16:9", "quality": "basic"}
        if not other_model:
            size = {"image_size": "landscape_16_9", "image_resolution": "2K"}
        body = {
            "model": MODELS[other_model],
            "input": {"prompt": f"Cover for the song {title}: {prompt}"[:4000], **size},
            "callBackUrl": f"{self.public}/callbacks/picture/{track}/{slot}",
        }
        return await self._create(self._kie, "/api/v1/jobs/createTask", body, self.picture_gate)

    async def music_record(self, task: str) -> Answer:
        return await self._record(self._suno, f"/api/v1/generate/record-info?taskId={task}")

    async def picture_record(self, task: str) -> Answer:
        return await self._record(self._kie, f"/api/v1/jobs/recordInfo?taskId={task}")

    async def _create(
        self, account: tuple[str, str], path: str, body: dict[str, Any], connect_hook: ConnectHook
    ) -> Answer:
        answer = await self._exchange("POST", account, path, body)
        if answer.kind == "refused" and answer.wait_s is not None:
            connect_hook.close_for(answer.wait_s, time.time())
        if answer.kind != "said":
            return answer
        task = field(answer.data, "taskId")
        return Answer("accepted", str(task)) if task else Answer("lost", why="the answer names no task")

    async def _record(self, account: tuple[str, str], path: str) -> Answer:
        return await self._exchange("GET", account, path, None)

    async def _exchange(self, method: str, account: tuple[str, str], path: str, body: Any) -> Answer:
        base, key = account
        headers = {"authorization": f"Bearer {key}"}
        try:
            async with asyncio.timeout(API_PATIENCE_S):
                reply = await self.client.request(method, base.rstrip("/") + path, json=body, headers=headers)
        except UNSENT as error:
            return Answer("refused", why=f"nobody answers there ({type(error).__name__})")
        except (httpx.HTTPError, TimeoutError) as error:
            return Answer("lost", why=f"the answer was lost ({type(error).__name__})")
        return _understood(reply)

    async def file(self, url: str, patience_s: float = FILE_PATIENCE_S) -> bytes | None:
        """A file's bytes, or None. Goes nowhere but to the providers' own hosts, redirects included."""
        try:
            async with asyncio.timeout(patience_s):
                for _ in range(HOPS_MAX):
                    if not is_ours_to_fetch(url):
                        return None
                    reply = await self.client.get(url, headers=BROWSER)
                    if not reply.has_redirect_location:
                        good = reply.status_code == 200 and len(reply.content) <= FILE_BYTES_MAX
                        return reply.content or None if good else None
                    url = urljoin(url, reply.headers["location"])
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return None
        return None


def _understood(reply: httpx.Response) -> Answer:
    wait = reply.headers.get("retry-after", "")
    wait_s = float(wait) if wait.isdecimal() else None
    try:
        said = json.loads(reply.content)
    except ValueError:
        said = None
    code = said.get("code") if isinstance(said, dict) else None
    if reply.status_code != 200 or (isinstance(code, int) and code != 200):
        code = reply.status_code if reply.status_code != 200 else code
        text = said.get("msg") if isinstance(said, dict) else None
        return Answer("refused", None, f"{code}: {text or 'no reason given'}", code in HARD_CODES, wait_s)
    if not isinstance(said, dict):
        return Answer("lost", why="the answer is not JSON")
    return Answer("said", said.get("data"))


def is_ours_to_fetch(url: Any) -> bool:
    """Whether a URL points to a host that the providers keep their files on."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        return False
    host = parts.hostname if parts is not None and parts.scheme in ("http", "https") else None
    return bool(host) and any(host == known or str(host).endswith(f".{known}") for known in FILE_HOSTS)


def field(message: Any, name: str) -> Any:
    """A field of an object, in snake_case or camelCase, also when the object was wrapped once more."""
    plain = name.lower()
    while isinstance(message, dict):
        for key, value in message.items():
            if key.replace("_", "").lower() == plain:
                return value
        message = message.get("data")
    return None


def addresses(message: Any) -> Iterator[str]:
    """Every address of a file that a result holds, wherever it stands in it."""
    if isinstance(message, str):
        if is_ours_to_fetch(message):
            yield message
        elif message.startswith("{"):
            try:
                yield from addresses(json.loads(message))
            except ValueError:
                return
    elif isinstance(message, dict):
        for key, value in message.items():
            if key != "param":
                yield from addresses(value)
    elif isinstance(message, list):
        for value in message:
            yield from addresses(value)


@dataclass(frozen=True, slots=True)
class Song:
    """What a music record says: nothing yet (both None), the audio, or why there is none."""

    audio: str | None = None
    cover: str | None = None
    failed: str | None = None


def song_in(data: Any) -> Song:
    """Read a music record's `data`."""
    status = str(field(data, "status") or "")
    response = field(data, "response")
    items = field(response, "sunoData") if isinstance(response, dict) else None
    items = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    finished = [item for item in items if field(item, "audioUrl")]
    if status not in ("PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS") and finished:
        return Song(field(finished[0], "audioUrl"), field(finished[0], "imageUrl"))
    if "FAILED" in status or "ERROR" in status:
        return Song(failed=f"the music failed: {field(data, 'errorMessage') or status}")
    return Song()


def song_told(body: Any) -> Song:
    """Read a music callback's body; for when the record cannot be had."""
    items = field(body.get("data"), "data") if isinstance(body, dict) else None
    items = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    finished = [item for item in items if is_ours_to_fetch(field(item, "audioUrl"))]
    return Song(field(finished[0], "audioUrl"), field(finished[0], "imageUrl")) if finished else Song()
