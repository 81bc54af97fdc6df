"""What is ordered beside songs: Suno's own cover, lyrics, WAV, stems, videos, MIDI, and what is answered at once."""

import asyncio
import io
import wave
from itertools import pairwise
from typing import Any

import pytest

from harness.audio.inspect import examine_audio
from harness.fakes.latency import Fixed, Never
from harness.fakes.script import (
    DialectName,
    Extra,
    Extras,
    Failure,
    Music,
    Picture,
    Script,
    Stray,
    StrayKind,
    SunoScript,
)
from harness.image.inspect import examine
from tests.fakes.stage import CALLBACK_URL, Stage

pytestmark = pytest.mark.asyncio

SOON = Extra(takes=Fixed(0.02))
COVER, LYRICS, WAV = "/api/v1/suno/cover/generate", "/api/v1/lyrics", "/api/v1/wav/generate"
STEMS, VIDEO, MIDI = "/api/v1/vocal-removal/generate", "/api/v1/mp4/generate", "/api/v1/midi/generate"
STYLE, TIMESTAMPED = "/api/v1/style/generate", "/api/v1/generate/get-timestamped-lyrics"
RECORDS = {path: path.removesuffix("/generate") + "/record-info" for path in (COVER, LYRICS, WAV, STEMS, VIDEO, MIDI)}
UNKNOWN = "0" * 32


def script(extra: Extra = SOON, music: Music | None = None, **rest: Any) -> Script:
    """Return a script in which music takes no time and what is ordered beside it is as `extra`."""
    names = ("cover", "lyrics", "wav", "vocal_removal", "mp4", "midi")
    extras = Extras(**dict.fromkeys(names, extra), style_takes=Fixed(0.0))
    return Script(suno=SunoScript(music=(music or Music(takes=Fixed(0.0), callbacks="never"),), extras=extras, **rest))


async def song(stage: Stage) -> dict[str, str]:
    """Make a song, and return the fields with which a request names its second track."""
    task_id = await stage.make_music()
    await stage.notes.wait_for("task.ended")
    record = await stage.music_record(task_id)
    return {"taskId": task_id, "audioId": record["data"]["response"]["sunoData"][1]["id"]}


async def order(stage: Stage, path: str, **fields: Any) -> Any:
    """Order something, and return the whole response."""
    return await stage.ask(path, {"callBackUrl": CALLBACK_URL, **fields})


async def record(stage: Stage, path: str, task_id: str) -> Any:
    """Return the record of a task."""
    return (await stage.api.get(RECORDS[path], params={"taskId": task_id})).json()


async def made(stage: Stage, path: str, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Order something, wait for its callback, and return the callback's body and the record's data."""
    task_id = (await order(stage, path, **fields))["data"]["taskId"]
    received = await stage.receiver.wait_for(len(stage.receiver.received) + 1)
    return received[-1].body, (await record(stage, path, task_id))["data"]


async def test_a_cover_is_two_pictures_of_the_scripted_size() -> None:
    async with Stage(script(Extra(takes=Fixed(0.02), picture=Picture(1536, 864)))) as stage:
        called_back, shown = await made(stage, COVER, taskId=(await song(stage))["taskId"])
        urls = called_back["data"]["images"]
        files = [examine((await stage.files.get(url)).content) for url in urls]

    assert shown["response"] == {"images": urls}
    assert [(file.width, file.height, file.format) for file in files] == [(1536, 864, "png")] * 2
    assert [file.mark.kind for file in files if file.mark] == ["cover", "cover"]


async def test_a_cover_is_made_once_for_a_music_task_and_a_repeat_names_the_first() -> None:
    async with Stage(script()) as stage:
        task_id = (await song(stage))["taskId"]
        first = await order(stage, COVER, taskId=task_id)
        again = await order(stage, COVER, taskId=task_id)

    assert again["code"] == 400
    assert again["data"] == first["data"]
    assert len(stage.notes.of("task.refused")) == 1


@pytest.mark.parametrize("path", [COVER, WAV, STEMS, VIDEO, TIMESTAMPED])
async def test_what_works_on_a_song_is_refused_for_an_unknown_one(path: str) -> None:
    async with Stage(script()) as stage:
        fields = {} if path == TIMESTAMPED else {"callBackUrl": CALLBACK_URL}
        refused = await stage.ask(path, {"taskId": UNKNOWN, "audioId": UNKNOWN, **fields})

    assert refused == {"code": 422, "msg": "Original music record does not exist", "data": None}
    assert stage.notes.of("contract.broken") == []


@pytest.mark.parametrize("path", [COVER, LYRICS, WAV, STEMS, VIDEO, MIDI])
@pytest.mark.parametrize(("dialect", "code"), [("kie", 422), ("sunoapi.org", 400)])
async def test_each_needs_a_callback_url(path: str, dialect: DialectName, code: int) -> None:
    async with Stage(script(dialect=dialect)) as stage:
        refused = await stage.ask(path, {"taskId": UNKNOWN, "audioId": UNKNOWN, "prompt": "rivers"})

    assert (refused["code"], refused["msg"]) == (code, "Please enter callBackUrl.")


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        *((path, 422, "Record does not exist") for path in (WAV, STEMS, VIDEO, MIDI)),
        (COVER, 200, "success"),
        (LYRICS, 200, "success"),
    ],
)
async def test_the_record_of_an_unknown_task_is_empty(path: str, code: int, message: str) -> None:
    async with Stage(script()) as stage:
        found = await record(stage, path, UNKNOWN)

    assert found == {"code": code, "msg": message, "data": None}


async def test_lyrics_are_two_texts_and_cost_nothing_of_the_music() -> None:
    async with Stage(script()) as stage:
        called_back, shown = await made(stage, LYRICS, prompt="quiet rivers at night")

    items = called_back["data"]["data"]
    assert called_back["data"]["callbackType"] == "complete"
    assert len(items) == 2
    assert all("quiet rivers at night" in item["text"] and item["status"] == "complete" for item in items)
    assert (shown["status"], shown["type"], shown["response"]["data"]) == ("SUCCESS", "LYRICS", items)
    assert [task["what"] for task in stage.notes.of("task.created")] == ["other"]


async def test_a_wav_is_a_wav_file_as_long_as_the_song() -> None:
    async with Stage(script()) as stage:
        named = await song(stage)
        called_back, shown = await made(stage, WAV, **named)
        answer = await stage.files.get(called_back["data"]["audioWavUrl"])
        tracks = (await stage.music_record(named["taskId"]))["data"]["response"]["sunoData"]

    with wave.open(io.BytesIO(answer.content)) as read:
        lasts_s = read.getnframes() / read.getframerate()
    assert answer.headers["content-type"] == "audio/wav"
    assert examine_audio(answer.content).format == "wav"
    assert lasts_s == pytest.approx(tracks[1]["duration"], abs=0.01)
    assert (shown["musicId"], shown["successFlag"]) == (named["audioId"], "SUCCESS")
    assert shown["response"] == {"audioWavUrl": called_back["data"]["audioWavUrl"]}


@pytest.mark.parametrize("path", [WAV, VIDEO])
async def test_a_file_is_converted_once_for_each_track(path: str) -> None:
    async with Stage(script()) as stage:
        named = await song(stage)
        tracks = (await stage.music_record(named["taskId"]))["data"]["response"]["sunoData"]
        first, again = [await order(stage, path, **named) for _ in range(2)]
        other = await order(stage, path, taskId=named["taskId"], audioId=tracks[0]["id"])

    assert (first["code"], again["code"], other["code"]) == (200, 409, 200)


@pytest.mark.parametrize(("kind", "parts"), [(None, 2), ("separate_vocal", 2), ("split_stem", 13)])
async def test_stems_are_audio_files_of_the_song(kind: str | None, parts: int) -> None:
    async with Stage(script()) as stage:
        called_back, shown = await made(stage, STEMS, **await song(stage), **({"type": kind} if kind else {}))
        info = dict(called_back["data"]["vocal_removal_info"])
        assert info.pop("origin_url") == ""
        files = [(await stage.files.get(url)).content for url in info.values()]

    assert [examine_audio(content).format for content in files] == ["mp3"] * parts
    assert shown["response"]["vocalUrl"] == info["vocal_url"]
    assert sorted(filter(None, (shown["response"].get(f"{part}Url") for part in ("vocal", "instrumental")))) == sorted(
        url for name, url in info.items() if name in ("vocal_url", "instrumental_url")
    )
    assert len(shown["response"]["originData"]) == parts


async def test_a_video_is_an_mp4() -> None:
    async with Stage(script()) as stage:
        called_back, shown = await made(stage, VIDEO, **await song(stage), author="a", domainName="b")
        answer = await stage.files.get(called_back["data"]["video_url"])

    assert answer.content[4:8] == b"ftyp"
    assert answer.headers["content-type"] == "video/mp4"
    assert shown["response"] == {"videoUrl": called_back["data"]["video_url"]}


async def test_midi_is_made_of_stems_only() -> None:
    async with Stage(script()) as stage:
        named = await song(stage)
        refused = await order(stage, MIDI, taskId=named["taskId"])
        stems = (await order(stage, STEMS, **named))["data"]["taskId"]
        called_back = (await stage.receiver.wait_for(1))[0].body
        called_back, shown = await made(stage, MIDI, taskId=stems)

    assert refused["code"] == 422
    assert called_back["data"]["instruments"] == shown["midiData"]["instruments"]
    assert (shown["recordTaskId"], shown["successFlag"]) == (stems, 1)


async def test_a_record_goes_from_waiting_over_running_to_its_end() -> None:
    async with Stage(script(Extra(takes=Fixed(0.3), callback="never"), queries_per_s=1_000)) as stage:
        task_id = (await order(stage, COVER, taskId=(await song(stage))["taskId"]))["data"]["taskId"]
        states: list[int] = []
        async with asyncio.timeout(2.0):
            while 1 not in states:
                states.append((await record(stage, COVER, task_id))["data"]["successFlag"])
                await asyncio.sleep(0.005)

    assert list(dict.fromkeys(states)) == [0, 2, 1]
    assert stage.receiver.received == []


FAILED: dict[str, tuple[dict[str, Any], int | str]] = {
    COVER: ({"images": None}, 3),
    LYRICS: ({"callbackType": "error", "data": None}, "GENERATE_LYRICS_FAILED"),
    WAV: ({"audioWavUrl": None}, "GENERATE_WAV_FAILED"),
    STEMS: ({"vocal_removal_info": None}, "GENERATE_AUDIO_FAILED"),
    VIDEO: ({"video_url": None}, "GENERATE_MP4_FAILED"),
}


@pytest.mark.parametrize("path", FAILED)
async def test_a_failure_is_called_back_recorded_and_refunded(path: str) -> None:
    failing = Extra(takes=Fixed(0.02), fails=Failure(501, "no luck", when="after-generating"))
    async with Stage(script(failing)) as stage:
        named = {**await song(stage), "prompt": "rivers"}
        called_back, shown = await made(stage, path, **named)

    data, flag = FAILED[path]
    assert (called_back["code"], called_back["msg"]) == (501, "no luck")
    assert data.items() <= called_back["data"].items()
    assert (shown["errorCode"], shown["errorMessage"], shown.get("successFlag", shown.get("status"))) == (
        501,
        "no luck",
        flag,
    )
    assert stage.notes.of("task.ended")[-1]["outcome"] == "failed"
    assert stage.notes.of("credits")[-1]["balance"] == 1_000 - 12


async def test_what_is_ordered_beside_songs_can_be_refused_and_then_is_no_task() -> None:
    async with Stage(script(Extra(fails=Failure(455)))) as stage:
        refused = await order(stage, LYRICS, prompt="rivers")

    assert refused["code"] == 455
    assert [refusal["endpoint"] for refusal in stage.notes.of("task.refused")] == [LYRICS]
    assert stage.notes.of("task.created") == []


async def test_a_callback_can_be_late_and_come_twice() -> None:
    late = Extra(takes=Fixed(0.0), callback_late_s=0.1, callback_times=2)
    async with Stage(script(late)) as stage:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        task_id = (await order(stage, LYRICS, prompt="rivers"))["data"]["taskId"]
        received = await stage.receiver.wait_for(2)

    assert received[0].at_s - began_s >= 0.1
    assert received[0].body == received[1].body
    assert {attempt["task_id"] for attempt in stage.notes.of("callback.attempt")} == {task_id}
    assert {attempt["callback"] for attempt in stage.notes.of("callback.attempt")} == {"lyrics"}


async def test_its_callbacks_are_signed_like_those_of_music() -> None:
    async with Stage(script(), signing_key="k") as stage:
        await made(stage, LYRICS, prompt="rivers")

    assert "x-webhook-signature" in stage.receiver.received[0].headers


async def test_it_counts_for_the_same_rate_limit_as_music() -> None:
    async with Stage(script(creations_per_10_s=2)) as stage:
        named = await song(stage)
        answers = [await order(stage, LYRICS, prompt="rivers") for _ in range(2)]
        cover = await order(stage, COVER, taskId=named["taskId"])

    assert [answer["code"] for answer in (*answers, cover)] == [200, 429, 429]
    assert len(stage.notes.of("rate.limited")) == 2


async def test_records_are_limited_and_need_the_key() -> None:
    async with Stage(script(queries_per_s=1)) as stage:
        task_id = (await order(stage, LYRICS, prompt="rivers"))["data"]["taskId"]
        codes = [(await record(stage, LYRICS, task_id))["code"] for _ in range(2)]
        without_key = await stage.api.get(RECORDS[LYRICS], headers={"Authorization": ""})

    assert codes == [200, 429]
    assert without_key.json()["code"] == 401


async def test_every_task_says_what_it_is_for_and_whose_result_it_works_on() -> None:
    async with Stage(script()) as stage:
        named = await song(stage)
        for path in (COVER, WAV, STEMS, VIDEO):
            await order(stage, path, **named)
        await order(stage, LYRICS, prompt="rivers")
        created = {task["endpoint"]: task for task in stage.notes.of("task.created")}

    assert {path: created[path]["what"] for path in (COVER, WAV, STEMS, VIDEO, LYRICS)} == {
        COVER: "cover",
        WAV: "audio",
        STEMS: "other",
        VIDEO: "other",
        LYRICS: "other",
    }
    assert {path: created[path].get("parent") for path in (COVER, WAV, STEMS, VIDEO, LYRICS)} == {
        **dict.fromkeys((COVER, WAV, STEMS, VIDEO), named["taskId"]),
        LYRICS: None,
    }
    assert len({task["number"] for task in created.values()}) == len(created)


async def test_timestamped_lyrics_are_the_words_of_the_song_in_order() -> None:
    async with Stage(script()) as stage:
        named = await song(stage)
        answer = await stage.ask(TIMESTAMPED, named)

    words = answer["data"]["alignedWords"]
    assert [word["word"] for word in words] == ["quiet", "rivers"]
    assert all(one["endS"] == other["startS"] for one, other in pairwise(words))


async def test_an_instrumental_has_no_timestamped_lyrics() -> None:
    async with Stage(script()) as stage:
        task_id = await stage.make_music(instrumental=True)
        answer = await stage.ask(TIMESTAMPED, {"taskId": task_id, "musicIndex": 0})

    assert answer["data"]["alignedWords"] == []


async def test_a_style_is_described_at_once_but_not_quickly() -> None:
    usual = Extras().style_takes
    async with Stage(script()) as stage:
        answer = await stage.ask(STYLE, {"content": "folk"})
        refused = await stage.ask(STYLE, {})

    assert usual == Fixed(2.6)
    assert answer["data"]["result"].startswith("folk")
    assert refused["code"] == 422
    assert stage.notes.of("task.created") == []


@pytest.mark.parametrize(("what", "name"), [("lyrics", "unknown-lyrics"), ("own-cover", "unknown-cover")])
async def test_the_callback_of_someone_elses_task_can_come_to_the_address_for_music(what: StrayKind, name: str) -> None:
    stray = Stray(0.02, what, cover=Picture(2048, 1152)) if what == "own-cover" else Stray(0.02, what)
    async with Stage(script(music=Music(takes=Never()), strays=(stray,))) as stage:
        music = await stage.make_music()
        (received,) = await stage.receiver.wait_for(1)
        (attempt,) = stage.notes.of("callback.attempt")
        sizes = [published["size"] for published in stage.notes.of("picture.published")]

    data = received.body["data"]
    assert (attempt["callback"], attempt["genuine"]) == (name, True)
    assert attempt["task_id"] == data.get("task_id", data.get("taskId")) != music
    assert sizes == ([[2048, 1152]] * 2 if what == "own-cover" else [])
    assert [task["what"] for task in stage.notes.of("task.created")] == ["music"]
