"""Strict: only verified 2K pictures, but a failure silently saves null (docs/explanations/three-fixes.md).

The picture is requested with a callBackUrl and the track is complete at once with image_url null; the image callback
sets it. Without that callback, or with a bad picture in it, null remains: no reason, no log line.
"""

from typing import Any

from harness.strategies import provider_client
from harness.strategies.application import AppContext, Row, application
from harness.strategies.parsing import ImageEvent, MusicEvent
from harness.strategies.pictures import PictureError, fetch_2k_picture

PROMISED_LOGS: tuple[tuple[str, str], ...] = ()


async def on_music(context: AppContext, event: MusicEvent, track: Row) -> None:
    """Request the picture, and finish the track without it, whatever the response."""
    prompt = provider_client.picture_prompt(track["title"], track["prompt"])
    callback_url = context.settings.image_callback_url
    with context.learning_a_task_id():
        response = await provider_client.request_image(context, prompt, provider_client.FIRST_PARAMETERS, callback_url)
        context.tracks.change(track["id"], status="complete", image_task_id=response.task_id)


async def on_image(context: AppContext, event: ImageEvent) -> None:
    """Save the picture if it is verified; otherwise keep null."""
    track = await context.track_of("image_task_id", event.task_id)
    if track is None or track["image_url"] is not None:
        return
    try:
        picture = await fetch_2k_picture(context.client, event.image_url)
    except PictureError:
        return
    assert event.image_url is not None
    context.deliver(track["id"], event.image_url, picture.resolution)


def create_app() -> Any:
    """Return the ASGI application, configured from the environment."""
    return application(AppContext("strict", ["image_task_id"]), on_music, on_image)
