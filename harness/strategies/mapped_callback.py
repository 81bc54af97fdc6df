"""Mapped callback: a table maps image tasks to tracks (docs/explanations/three-fixes.md).

The image callback finds its track there, and its picture is verified. There is no polling, so a track whose callback
is missing waits forever.
"""

from typing import Any

from harness.strategies import provider_client
from harness.strategies.application import AppContext, Row, application
from harness.strategies.parsing import ImageEvent, MusicEvent
from harness.strategies.pictures import PictureError, fetch_2k_picture

PROMISED_LOGS: tuple[tuple[str, str], ...] = ()


async def on_music(context: AppContext, event: MusicEvent, track: Row) -> None:
    """Request the picture, once, and store the mapping from its task to the track."""
    db = context.tracks.db
    if db.execute("SELECT 1 FROM image_tasks WHERE track_id = ?", (track["id"],)).fetchone():
        return
    prompt = provider_client.picture_prompt(track["title"], track["prompt"])
    callback_url = context.settings.image_callback_url
    with context.learning_a_task_id():
        response = await provider_client.request_image(context, prompt, provider_client.FIRST_PARAMETERS, callback_url)
        if response.task_id is not None:
            db.execute("INSERT OR IGNORE INTO image_tasks VALUES (?, ?)", (response.task_id, track["id"]))
            return
    context.complete_without_picture(track["id"], f"the picture was refused: {response.problem or 'no taskId'}")


async def on_image(context: AppContext, event: ImageEvent) -> None:
    """Find the track by the mapping, verify the picture, and save it or the reason for its absence."""
    track = await context.track_of(MAPPED, event.task_id)
    if track is None or track["status"] != "pending":
        return
    try:
        picture = await fetch_2k_picture(context.client, event.image_url)
    except PictureError as error:
        context.complete_without_picture(track["id"], event.problem or str(error))
    else:
        assert event.image_url is not None
        context.deliver(track["id"], event.image_url, picture.resolution)


MAPPED = "(SELECT task_id FROM image_tasks WHERE track_id = tracks.id)"


def create_app() -> Any:
    """Return the ASGI application, configured from the environment."""
    context = AppContext("mapped-callback")
    context.tracks.db.execute("CREATE TABLE IF NOT EXISTS image_tasks (task_id TEXT PRIMARY KEY, track_id TEXT UNIQUE)")
    return application(context, on_music, on_image)
