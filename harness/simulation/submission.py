"""The user's part in a run: asks the implementation for tracks, and reads what it says of them."""

import asyncio
import json
from typing import Any

import httpx

from fakes import words
from harness.faults.exchange import App
from harness.simulation.notebook import Notebook
from harness.simulation.probe import get_json
from harness.simulation.serving import client_context

PATIENCE_S = 300.0
"""How long a user's request for a track may take before it counts as never answered."""
EXCERPT_CHARACTERS = 120


async def submit_tracks(url: str, count: int, apart_s: float, seed: int, notebook: Notebook) -> list[str | None]:
    """Asks for `count` tracks, `apart_s` seconds after each other; the id of each, or None where none was given."""
    ids: list[str | None] = [None] * count
    timeout = httpx.Timeout(PATIENCE_S)
    async with httpx.AsyncClient(verify=client_context(), trust_env=False, timeout=timeout) as client:

        async def submit(index: int, title: str) -> None:
            if index and apart_s:
                await asyncio.sleep(index * apart_s)
            prompt = words.prompt(seed, index)
            notebook.note("track.submitted", 0, track=index + 1, title=title, prompt=prompt)
            try:
                response = await client.post(f"{url}/tracks", json={"title": title, "prompt": prompt})
            except httpx.HTTPError as error:
                problem = f"POST /tracks got no answer: {type(error).__name__}"
            else:
                track_id, problem = _track_id(response)
                if track_id is not None:
                    ids[index] = track_id
                    notebook.note("track.accepted", track=index + 1, id=track_id)
                    return
            notebook.note("track.refused", track=index + 1, problem=problem)

        titles = words.titles(seed, count)
        if count == 1:
            await submit(0, titles[0])
        else:
            await asyncio.gather(*(submit(index, title) for index, title in enumerate(titles)))
    return ids


def _track_id(response: httpx.Response) -> tuple[str | None, str]:
    if response.status_code not in (200, 201, 202):
        return None, f"POST /tracks answered HTTP {response.status_code}, expected 201"
    try:
        body = json.loads(response.content)
    except ValueError:
        return None, f"POST /tracks answered {response.text[:EXCERPT_CHARACTERS]!r}, expected JSON"
    track_id = body.get("id") if isinstance(body, dict) else None
    if not isinstance(track_id, str | int) or track_id == "":
        return (
            None,
            f'POST /tracks answered {response.text[:EXCERPT_CHARACTERS]!r}, expected a JSON object with an "id"',
        )
    return str(track_id), ""


async def read_track(app: App, track_id: str) -> dict[str, Any] | None:
    """What `GET /tracks/{id}` says of a track, or None when it says nothing usable."""
    try:
        answer = await get_json(app, f"/tracks/{track_id}")
    except Exception:
        return None  # the application's own error; that it cannot be read is what the caller notes
    return answer if isinstance(answer, dict) else None
