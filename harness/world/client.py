"""The user's part in a run: submits tracks to the implementation and reads them back."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from harness.fakes import sample_text
from harness.fakes.http_client import BadResponseError, ClientResponse, post
from harness.faults.exchange import App
from harness.trace.events import TrackAccepted, TrackRefused, TrackSubmitted
from harness.world.image_probe import get_json
from harness.world.journal_writer import JournalWriter
from harness.world.scope import CAUSE

USER_PATIENCE_S = 300.0
"""Seconds after which a user's unanswered request for a track counts as never answered."""
EXCERPT_CHARACTERS = 120
JSON = {"Content-Type": "application/json"}


Ask: TypeAlias = Callable[[dict[str, str]], Awaitable[tuple[str | None, str]]]
"""Requests a track with a title and a prompt; returns its id, or None and the reason why there is none."""


def asking(url: str) -> Ask:
    """Return the request that the shipped strategies expect: `POST /tracks` with title and prompt, answered with an
    id."""

    async def ask(requested: dict[str, str]) -> tuple[str | None, str]:
        try:
            async with asyncio.timeout(USER_PATIENCE_S):
                response = await post(f"{url}/tracks", json.dumps(requested).encode(), JSON)
        except TimeoutError:
            return None, f"POST /tracks got no answer within {USER_PATIENCE_S:g} s"
        except (OSError, BadResponseError) as error:
            return None, f"POST /tracks got no answer: {error}"
        return _track_id(response)

    return ask


async def submit_tracks(ask: Ask, ids: list[str | None], apart_s: float, seed: int, writer: JournalWriter) -> None:
    """Submit `len(ids)` tracks, `apart_s` seconds apart, and fill in the id of each."""

    async def submit(index: int, title: str) -> None:
        if index and apart_s:
            await asyncio.sleep(index * apart_s)
        prompt = sample_text.prompt(seed, index)
        CAUSE.set(writer.record(TrackSubmitted(track=index + 1, title=title, prompt=prompt), 0))
        ids[index], problem = await ask({"title": title, "prompt": prompt})
        if ids[index] is None:
            writer.record(TrackRefused(track=index + 1, problem=problem))
        else:
            writer.record(TrackAccepted(track=index + 1, id=ids[index]))

    titles = sample_text.titles(seed, len(ids))
    if len(ids) == 1:
        await submit(0, titles[0])
    else:
        await asyncio.gather(*(submit(index, title) for index, title in enumerate(titles)))


def _track_id(response: ClientResponse) -> tuple[str | None, str]:
    if response.status not in (200, 201, 202):
        return None, f"POST /tracks answered HTTP {response.status}, expected 201"
    excerpt = repr(response.body[:EXCERPT_CHARACTERS].decode(errors="replace"))
    try:
        body = json.loads(response.body)
    except ValueError:
        return None, f"POST /tracks answered {excerpt}, expected JSON"
    track_id = body.get("id") if isinstance(body, dict) else None
    if not isinstance(track_id, str | int) or track_id == "":
        return None, f'POST /tracks answered {excerpt}, expected a JSON object with an "id"'
    return str(track_id), ""


async def read_track(app: App, track_id: str) -> dict[str, Any] | None:
    """Return the response to `GET /tracks/{id}`, or None if it is not usable."""
    try:
        track = await get_json(app, f"/tracks/{track_id}")
    except Exception:
        return None  # the application's own error; the caller records that the track is unreadable
    return track if isinstance(track, dict) else None
