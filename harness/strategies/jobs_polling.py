"""Jobs polling: the documented jobs API, createTask and then recordInfo until done, inside the callback's handler.

It needs no callback and no mapping. The handler takes as long as the picture, so like the synchronous one it exceeds
the 15 s that the provider waits.
"""

import asyncio
from typing import Any

from harness.strategies import provider_client
from harness.strategies.application import AppContext, Row, application
from harness.strategies.parsing import COMPLETE, PENDING, ImageEvent, MusicEvent
from harness.strategies.pictures import PictureError, fetch_2k_picture

PROMISED_LOGS: tuple[tuple[str, str], ...] = ()
POLL_EVERY_S = 10.0
POLLS_MAX = 30


async def on_music(context: AppContext, event: MusicEvent, track: Row) -> None:
    """Request the picture, wait for it, verify it, and save it or the reason for its absence."""
    prompt = provider_client.picture_prompt(track["title"], track["prompt"])
    try:
        response = await provider_client.create_image_task(context, prompt)
        if response.task_id is None:
            raise PictureError(f"the picture was refused: {response.problem or 'no taskId'}")
        done = await finished(context, response.task_id)
        picture = await fetch_2k_picture(context.client, done.image_url)
    except PictureError as error:
        if is_unfinished(context, track):
            context.complete_without_picture(track["id"], str(error))
    else:
        if is_unfinished(context, track):
            assert done.image_url is not None
            context.deliver(track["id"], done.image_url, picture.resolution)


async def finished(context: AppContext, task_id: str) -> ImageEvent:
    """Poll recordInfo until the task is done. Raise PictureError if it fails or takes too long."""
    for _ in range(POLLS_MAX):
        await asyncio.sleep(POLL_EVERY_S)
        event = await provider_client.image_record(context, task_id)
        if event is None or event.state == PENDING:
            continue
        if event.state == COMPLETE:
            return event
        raise PictureError(f"the picture failed: {event.problem}")
    raise PictureError(f"the picture was not done after {POLL_EVERY_S * POLLS_MAX:g} s")


def is_unfinished(context: AppContext, track: Row) -> bool:
    """Return whether no other delivery has finished the track while this one was waiting."""
    now = context.tracks.find("id", track["id"])
    return now is not None and now["status"] == "pending"


def create_app() -> Any:
    """Return the ASGI application, configured from the environment."""
    return application(AppContext("jobs-polling", one_at_a_time=False), on_music)
