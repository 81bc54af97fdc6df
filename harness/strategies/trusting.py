"""Trusting: sends callBackUrl, so it only gets a task id, and saves the cover as if it were the 2K picture.

The picture arrives by a callback with another task id, which matches no track. The saved picture is not verified: the
column says 2048x1152 because that is what was requested.
"""

from typing import Any

from harness.strategies import provider_client
from harness.strategies.application import AppContext, Row, application
from harness.strategies.parsing import ImageEvent, MusicEvent

PROMISED_LOGS: tuple[tuple[str, str], ...] = ()
CLAIMED_RESOLUTION = "2048x1152"


async def on_music(context: AppContext, event: MusicEvent, track: Row) -> None:
    """Request a picture, and use the cover if the response has none."""
    prompt = provider_client.picture_prompt(track["title"], track["prompt"])
    callback_url = context.settings.image_callback_url
    response = await provider_client.request_image(context, prompt, provider_client.FIRST_PARAMETERS, callback_url)
    image_url = response.image_url or event.cover_url
    if image_url:
        context.deliver(track["id"], image_url, CLAIMED_RESOLUTION)
    else:
        context.complete_without_picture(track["id"], "there is neither a picture nor a cover")


async def on_image(context: AppContext, event: ImageEvent) -> None:
    """Look up the track by its music task id, and find none."""
    await context.track_of("music_task_id", event.task_id)


def create_app() -> Any:
    """Return the ASGI application, configured from the environment."""
    return application(AppContext("trusting"), on_music, on_image)
