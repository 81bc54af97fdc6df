"""What the music fake sends and reports: callbacks, records and strays, and how they can disagree."""

import asyncio
import math
import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.fakes.latency import Fixed, Never
from harness.fakes.script import (
    DeliveryRules,
    Failure,
    Image,
    KieScript,
    Music,
    Picture,
    Script,
    Stray,
    SunoScript,
    TextCarries,
)
from tests.fakes.stage import Receiver, Stage

pytestmark = pytest.mark.asyncio

SOON = Fixed(0.02)
LATER = Fixed(1_000.0)
TRACK_KEYS = [
    "id",
    "audio_url",
    "source_audio_url",
    "stream_audio_url",
    "source_stream_audio_url",
    "image_url",
    "source_image_url",
    "prompt",
    "model_name",
    "title",
    "tags",
    "createTime",
    "duration",
]


def music(*tasks: Music, **rest: Any) -> Script:
    """Return a script of music tasks."""
    return Script(suno=SunoScript(music=tasks or (Music(takes=LATER),), **rest))


# Callbacks and records


async def test_text_first_and_complete_arrive_in_order_and_in_snake_case() -> None:
    async with Stage(music(Music(takes=SOON))) as stage:
        task_id = await stage.make_music()
        received = await stage.receiver.wait_for(3)

    bodies = [message.body for message in received]
    assert [body["data"]["callbackType"] for body in bodies] == ["text", "first", "complete"]
    assert {body["code"] for body in bodies} == {200}
    assert bodies[2]["msg"] == "All generated successfully."
    assert {body["data"]["task_id"] for body in bodies} == {task_id}
    assert [len(body["data"]["data"]) for body in bodies] == [2, 2, 2]
    assert all(list(track) == sorted(TRACK_KEYS) for track in bodies[2]["data"]["data"])
    text = bodies[0]["data"]["data"]
    assert [track["audio_url"] for track in text] == ["", ""]
    assert [track["stream_audio_url"] for track in text] == ["", ""], "streams can be heard after a while only"
    assert bodies[1]["data"]["data"][0] == bodies[2]["data"]["data"][0]


async def test_covers_and_sources_are_on_other_hosts_than_pictures() -> None:
    async with Stage(music(Music(takes=SOON))) as stage:
        stage.media.base_url = "http://tempfile.aiquickdraw.com"
        task_id = await stage.make_music()
        await stage.receiver.wait_for(3)
        track = (await stage.music_record(task_id))["data"]["response"]["sunoData"][0]
        files = {key: await stage.files.get(url) for key, url in track.items() if key.endswith("Url")}

    assert {key: urlsplit(track[key]).hostname for key in files} == {
        "audioUrl": "musicfile.kie.ai",
        "sourceAudioUrl": "cdn1.suno.ai",
        "streamAudioUrl": "musicfile.kie.ai",
        "sourceStreamAudioUrl": "audiopipe.suno.ai",
        "imageUrl": "musicfile.kie.ai",
        "sourceImageUrl": "cdn2.suno.ai",
    }
    assert {file.status_code for file in files.values()} == {200}


@pytest.mark.parametrize(
    ("model", "engine"),
    [("V5", "chirp-crow"), ("V5_5", "chirp-fenix"), ("V4_5ALL", "chirp-auk-turbo"), ("V4", "chirp-v4")],
)
async def test_a_records_type_is_the_name_of_the_engine(model: str, engine: str) -> None:
    async with Stage(music()) as stage:
        record = (await stage.music_record(await stage.make_music(model=model)))["data"]

    assert record["type"] == engine


async def test_a_title_is_made_from_the_text_when_none_is_given() -> None:
    async with Stage(music(Music(takes=SOON))) as stage:
        await stage.make_music(title=None, prompt="quiet rivers of the north")
        (*_, complete) = await stage.receiver.wait_for(3)

    assert complete.body["data"]["data"][0]["title"] == "Quiet Rivers Of"


async def test_the_record_has_the_same_tracks_in_camel_case() -> None:
    async with Stage(music(Music(takes=SOON))) as stage:
        task_id = await stage.make_music()
        (*_, complete) = await stage.receiver.wait_for(3)
        answer = await stage.music_record(task_id)

    record = answer["data"]
    assert (answer["code"], record["status"], record["taskId"]) == (200, "SUCCESS", task_id)
    assert isinstance(record["param"], str)
    found, sent = record["response"]["sunoData"], complete.body["data"]["data"]
    assert [set(track) for track in found] == [{re.sub("_(.)", lambda m: m[1].upper(), key) for key in TRACK_KEYS}] * 2
    for mine, theirs in zip(found, sent, strict=True):
        assert (mine["id"], mine["audioUrl"], mine["imageUrl"], mine["modelName"], mine["createTime"]) == (
            theirs["id"],
            theirs["audio_url"],
            theirs["image_url"],
            theirs["model_name"],
            theirs["createTime"],
        )


async def test_the_finished_files_can_be_fetched_and_the_end_is_reported_with_their_urls() -> None:
    async with Stage(music(Music(takes=SOON))) as stage:
        task_id = await stage.make_music()
        (*_, complete) = await stage.receiver.wait_for(3)
        tracks = complete.body["data"]["data"]
        files = ("audio_url", "source_audio_url", "image_url", "source_image_url")
        urls = [track[key] for track in tracks for key in files]
        types = [(await stage.files.get(url)).headers["content-type"] for url in urls]

    assert types == ["audio/mpeg", "audio/mpeg", "image/jpeg", "image/jpeg"] * 2
    (ended,) = stage.notes.of("task.ended")
    assert (ended["task_id"], ended["outcome"], ended["urls"]) == (task_id, "success", urls)
    published = stage.notes.of("picture.published")
    assert [picture["mark"] for picture in published] == [
        {"kind": "cover", "number": 1, "part": part} for part in (0, 0, 1, 1)
    ]


async def test_the_record_can_have_other_files_than_the_callback() -> None:
    task = Music(takes=SOON, record_audio="another", record_cover=Picture(2048, 1152, format="jpeg"))
    async with Stage(music(task)) as stage:
        task_id = await stage.make_music()
        (*_, complete) = await stage.receiver.wait_for(3)
        record = await stage.music_record(task_id)
        files = [
            (await stage.files.get(song[key])).headers["content-type"]
            for song in record["data"]["response"]["sunoData"]
            for key in ("audioUrl", "imageUrl")
        ]

    shown = ("audio_url", "source_audio_url", "image_url", "source_image_url")
    recorded = ("audioUrl", "sourceAudioUrl", "imageUrl", "sourceImageUrl")
    sent = [song[key] for song in complete.body["data"]["data"] for key in shown]
    found = [song[key] for song in record["data"]["response"]["sunoData"] for key in recorded]
    assert set(sent).isdisjoint(found)
    assert files == ["audio/mpeg", "image/jpeg"] * 2
    (ended,) = stage.notes.of("task.ended")
    assert set(ended["urls"]) == {*sent, *found}, "all of them are results of the task"


async def test_the_record_can_have_no_cover() -> None:
    async with Stage(music(Music(takes=SOON, record_cover=None))) as stage:
        task_id = await stage.make_music()
        (*_, complete) = await stage.receiver.wait_for(3)
        record = await stage.music_record(task_id)

    songs = record["data"]["response"]["sunoData"]
    assert all("imageUrl" not in song for song in songs)
    assert [song["audioUrl"] for song in songs] == [song["audio_url"] for song in complete.body["data"]["data"]]


@pytest.mark.parametrize(("which", "silent"), [("first", 0), ("second", 1)])
async def test_one_of_the_two_songs_can_lack_its_audio(which: Any, silent: int) -> None:
    async with Stage(music(Music(takes=SOON, without_audio=which))) as stage:
        task_id = await stage.make_music()
        (*_, complete) = await stage.receiver.wait_for(3)
        record = await stage.music_record(task_id)

    sent = complete.body["data"]["data"]
    assert [bool(song["audio_url"]) for song in sent] == [silent == 1, silent == 0]
    assert sent[silent]["image_url"], "a song has its cover before its audio"
    assert "duration" not in sent[silent]
    assert [song["audioUrl"] for song in record["data"]["response"]["sunoData"]] == [song["audio_url"] for song in sent]
    assert record["data"]["status"] == "SUCCESS"


async def test_the_complete_callback_can_have_covers_and_no_audio() -> None:
    async with Stage(music(Music(takes=SOON, complete_carries="covers"))) as stage:
        task_id = await stage.make_music()
        (*_, complete) = await stage.receiver.wait_for(3)
        record = await stage.music_record(task_id)

    for song, recorded in zip(complete.body["data"]["data"], record["data"]["response"]["sunoData"], strict=True):
        assert (song["audio_url"], song["stream_audio_url"], song["duration"]) == ("", "", None)
        assert song["image_url"] == recorded["imageUrl"]
        assert recorded["audioUrl"]


async def test_a_callback_can_have_an_undocumented_type_and_an_error_can_follow_complete() -> None:
    sends: Any = ("text", "progress", "first", "complete", "error")
    async with Stage(music(Music(takes=SOON, sends=sends, apart_s=0.001), credits=100)) as stage:
        task_id = await stage.make_music()
        received = await stage.receiver.wait_for(5)
        record = await stage.music_record(task_id)

    assert [message.body["data"]["callbackType"] for message in received] == list(sends)
    progress, error = received[1].body, received[4].body
    assert (progress["code"], [song["audio_url"] for song in progress["data"]["data"]]) == (200, ["", ""])
    assert (error["code"], error["data"]["data"]) == (501, None)
    assert record["data"]["status"] == "SUCCESS"
    assert [change["change"] for change in stage.notes.of("credits")] == [-12], "what is finished is not refunded"


async def test_tags_can_be_large_in_callbacks_and_records() -> None:
    async with Stage(music(Music(takes=SOON, tags_bytes=120 * 1024))) as stage:
        task_id = await stage.make_music(style="jazz")
        (*_, complete) = await stage.receiver.wait_for(3)
        record = await stage.music_record(task_id)
    tags = complete.body["data"]["data"][0]["tags"]
    assert 119 * 1024 < len(tags) <= 121 * 1024
    assert set(tags.split(", ")) == {"jazz"}
    assert record["data"]["response"]["sunoData"][0]["tags"] == tags


async def test_durations_have_hundredths() -> None:
    async with Stage(music(Music(takes=SOON))) as stage:
        await stage.make_music()
        (*_, complete) = await stage.receiver.wait_for(3)
    lasts = [song["duration"] for song in complete.body["data"]["data"]]
    assert all(120 < seconds < 240 and seconds != int(seconds) for seconds in lasts)


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [("hex", "[0-9a-f]{32}"), ("uuid", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), ("prefixed", "task_[0-9a-f]{32}")],
)
async def test_task_ids_can_have_another_shape(shape: Any, pattern: str) -> None:
    script = Script(
        suno=SunoScript(music=(Music(takes=SOON),), task_ids=shape),
        kie=KieScript(images=(Image(takes=SOON),), task_ids=shape),
    )
    async with Stage(script) as stage:
        song, picture = await stage.make_music(), await stage.make_job()
        (*_, complete) = await stage.receiver.wait_for(3)
        records = [(await stage.music_record(song))["data"], (await stage.job_record(picture))["data"]]

    assert re.fullmatch(pattern, song)
    assert re.fullmatch(pattern, picture)
    assert complete.body["data"]["task_id"] == song
    assert [record["taskId"] for record in records] == [song, picture]


async def test_at_first_the_record_is_pending_and_has_no_tracks() -> None:
    async with Stage(music(Music(takes=Never()))) as stage:
        answer = await stage.music_record(await stage.make_music())

    assert answer["code"] == 200
    assert (answer["data"]["status"], answer["data"]["response"]) == ("PENDING", None)


async def test_the_record_goes_through_four_statuses_to_the_end() -> None:
    seen: list[str] = []
    async with Stage(music(Music(takes=Fixed(0.5)), queries_per_s=1_000)) as stage:
        task_id = await stage.make_music()
        while "SUCCESS" not in seen:
            status = (await stage.music_record(task_id))["data"]["status"]
            seen += [status] if status not in seen else []
            await asyncio.sleep(0.01)

    assert seen == ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]


@pytest.mark.parametrize(("records", "code"), [("live", 200), ("documented", 422)])
async def test_an_unknown_task_is_a_success_without_data_and_in_the_documentation_a_422(
    records: Any, code: int
) -> None:
    async with Stage(music(records=records)) as stage:
        answer = await stage.music_record("0" * 32)

    assert (answer["code"], answer["data"]) == (code, None)


async def test_the_fourth_query_of_a_task_within_a_second_is_throttled() -> None:
    async with Stage(music()) as stage:
        task_id, other = await stage.make_music(), await stage.make_music()
        codes = [(await stage.music_record(task_id))["code"] for _ in range(4)]
        of_other = (await stage.music_record(other))["code"]

    assert (codes, of_other) == ([200, 200, 200, 429], 200)
    (limited,) = stage.notes.of("rate.limited")
    assert (limited["endpoint"], limited["allowed"], limited["window_s"]) == ("/api/v1/generate/record-info", 3, 1)


@pytest.mark.parametrize(("carries", "data"), [("empty", []), ("null", None)])
async def test_a_text_callback_can_have_no_tracks(carries: TextCarries, data: Any) -> None:
    async with Stage(music(Music(takes=SOON, sends=("text",), text_carries=carries))) as stage:
        await stage.make_music()
        (text,) = await stage.receiver.wait_for(1)

    assert text.body["data"]["data"] == data


async def test_streams_can_be_played_while_the_audio_is_still_generated() -> None:
    async with Stage(music(Music(takes=Fixed(0.2), sends=("complete",)))) as stage:
        task_id = await stage.make_music()
        at_first = (await stage.music_record(task_id))["data"]
        await asyncio.sleep(0.08)
        then = (await stage.music_record(task_id))["data"]

    assert at_first["response"] is None
    assert then["status"] == "TEXT_SUCCESS"
    assert [(bool(track["streamAudioUrl"]), track["audioUrl"]) for track in then["response"]["sunoData"]] == [
        (True, "")
    ] * 2


async def test_a_complete_callback_can_be_empty() -> None:
    async with Stage(music(Music(takes=SOON, sends=("complete",), empty_complete=True))) as stage:
        await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)

    assert (complete.body["code"], complete.body["data"]["data"]) == (200, [])


async def test_callbacks_can_be_missing_while_the_record_is_complete() -> None:
    async with Stage(music(Music(takes=SOON, callbacks="never"))) as stage:
        task_id = await stage.make_music()
        await stage.notes.wait_for("task.ended")
        answer = await stage.music_record(task_id)

    assert answer["data"]["status"] == "SUCCESS"
    assert stage.notes.of("callback.attempt") == []


@pytest.mark.parametrize("lags_s", [60.0, math.inf])
async def test_a_record_can_lag_behind_the_callback_even_for_ever(lags_s: float) -> None:
    async with Stage(music(Music(takes=SOON, record_lags_s=lags_s))) as stage:
        task_id = await stage.make_music()
        await stage.receiver.wait_for(3)
        answer = await stage.music_record(task_id)

    assert (answer["data"]["status"], answer["data"]["response"]) == ("PENDING", None)


async def test_camel_case_and_snake_case_can_be_swapped() -> None:
    async with Stage(music(Music(takes=SOON, sends=("complete",), swapped_case=True))) as stage:
        task_id = await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)
        record = (await stage.music_record(task_id))["data"]

    assert complete.body["data"]["taskId"] == task_id
    assert "audioUrl" in complete.body["data"]["data"][0]
    assert record["task_id"] == task_id
    assert {"audio_url", "createTime"} <= set(record["response"]["suno_data"][0])


async def test_a_callback_can_have_a_top_level_task_id_as_on_the_security_page() -> None:
    async with Stage(music(Music(takes=SOON, sends=("complete",), task_id_on_top=True))) as stage:
        task_id = await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)

    assert complete.body["taskId"] == task_id
    assert list(complete.body["data"]) == ["callbackType", "data"]


async def test_a_finished_record_can_have_an_unknown_status() -> None:
    async with Stage(music(Music(takes=SOON, unknown_status=True))) as stage:
        task_id = await stage.make_music()
        before = (await stage.music_record(task_id))["data"]["status"]
        await stage.receiver.wait_for(3)
        record = (await stage.music_record(task_id))["data"]

    assert before == "PENDING"
    assert record["status"] == "PROCESSED"
    assert all(track["audioUrl"] for track in record["response"]["sunoData"])


async def test_in_live_answers_a_tracks_time_is_epoch_milliseconds() -> None:
    async with Stage(music(Music(takes=SOON, sends=("complete",)))) as stage:
        task_id = await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)
        record = (await stage.music_record(task_id))["data"]

    (created_at,) = {record["response"]["sunoData"][0]["createTime"], complete.body["data"]["data"][0]["createTime"]}
    assert abs(created_at / 1000 - time.time()) < 60


async def test_in_the_documentations_style_a_tracks_time_is_a_text() -> None:
    async with Stage(music(Music(takes=SOON, sends=("complete",)), records="documented")) as stage:
        task_id = await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)
        record = (await stage.music_record(task_id))["data"]

    times = {record["response"]["sunoData"][0]["createTime"], complete.body["data"]["data"][0]["createTime"]}
    (text,) = times
    assert time.strptime(text, "%Y-%m-%d %H:%M:%S")
    assert isinstance(record["createTime"], int)


async def test_a_new_task_can_be_invisible_for_a_moment() -> None:
    async with Stage(music(Music(takes=Never()), invisible_s=0.05)) as stage:
        task_id = await stage.make_music()
        at_first = await stage.music_record(task_id)
        await asyncio.sleep(0.06)
        then = await stage.music_record(task_id)

    assert at_first == {"code": 200, "msg": "success", "data": None}
    assert (then["code"], then["data"]["taskId"]) == (200, task_id)


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("null", None),
        ("empty", ""),
        ("undefined", "undefined"),
        ("private", "http://169.254.169.254/latest/meta-data/cover.png"),
    ],
)
async def test_the_cover_can_be_replaced_by_another_value(text: Any, stands: str | None) -> None:
    async with Stage(music(Music(takes=SOON, sends=("complete",), cover_url=text))) as stage:
        await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)

    assert [track["image_url"] for track in complete.body["data"]["data"]] == [stands, stands]


@pytest.mark.parametrize("task", [Music(cover_url="missing"), Music(cover=None)])
async def test_the_cover_can_be_missing(task: Music) -> None:
    quick = Music(takes=SOON, sends=("complete",), cover=task.cover, cover_url=task.cover_url)
    async with Stage(music(quick)) as stage:
        await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)

    assert all("image_url" not in track for track in complete.body["data"]["data"])


async def test_a_cover_has_the_scripted_size_and_the_watermark_of_its_original_size() -> None:
    cover = Picture(2048, 1152, made_width=360, made_height=360, format="jpeg")
    async with Stage(music(Music(takes=SOON, cover=cover))) as stage:
        await stage.make_music()
        await stage.receiver.wait_for(3)

    assert [(picture["size"], picture["made"]) for picture in stage.notes.of("picture.published")] == [
        ([2048, 1152], [360, 360])
    ] * 4


async def test_an_error_callback_can_have_an_empty_list() -> None:
    failing = Music(takes=SOON, fails=Failure(501, when="after-generating"), error_carries="empty")
    async with Stage(music(failing)) as stage:
        await stage.make_music()
        (error,) = await stage.receiver.wait_for(1)

    assert (error.body["code"], error.body["data"]["data"]) == (501, [])


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (400, "SENSITIVE_WORD_ERROR"),
        (413, "SENSITIVE_WORD_ERROR"),
        (408, "GENERATE_AUDIO_FAILED"),
        (500, "CREATE_TASK_FAILED"),
        (501, "GENERATE_AUDIO_FAILED"),
        (531, "GENERATE_AUDIO_FAILED"),
    ],
)
async def test_a_failed_generation_sends_an_error_callback_and_refunds(code: int, status: str) -> None:
    failing = Music(takes=SOON, fails=Failure(code, "it went wrong", when="after-generating"))
    async with Stage(music(failing, credits=100)) as stage:
        task_id = await stage.make_music()
        (error,) = await stage.receiver.wait_for(1)
        record = (await stage.music_record(task_id))["data"]
        balance = (await stage.api.get("/api/v1/chat/credit")).json()["data"]

    assert error.body == {
        "code": code,
        "msg": "it went wrong",
        "data": {"callbackType": "error", "task_id": task_id, "data": None},
    }
    assert (record["status"], record["errorCode"], record["errorMessage"]) == (status, code, "it went wrong")
    assert balance == 100
    (ended,) = stage.notes.of("task.ended")
    assert (ended["outcome"], ended["code"]) == ("failed", code)


async def test_when_the_complete_callback_is_given_up_the_record_reports_it_and_keeps_the_audio() -> None:
    rules = DeliveryRules(retries_after_s=(0.01,))
    script = music(Music(takes=SOON, sends=("complete",)), delivery=rules)
    async with Stage(script, Receiver([500])) as stage:
        task_id = await stage.make_music()
        await stage.notes.wait_for("callback.given-up")
        record = (await stage.music_record(task_id))["data"]

    assert record["status"] == "CALLBACK_EXCEPTION"
    assert all(track["audioUrl"] for track in record["response"]["sunoData"])


# Strays


async def test_a_forgery_names_the_first_real_task_and_smuggles_other_urls_in() -> None:
    script = music(Music(takes=SOON, sends=("complete",)), strays=(Stray(0.0, "forgery", "unsigned"),))
    async with Stage(script, signing_key="shared key") as stage:
        task_id = await stage.make_music()
        forged, genuine = await stage.receiver.wait_for(2)

    assert forged.body["data"]["task_id"] == task_id
    assert "x-webhook-signature" not in forged.headers
    assert "x-webhook-signature" in genuine.headers
    stolen, true = (
        {track[key] for track in message.body["data"]["data"] for key in ("audio_url", "image_url")}
        for message in (forged, genuine)
    )
    assert stolen.isdisjoint(true)
    first, second = stage.notes.of("callback.attempt")
    assert (first["callback"], first["genuine"]) == ("forgery:unsigned", False)
    assert (second["callback"], second["genuine"]) == ("complete", True)
    assert stage.notes.of("picture.published")[0]["mark"]["number"] >= 60_000


async def test_the_callback_of_an_old_music_task_is_of_an_unknown_task() -> None:
    async with Stage(music(Music(takes=Never()), strays=(Stray(0.01, "old-music"),))) as stage:
        task_id = await stage.make_music()
        (old,) = await stage.receiver.wait_for(1)

    assert old.body["data"]["callbackType"] == "complete"
    assert re.fullmatch("[0-9a-f]{32}", old.body["data"]["task_id"])
    assert old.body["data"]["task_id"] != task_id
    assert stage.notes.of("callback.attempt")[0]["callback"] == "old-music"


async def test_strays_come_once_a_run() -> None:
    async with Stage(music(Music(takes=Never()), strays=(Stray(0.0, "old-music"),))) as stage:
        await stage.make_music()
        await stage.make_music()
        await stage.notes.wait_for("callback.answered")

    assert len(stage.receiver.received) == 1
