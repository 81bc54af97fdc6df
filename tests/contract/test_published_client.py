"""A published client library, unmodified, against the fake Suno: suno-easy, for sunoapi.org.

Where the library and the fake disagree, the provider's documentation decides; those places are tested here, too.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from suno_easy import Song, SunoClient, Task
from suno_easy.exceptions import SunoAPIError, TaskFailed
from suno_easy.webhooks import dispatch_webhook, parse_music_webhook

from harness.fakes import media, suno
from harness.fakes.account import API_KEY
from harness.fakes.latency import Fixed
from harness.fakes.script import Extra, Extras, Failure, MediaScript, Music, SunoScript
from tests.fakes.stage import Notes

pytestmark = pytest.mark.asyncio

SOON = Fixed(0.4)
AT_ONCE = Fixed(0.05)
PATIENCE_S = 5.0


@dataclass
class ExecutionScope:
    """A served fake, its URL, and the requests that the receiver beside it got."""

    client: SunoClient
    url: str
    notes: Notes
    received: list[dict[str, Any]] = field(default_factory=list)


@asynccontextmanager
async def served(script: SunoScript) -> AsyncIterator[ExecutionScope]:
    """Serve a fake that executes `script` on a real socket, with a media host under /media and a receiver at
    /callback."""
    notes = Notes()
    host = media.create_app(MediaScript(), base_url="http://127.0.0.1", observe=notes)
    fake = suno.create_app(script, publish=host.publish, observe=notes)
    received: list[dict[str, Any]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/media/"):
            await host.app({**scope, "root_path": "/media"}, receive, send)
        elif scope["type"] == "http" and scope["path"] == "/callback":
            received.append(json.loads(await Request(scope, receive).body()))
            await Response()(scope, receive, send)
        else:
            await fake(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_S):
        while not server.started:
            await asyncio.sleep(0.01)
    address, port = server.servers[0].sockets[0].getsockname()
    url = f"http://{address}:{port}"
    host.base_url = f"{url}/media"
    client = SunoClient(API_KEY, callback_url=f"{url}/callback")
    client.session.trust_env = False
    client.BASE_URL = url
    try:
        yield ExecutionScope(client, url, notes, received)
    finally:
        client.session.close()
        server.should_exit = True
        await serving


def script(*tasks: Music, **rest: Any) -> SunoScript:
    """Return a script in the dialect of the library's provider."""
    return SunoScript(dialect="sunoapi.org", music=tasks or (Music(takes=SOON),), **rest)


async def begun(place: ExecutionScope, **asked: Any) -> Task[list[Song]]:
    """Create a task with the library and return its handle."""
    task = await asyncio.to_thread(place.client.music.generate, "quiet rivers", wait=False, **asked)
    assert isinstance(task, Task)
    return task


async def test_its_normal_flow_ends_with_two_songs_and_breaks_no_rule() -> None:
    async with served(script()) as place:
        task = await begun(place, style="folk", title="Quiet Rivers")
        songs = await asyncio.to_thread(task.wait, timeout=5, poll_interval=1)
        credits = await asyncio.to_thread(place.client.account.get_credits)

    assert [song.title for song in songs] == ["Quiet Rivers"] * 2
    assert all((song.audio_url or "").startswith(place.url) and song.image_url and song.duration for song in songs)
    assert credits.remaining == 1_000 - 12
    assert place.notes.of("contract.broken") == []


async def test_its_webhook_parser_reads_every_callback() -> None:
    async with served(script(Music(takes=AT_ONCE))) as place:
        task = await begun(place)
        async with asyncio.timeout(PATIENCE_S):
            while len(place.received) < 3:
                await asyncio.sleep(0.01)

    parsed = [parse_music_webhook(body) for body in place.received]
    assert [(event.callback_type, event.is_success, event.task_id) for event, _ in parsed] == [
        (kind, True, task.task_id) for kind in ("text", "first", "complete")
    ]
    assert [len(songs) for _, songs in parsed] == [2, 2, 2]
    assert all(song.audio_url and song.image_url for song in parsed[2][1])


async def test_its_webhook_parser_knows_an_error_callback() -> None:
    failing = Music(takes=AT_ONCE, fails=Failure(501, "no music", when="after-generating"))
    async with served(script(failing)) as place:
        await begun(place)
        async with asyncio.timeout(PATIENCE_S):
            while not place.received:
                await asyncio.sleep(0.01)

    with pytest.raises(TaskFailed, match="no music"):
        parse_music_webhook(place.received[0])


@pytest.mark.parametrize(("rest", "code"), [({"credits": 0}, 429), ({"creations_per_10_s": 0}, 430)])
@pytest.mark.parametrize("as_http", [False, True])
async def test_it_understands_refusals_in_either_form(rest: dict[str, Any], code: int, as_http: bool) -> None:
    async with served(script(errors_as_http=as_http, **rest)) as place:
        with pytest.raises(SunoAPIError) as refused:
            await begun(place)

    assert refused.value.status_code == code


async def test_it_does_not_notice_a_failed_task_because_it_waits_for_a_status_that_does_not_exist() -> None:
    """The library looks for FAILED; the documented statuses have three names for failures, and FAILED is none of
    them."""
    failing = Music(takes=AT_ONCE, fails=Failure(501, when="after-generating"))
    async with served(script(failing)) as place:
        task = await begun(place)
        await place.notes.wait_for("task.ended")
        info = await asyncio.to_thread(task.info)
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(task.wait, timeout=1, poll_interval=1)

    assert info["status"] == "GENERATE_AUDIO_FAILED"


async def test_it_mistakes_a_record_that_is_not_yet_visible_for_an_error() -> None:
    """A new task's record may be invisible for a moment (fakes/FIDELITY.md): a retry would have helped."""
    async with served(script(Music(takes=AT_ONCE), invisible_s=0.2, records="documented")) as place:
        task = await begun(place)
        with pytest.raises(SunoAPIError) as refused:
            await asyncio.to_thread(task.info)
        await asyncio.sleep(0.3)
        songs = await asyncio.to_thread(task.wait, timeout=5, poll_interval=1)

    assert refused.value.status_code == 422
    assert len(songs) == 2


async def test_it_orders_all_that_there_is_beside_songs() -> None:
    soon = Extra(takes=AT_ONCE)
    names = ("cover", "lyrics", "wav", "vocal_removal", "mp4", "midi")
    extras = Extras(**dict.fromkeys(names, soon), style_takes=AT_ONCE)
    patience: Any = {"timeout": 5, "poll_interval": 1}
    async with served(script(Music(takes=AT_ONCE), extras=extras)) as place:
        task = await begun(place)
        songs = await asyncio.to_thread(task.wait, **patience)
        named = task.task_id, songs[0].id
        client: Any = place.client

        def order_all() -> tuple[Any, ...]:
            cover = client.audio.generate_cover_image(task.task_id, wait=False).wait(**patience)
            wav = client.audio.convert_wav(*named, wait=False).wait(**patience)
            separated = client.audio.separate_vocals(*named, wait=False)
            stems = separated.wait(**patience)
            midi = client.audio.generate_midi(separated.task_id, wait=False).wait(**patience)
            video = client.video.create(*named, wait=False).wait(**patience)
            lyrics = client.lyrics.generate("quiet rivers", wait=False).wait(**patience)
            times = client.lyrics.get_timestamped(*named)
            return cover, wav, stems, midi, video, lyrics, times, client.audio.boost_style("folk")

        cover, wav, stems, midi, video, lyrics, times, style = await asyncio.to_thread(order_all)
        async with asyncio.timeout(PATIENCE_S):
            while len(place.received) < 3 + len(names):
                await asyncio.sleep(0.01)

    assert len(cover.images) == 2
    assert wav.wav_url.endswith(".wav")
    assert stems.vocal_url
    assert stems.instrumental_url
    assert midi.instruments[0].notes
    assert video.video_url.endswith(".mp4")
    assert [each.status for each in lyrics] == ["complete"] * 2
    assert [word.word for word in times.aligned_words] == ["quiet", "rivers"]
    assert style.result.startswith("folk")
    assert place.notes.of("contract.broken") == []
    kinds = [type(dispatch_webhook(body)[1]).__name__ for body in place.received[3:]]
    assert kinds.count("WavFile") == kinds.count("MusicVideo") == 1
