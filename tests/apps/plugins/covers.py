"""Callback functions that show Suno's cover: one as it is, one that asks the user's own provider first."""

import os
from typing import Any

import httpx


def on_music(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    if payload["code"] != 200:
        return {"status": "failed", "failure_reason": payload["msg"]}
    if payload["data"]["callbackType"] != "complete":
        return None
    song = payload["data"]["data"][0]
    label = {"image_label": "low-resolution", "failure_reason": "only the small cover is available"}
    return {"status": "complete", "audio_url": song["audio_url"], "image_url": song.get("image_url"), **label}


async def with_words(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    async with httpx.AsyncClient(base_url=os.environ["LYRICS_BASE_URL"]) as client:
        words = (await client.get("/words")).json()["words"]
    changes = on_music(payload, track)
    return None if changes is None else {**changes, "failure_reason": words}
