"""The user's part in a run: submits tracks to the implementation and reads them back."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from harness.config.app_config import REQUEST, Start, at_path, filled_body
from harness.fakes import sample_text
from harness.fakes.http_client import BadResponseError, Post, post
from harness.faults.exchange import App
from harness.json_text import parse_json
from harness.trace.events import TrackAccepted, TrackRefused, TrackSubmitted
from harness.world.journal_writer import JournalWriter
from harness.world.probe import get_json
from harness.world.scope import CAUSE

USER_PATIENCE_S = 300.0
"""Seconds after which a user's unanswered request for a track counts as never answered."""
EXCERPT_CHARACTERS = 120
START = Start()
"""The request that the shipped strategies expect."""

Ask: TypeAlias = Callable[[dict[str, str]], Awaitable[tuple[str | None, str]]]
"""Requests a track with a title and a prompt; returns its id, or None and the reason why there is none."""


def asking(url: str, start: Start = START, post: Post = post) -> Ask:
    """Return what requests a track from the application at `url`, as `start` says."""
    matched = REQUEST.fullmatch(start.request)
    assert matched is not None
    address, headers = url + matched[2], {"Content-Type": "application/json", **start.headers}

    async def ask(requested: dict[str, str]) -> tuple[str | None, str]:
        content = json.dumps(filled_body(start.body, requested)).encode()
        try:
            async with asyncio.timeout(USER_PATIENCE_S):
                response = await post(address, content, headers)
        except TimeoutError:
            return None, f"{start.request} got no answer within {USER_PATIENCE_S:g} s"
        except (OSError, BadResponseError) as error:
            return None, f"{start.request} got no answer: {error}"
        if response.status not in (200, 201, 202):
            return None, f"{start.request} answered HTTP {response.status}, expected 201"
        try:
            found = at_path(parse_json(response.body), start.id)
        except ValueError:
            found = None
        if isinstance(found, str | int) and found != "":
            return str(found), ""
        excerpt = repr(response.body[:EXCERPT_CHARACTERS].decode(errors="replace"))
        return None, f'{start.request} answered {excerpt}, expected JSON with the track\'s id at "{start.id}"'

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


async def read_track(app: App, track_id: str) -> dict[str, Any] | None:
    """Return the response to `GET /tracks/{id}`, or None if it is not usable."""
    try:
        answer = await get_json(app, f"/tracks/{track_id}")
    except Exception:
        return None  # the application's own error; the caller records that the track is unreadable
    return answer if isinstance(answer, dict) else None
