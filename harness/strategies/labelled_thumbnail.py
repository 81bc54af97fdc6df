"""Labelled thumbnail: option 2 of the seed documents, the cover as a last resort, labelled as low resolution.

The cover is shown at once, with its label and the reason, and the verified 2K picture replaces both when its callback
comes. So there is nothing to wait for: without that callback the labelled cover stays.
"""

from typing import Any

from harness.strategies import provider_client
from harness.strategies.application import LOW_RESOLUTION, Row, Studio, application
from harness.strategies.parsing import ImageNews, MusicNews
from harness.strategies.pictures import PictureError, fetch_2k_picture, fetch_picture

PROMISED_LOGS: tuple[tuple[str, str], ...] = ()
NOT_YET = "the 2K picture has not come yet"


async def on_music(studio: Studio, news: MusicNews, track: Row) -> None:
    """Ask for the picture, and show the labelled cover until it comes."""
    prompt = provider_client.picture_prompt(track["title"], track["prompt"])
    callback_url = studio.settings.image_callback_url
    try:
        cover = await fetch_picture(studio.client, news.cover_url)
    except PictureError as error:
        studio.log.warning("the cover of track %s cannot be shown: %s", track["id"], error)
        cover = None
    if cover is not None and cover.is_2k:
        assert news.cover_url is not None
        studio.deliver(track["id"], news.cover_url, cover.resolution)
        return
    with studio.learning_a_task_id():
        answer = await provider_client.ask_for_image(studio, prompt, provider_client.FIRST_PARAMETERS, callback_url)
        reason = NOT_YET if answer.task_id else f"the 2K picture was refused: {answer.problem or 'no taskId'}"
        studio.log.warning("track %s: %s", track["id"], reason)
        studio.tracks.change(
            track["id"],
            status="complete",
            image_url=news.cover_url if cover else None,
            image_resolution=cover.resolution if cover else None,
            image_label=LOW_RESOLUTION if cover else None,
            failure_reason=reason,
            image_task_id=answer.task_id,
        )


async def on_image(studio: Studio, news: ImageNews) -> None:
    """Put the verified picture in the cover's place, or say why the cover stays."""
    track = await studio.track_of("image_task_id", news.task_id)
    if track is None or track["failure_reason"] is None:
        return
    try:
        picture = await fetch_2k_picture(studio.client, news.image_url)
    except PictureError as error:
        reason = f"the 2K picture failed: {news.problem or error}"
        studio.log.error("track %s: %s", track["id"], reason)
        studio.tracks.change(track["id"], failure_reason=reason)
    else:
        assert news.image_url is not None
        studio.deliver(track["id"], news.image_url, picture.resolution)


def create_app() -> Any:
    """The ASGI application, configured from the environment."""
    return application(Studio("labelled-thumbnail", ["image_task_id"]), on_music, on_image)
