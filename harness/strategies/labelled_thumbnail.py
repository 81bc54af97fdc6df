"""Labelled thumbnail: the cover as a last resort, labelled as low resolution (docs/explanations/three-fixes.md).

The cover is shown at once, with its label and the reason, and the verified 2K picture replaces both when its callback
arrives. Without that callback the labelled cover remains.
"""

from typing import Any

from harness.strategies import provider_client
from harness.strategies.application import LOW_RESOLUTION, AppContext, Row, application
from harness.strategies.parsing import ImageEvent, MusicEvent
from harness.strategies.pictures import PictureError, fetch_2k_picture, fetch_picture

PROMISED_LOGS: tuple[tuple[str, str], ...] = ()
NOT_YET = "the 2K picture has not come yet"


async def on_music(context: AppContext, event: MusicEvent, track: Row) -> None:
    """Request the picture, and show the labelled cover until it arrives."""
    prompt = provider_client.picture_prompt(track["title"], track["prompt"])
    callback_url = context.settings.image_callback_url
    try:
        cover = await fetch_picture(context.client, event.cover_url)
    except PictureError as error:
        context.log.warning("the cover of track %s cannot be shown: %s", track["id"], error)
        cover = None
    if cover is not None and cover.is_2k:
        assert event.cover_url is not None
        context.deliver(track["id"], event.cover_url, cover.resolution)
        return
    with context.learning_a_task_id():
        response = await provider_client.request_image(context, prompt, provider_client.FIRST_PARAMETERS, callback_url)
        reason = NOT_YET if response.task_id else f"the 2K picture was refused: {response.problem or 'no taskId'}"
        context.log.warning("track %s: %s", track["id"], reason)
        context.tracks.change(
            track["id"],
            status="complete",
            image_url=event.cover_url if cover else None,
            image_resolution=cover.resolution if cover else None,
            image_label=LOW_RESOLUTION if cover else None,
            failure_reason=reason,
            image_task_id=response.task_id,
        )


async def on_image(context: AppContext, event: ImageEvent) -> None:
    """Replace the cover with the verified picture, or save why the cover remains."""
    track = await context.track_of("image_task_id", event.task_id)
    if track is None or track["failure_reason"] is None:
        return
    try:
        picture = await fetch_2k_picture(context.client, event.image_url)
    except PictureError as error:
        reason = f"the 2K picture failed: {event.problem or error}"
        context.log.error("track %s: %s", track["id"], reason)
        context.tracks.change(track["id"], failure_reason=reason)
    else:
        assert event.image_url is not None
        context.deliver(track["id"], event.image_url, picture.resolution)


def create_app() -> Any:
    """Return the ASGI application, configured from the environment."""
    return application(AppContext("labelled-thumbnail", ["image_task_id"]), on_music, on_image)
