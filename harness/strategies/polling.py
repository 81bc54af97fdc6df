"""Polling: callbacks plus status polling, where polling writes Suno's cover over a verified picture.

The picture is requested with a callBackUrl, linked by its task id, and verified. Meanwhile record-info is polled every
30 s, to compensate for lost callbacks, and the contents of a finished record are written to the track. That includes
the record's imageUrl, and polling continues until both the record and the track are finished, so the cover is written
last.
"""

import asyncio
from typing import Any

from harness.strategies import provider_client
from harness.strategies.application import AppContext, Row, application, handle_music
from harness.strategies.parsing import COMPLETE, PENDING, ImageEvent, MusicEvent
from harness.strategies.pictures import PictureError, fetch_2k_picture

PROMISED_LOGS: tuple[tuple[str, str], ...] = ()
POLL_EVERY_S = 30.0
POLLS_MAX = 40
_pollers: set[asyncio.Task[None]] = set()
"""asyncio keeps no task alive by itself."""


async def on_music(context: AppContext, event: MusicEvent, track: Row) -> None:
    """Request the picture, once, and save its task id."""
    if track["image_task_id"] is not None:
        return
    prompt = provider_client.picture_prompt(track["title"], track["prompt"])
    callback_url = context.settings.image_callback_url
    with context.learning_a_task_id():
        response = await provider_client.request_image(context, prompt, provider_client.FIRST_PARAMETERS, callback_url)
        if response.task_id is not None:
            context.tracks.change(track["id"], image_task_id=response.task_id)
            return
    context.complete_without_picture(track["id"], f"the picture was refused: {response.problem or 'no taskId'}")


async def on_image(context: AppContext, event: ImageEvent) -> None:
    """Verify the picture and save it."""
    track = await context.track_of("image_task_id", event.task_id)
    if track is None or track["status"] != "pending":
        return
    try:
        picture = await fetch_2k_picture(context.client, event.image_url)
    except PictureError as error:
        context.complete_without_picture(track["id"], event.problem or str(error))
    else:
        assert event.image_url is not None
        context.deliver(track["id"], event.image_url, picture.resolution)


async def poll(context: AppContext, track_id: str) -> None:
    """Poll record-info until the music and the track are finished, and save the record's contents."""
    for _ in range(POLLS_MAX):
        await asyncio.sleep(POLL_EVERY_S)
        track = context.tracks.find("id", track_id)
        if track is None or track["status"] == "failed":
            return
        event = await provider_client.music_record(context, track["music_task_id"])
        if event is None or event.state == PENDING:
            continue
        await handle_music(context, event, on_music)
        if event.state == COMPLETE and event.cover_url:
            context.tracks.change(track_id, image_url=event.cover_url)
        if context.tracks.find("id", track_id)["status"] != "pending":  # type: ignore[index]
            return
    _give_up(context, track_id)


def _give_up(context: AppContext, track_id: str) -> None:
    track = context.tracks.find("id", track_id)
    if track is None or track["status"] != "pending":
        return
    if track["audio_url"] is None:
        context.fail(track_id, "the music never came")
    else:
        reason = "the picture never came"
        context.log.error("track %s: %s", track_id, reason)
        context.tracks.change(track_id, status="complete", failure_reason=reason)


def begun(context: AppContext, track_id: str) -> None:
    """Start polling for a new track."""
    task = asyncio.get_running_loop().create_task(poll(context, track_id))
    _pollers.add(task)
    task.add_done_callback(_pollers.discard)


def create_app() -> Any:
    """Return the ASGI application, configured from the environment."""
    return application(AppContext("polling", ["image_task_id"]), on_music, on_image, begun)
