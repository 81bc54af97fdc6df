"""Polling: callbacks plus status polling, where polling writes Suno's cover over a verified picture.

The picture is asked for with a callBackUrl, linked by its task id, and verified. Meanwhile record-info is asked every
30 s, to heal lost callbacks; whatever a finished record says is written to the track. That includes the record's
imageUrl, and a record goes on being read until it is finished and the track is, too: so the last write is the cover's.
"""

import asyncio
from typing import Any

from harness.strategies import provider_client
from harness.strategies.application import Row, Studio, application, hear_of_music
from harness.strategies.parsing import COMPLETE, PENDING, ImageNews, MusicNews
from harness.strategies.pictures import PictureError, fetch_2k_picture

PROMISED_LOGS: tuple[tuple[str, str], ...] = ()
POLL_EVERY_S = 30.0
POLLS_MAX = 40
_pollers: set[asyncio.Task[None]] = set()
"""asyncio keeps no task alive by itself."""


async def on_music(studio: Studio, news: MusicNews, track: Row) -> None:
    """Ask for the picture, once, and remember which task makes it."""
    if track["image_task_id"] is not None:
        return
    prompt = provider_client.picture_prompt(track["title"], track["prompt"])
    callback_url = studio.settings.image_callback_url
    with studio.learning_a_task_id():
        answer = await provider_client.ask_for_image(studio, prompt, provider_client.FIRST_PARAMETERS, callback_url)
        if answer.task_id is not None:
            studio.tracks.change(track["id"], image_task_id=answer.task_id)
            return
    studio.complete_without_picture(track["id"], f"the picture was refused: {answer.problem or 'no taskId'}")


async def on_image(studio: Studio, news: ImageNews) -> None:
    """Verify the picture and save it."""
    track = await studio.track_of("image_task_id", news.task_id)
    if track is None or track["status"] != "pending":
        return
    try:
        picture = await fetch_2k_picture(studio.client, news.image_url)
    except PictureError as error:
        studio.complete_without_picture(track["id"], news.problem or str(error))
    else:
        assert news.image_url is not None
        studio.deliver(track["id"], news.image_url, picture.resolution)


async def poll(studio: Studio, track_id: str) -> None:
    """Ask record-info until the music is finished and the track is, too, and write down what it says."""
    for _ in range(POLLS_MAX):
        await asyncio.sleep(POLL_EVERY_S)
        track = studio.tracks.find("id", track_id)
        if track is None or track["status"] == "failed":
            return
        news = await provider_client.music_record(studio, track["music_task_id"])
        if news is None or news.state == PENDING:
            continue
        await hear_of_music(studio, news, on_music)
        if news.state == COMPLETE and news.cover_url:
            studio.tracks.change(track_id, image_url=news.cover_url)
        if studio.tracks.find("id", track_id)["status"] != "pending":  # type: ignore[index]
            return
    _give_up(studio, track_id)


def _give_up(studio: Studio, track_id: str) -> None:
    track = studio.tracks.find("id", track_id)
    if track is None or track["status"] != "pending":
        return
    if track["audio_url"] is None:
        studio.fail(track_id, "the music never came")
    else:
        reason = "the picture never came"
        studio.log.error("track %s: %s", track_id, reason)
        studio.tracks.change(track_id, status="complete", failure_reason=reason)


def begun(studio: Studio, track_id: str) -> None:
    """Start polling for a new track."""
    task = asyncio.get_running_loop().create_task(poll(studio, track_id))
    _pollers.add(task)
    task.add_done_callback(_pollers.discard)


def create_app() -> Any:
    """The ASGI application, configured from the environment."""
    return application(Studio("polling", ["image_task_id"]), on_music, on_image, begun)
