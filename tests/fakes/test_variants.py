"""Songs made from another one: extended, covered, with vocals or instruments added."""

from typing import Any

import pytest

from harness.fakes.latency import Fixed
from harness.fakes.script import Failure, Music, Script, SunoScript
from tests.fakes.stage import CALLBACK_URL, Stage

pytestmark = pytest.mark.asyncio

UPLOAD = "https://files.example/song.mp3"
UPLOADED: dict[str, dict[str, Any]] = {
    "upload-cover": {"customMode": False, "instrumental": True, "model": "V5", "prompt": "rivers"},
    "upload-extend": {"defaultParamFlag": False, "model": "V5"},
    "add-vocals": {"prompt": "rivers", "title": "Rivers", "negativeTags": "metal", "style": "folk"},
    "add-instrumental": {"title": "Rivers", "tags": "folk", "negativeTags": "metal"},
}
SCRIPT = Script(
    suno=SunoScript(music=(Music(takes=Fixed(0.0), callbacks="never"),), variants=(Music(takes=Fixed(0.02)),))
)


async def first_song(stage: Stage) -> tuple[str, str]:
    """Make a song and return the ids of its task and of its first track."""
    task_id = await stage.make_music()
    await stage.notes.wait_for("task.ended")
    record = await stage.music_record(task_id)
    return task_id, record["data"]["response"]["sunoData"][0]["id"]


@pytest.mark.parametrize("name", UPLOADED)
async def test_a_song_from_a_file_has_generates_callbacks_and_its_record(name: str) -> None:
    async with Stage(SCRIPT) as stage:
        body = {"uploadUrl": UPLOAD, "callBackUrl": CALLBACK_URL, **UPLOADED[name]}
        task_id = (await stage.ask(f"/api/v1/generate/{name}", body))["data"]["taskId"]
        received = await stage.receiver.wait_for(3)
        record = (await stage.music_record(task_id))["data"]

    assert [each.body["data"]["callbackType"] for each in received] == ["text", "first", "complete"]
    assert len(received[2].body["data"]["data"]) == 2
    assert (record["operationType"], record["status"]) == (name.replace("-", "_"), "SUCCESS")
    assert [task["what"] for task in stage.notes.of("task.created")] == ["variant"]
    assert stage.notes.of("contract.broken") == []


async def test_an_extension_inherits_what_its_request_does_not_say() -> None:
    async with Stage(SCRIPT) as stage:
        parent, audio_id = await first_song(stage)
        extend = {"defaultParamFlag": False, "audioId": audio_id, "model": "V5", "callBackUrl": CALLBACK_URL}
        await stage.ask("/api/v1/generate/extend", {**extend, "continueAt": 60})
        complete = (await stage.receiver.wait_for(3))[2].body
        own = {**extend, "defaultParamFlag": True, "title": "Loud Rivers", "style": "rock", "prompt": "loud"}
        await stage.ask("/api/v1/generate/extend", own)
        again = (await stage.receiver.wait_for(6))[5].body
        record = (await stage.music_record(complete["data"]["task_id"]))["data"]

    assert [track["title"] for track in complete["data"]["data"]] == ["Quiet Rivers"] * 2
    assert [track["title"] for track in again["data"]["data"]] == ["Loud Rivers"] * 2
    assert record["parentMusicId"] == audio_id
    assert [task.get("parent") for task in stage.notes.of("task.created")] == [None, parent, parent]


async def test_an_extension_of_an_unknown_song_is_refused() -> None:
    async with Stage(SCRIPT) as stage:
        extend = {"defaultParamFlag": False, "audioId": "nobody's", "model": "V5", "callBackUrl": CALLBACK_URL}
        refused = await stage.ask("/api/v1/generate/extend", extend)

    assert (refused["code"], refused["data"]) == (422, None)
    assert stage.notes.of("task.created") == []


async def test_variants_have_a_script_of_their_own() -> None:
    failing = Music(takes=Fixed(0.01), fails=Failure(501, "no luck", when="after-generating"))
    script = SunoScript(music=(Music(takes=Fixed(0.0), callbacks="never"),), variants=(failing,))
    async with Stage(Script(suno=script)) as stage:
        task_id = await stage.make_music()
        body = {"uploadUrl": UPLOAD, "callBackUrl": CALLBACK_URL, **UPLOADED["upload-cover"]}
        await stage.ask("/api/v1/generate/upload-cover", body)
        (received,) = await stage.receiver.wait_for(1)
        record = await stage.music_record(task_id)

    assert (received.body["code"], received.body["data"]["callbackType"]) == (501, "error")
    assert record["data"]["status"] == "SUCCESS"
    assert stage.app.suno.state.fake.requests == 1


async def test_a_long_title_is_refused_where_the_requests_own_texts_count() -> None:
    async with Stage(SCRIPT) as stage:
        _, audio_id = await first_song(stage)
        extend = {"audioId": audio_id, "model": "V4", "callBackUrl": CALLBACK_URL, "title": "x" * 81}
        codes = [
            (await stage.ask("/api/v1/generate/extend", {**extend, "defaultParamFlag": flag}))["code"]
            for flag in (False, True)
        ]

    assert codes == [200, 422]
