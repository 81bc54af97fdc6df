"""A rehearsal: the requests of a recording are sent to the fakes, in virtual time, and what they answer is kept.

Each task that a recording creates is created at the fakes with the same request, and followed to its end: its records
at every stage, and its callbacks. Ids of the recording are translated on the way, so that a later request finds its
task. Nothing is sent anywhere else.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import httpx
from time_machine import travel

from harness.conform.recordings import Exchange
from harness.fakes import gateway, media
from harness.fakes.account import API_KEY, Endpoint
from harness.fakes.documented import documented_words
from harness.fakes.http_client import ClientResponse
from harness.fakes.paths import GENERATE_MUSIC
from harness.fakes.registry import SUNO
from harness.fakes.script import Extra, Extras, Failure, Image, KieScript, Music, Script, SunoScript
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.network import Network

POLLED_S = (*(quarter / 4 for quarter in range(48)), *map(float, range(12, 130, 2)))
"""When a task's record is read, in seconds after its creation; a song takes 90 s, a picture 8."""
ENOUGH = 10**9
UNAUTHORISED = 401
MOMENT_S = 1_777_539_190.339
"""When everything happens: a moment whose milliseconds show which times are in full seconds."""
SONG = "(a song)"
"""In place of an id of a recording."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response of a fake, or the body of a callback."""

    status: int
    content_type: str | None
    body: Any


def usual(host: str) -> Script:
    """Return the script of healthy providers of one account without limits, in the dialect of a host."""
    suno = SunoScript(
        dialect="sunoapi.org" if host in SUNO.hosts else "kie",
        credits=ENOUGH,
        creations_per_10_s=ENOUGH,
        queries_per_s=ENOUGH,
    )
    return Script(suno=suno, kie=KieScript(credits=ENOUGH, creations_per_10_s=ENOUGH))


def failing(host: str, failure: Failure) -> Script:
    """Return the script of the same providers whose songs and pictures fail."""
    script = usual(host)
    suno = replace(script.suno, music=(Music(fails=failure),))
    return replace(script, suno=suno, kie=replace(script.kie, images=(Image(fails=failure),)))


def failing_extras(host: str, failure: Failure) -> Script:
    """Return the script of the same providers where what is ordered beside songs fails."""
    script, fails = usual(host), Extra(fails=failure)
    extras = Extras(cover=fails, lyrics=fails, wav=fails, vocal_removal=fails, mp4=fails, midi=fails)
    return replace(script, suno=replace(script.suno, extras=extras))


class Rehearsal:
    """The fakes with one script, and what they have answered to a recording."""

    def __init__(self, host: str, script: Script) -> None:
        self._loop = SimulatedLoop(Network())
        files = media.create_app(script.media, base_url="http://files.test")
        self._app = gateway.create_app(script, publish=files.publish, lend=files.lend, post=self._receive)
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app), base_url=f"https://{host}", timeout=None
        )
        self._ids: dict[str, str] = {}
        self.records: dict[str, list[Reply]] = {}
        """The records of a task by its id in the recording, from its creation to its end."""
        self.callbacks: defaultdict[str, list[Reply]] = defaultdict(list)
        """The callbacks of a task, by its id at the fakes."""

    def close(self) -> None:
        """End everything in progress."""
        self._loop.run_until_complete(self._app.close())
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()

    def knows(self, path: str) -> bool:
        """Return whether the fakes have an endpoint at this path."""
        return any(path == known for _, known in self._endpoints())

    def shown(self, path: str) -> str:
        """Return a path without any part that no documented path has, which could be a name or an id."""
        words = documented_words()
        return "/".join(part if part in words or not part else "…" for part in path.split("/"))

    def _endpoints(self) -> list[Endpoint]:
        return [*self._app.suno.state.fake.endpoints(), *self._app.kie.state.fake.endpoints()]

    def create(self, path: str, request: Mapping[str, Any], recorded_id: str) -> None:
        """Create a task and follow it to its end, in place of one of the recording."""
        answer = {"data": {"taskId": recorded_id}}
        self.answer(Exchange(0, "POST", "", path, (), request, 200, None, answer))

    def learn(self, recorded: Any, sent: Any) -> None:
        """Take ids in a recorded message for those at the same places of one of the fakes, from now on."""
        if isinstance(recorded, dict) and isinstance(sent, dict):
            for key in recorded.keys() & sent.keys():
                if key == "id" and isinstance(recorded[key], str):
                    self._ids[recorded[key]] = sent[key]
                self.learn(recorded[key], sent[key])
        elif isinstance(recorded, list) and isinstance(sent, list):
            for one, other in zip(recorded, sent, strict=False):
                self.learn(one, other)

    def song(self, request: Mapping[str, Any]) -> tuple[str, str]:
        """Return the ids of a finished task of music and of its first song, which is made at the first call."""
        if SONG not in self.records:
            self.create(GENERATE_MUSIC, request, SONG)
        (*_, record) = self.records[SONG]
        return self._ids[SONG], record.body["data"]["response"]["sunoData"][0]["id"]

    def callbacks_of(self, recorded_id: str) -> list[Reply]:
        """Return the callbacks of a task by its id in the recording."""
        return self.callbacks[self._ids.get(recorded_id, recorded_id)]

    def answer(self, exchange: Exchange) -> Reply:
        """Send a recorded request to the fakes; a task that both created is followed to its end."""
        with travel(MOMENT_S, tick=False):
            return self._loop.run_until_complete(self._answer(exchange))

    async def _answer(self, exchange: Exchange) -> Reply:
        refused = _code(exchange.received) == UNAUTHORISED
        query = {key: self._ids.get(value, value) for key, value in exchange.query}
        sent = None if exchange.sent is None else self._translated(exchange.sent)
        reply = await self._ask(exchange.method, exchange.path, query, sent, "another" if refused else API_KEY)
        created, recorded_id = task_id_of(reply.body), task_id_of(exchange.received)
        if created is not None and recorded_id is not None and exchange.method == "POST":
            self._ids[recorded_id] = created
            self.records[recorded_id] = await self._followed(created)
        return reply

    async def _ask(self, method: str, path: str, query: Mapping[str, str], sent: Any, key: str = API_KEY) -> Reply:
        response = await self._client.request(
            method, path, params=dict(query), json=sent, headers={"Authorization": f"Bearer {key}"}
        )
        body: Any = None
        with suppress(ValueError):
            body = response.json()
        return Reply(response.status_code, response.headers.get("content-type"), body)

    def _translated(self, body: Any) -> Any:
        """Return a body with the fakes' ids in place of the recording's."""
        if isinstance(body, dict):
            return {key: self._translated(value) for key, value in body.items()}
        if isinstance(body, list):
            return [self._translated(item) for item in body]
        return self._ids.get(body, body) if isinstance(body, str) else body

    async def _followed(self, task_id: str) -> list[Reply]:
        """Return the records of a new task until its end, each stage once."""
        began_s, found, seen = self._loop.time(), [], set()
        path = await self._record_path(task_id)
        for after_s in POLLED_S if path is not None else ():
            await asyncio.sleep(max(0.0, began_s + after_s - self._loop.time()))
            reply = await self._ask("GET", path or "", {"taskId": task_id}, None)
            stage = json.dumps(reply.body, sort_keys=True)
            if stage not in seen:
                seen.add(stage)
                found.append(reply)
        return found

    async def _record_path(self, task_id: str) -> str | None:
        for method, path in dict.fromkeys(self._endpoints()):
            if method == "GET" and path.lower().replace("-", "").endswith("recordinfo"):
                reply = await self._ask("GET", path, {"taskId": task_id}, None)
                if task_id_of(reply.body) == task_id:
                    return path
        return None

    async def _receive(self, url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
        """Take a callback in place of the application."""
        body = json.loads(content)
        content_type = {name.lower(): value for name, value in headers.items()}.get("content-type")
        self.callbacks[task_id_of(body) or ""].append(Reply(200, content_type, body))
        return ClientResponse(200, b"")


def task_id_of(body: Any) -> str | None:
    """Return the task id in a response or a callback."""
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        return None
    found = data.get("taskId") or data.get("task_id")
    return found if isinstance(found, str) else None


def _code(body: Any) -> Any:
    return body.get("code") if isinstance(body, dict) else None
