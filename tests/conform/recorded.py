"""Recordings for tests, made of the captured shapes: made-up ids, texts and addresses in the providers' messages."""

import json
from pathlib import Path
from typing import Any

import yaml

MESSAGES: dict[str, dict[str, str]] = yaml.safe_load(
    (Path(__file__).parents[1] / "contract" / "captured_shapes.yaml").read_text("utf-8")
)
KIE, APP = "https://api.kie.ai", "https://app.example/callback"
IN_CAPTURES = "0123456789abcdef0123456789abcdef"
JOB, MUSIC, FAILED, COVER, COVER_FAILED, CONTEXT = ("abcdef"[number] * 32 for number in range(6))
ORDER: dict[str, Any] = {
    "model": "bytedance/seedream-v4-text-to-image",
    "input": {"prompt": "p", "image_size": "landscape_16_9", "image_resolution": "2K"},
    "callBackUrl": APP,
}
SONG: dict[str, Any] = {"prompt": "p", "customMode": False, "instrumental": False, "model": "V5"}
RECORD, MUSIC_RECORD = f"{KIE}/api/v1/jobs/recordInfo", f"{KIE}/api/v1/generate/record-info"


def message(name: str, task_id: str = JOB) -> Any:
    """Return a captured message about a task."""
    return json.loads(MESSAGES[name]["message"].replace(IN_CAPTURES, task_id))


def pair(method: str, url: str, sent: Any, received: Any, status: int = 200) -> dict[str, Any]:
    """Return an exchange as a pair."""
    response = {"status": status, "headers": {"Content-Type": "application/json;charset=UTF-8"}, "body": received}
    return {"request": {"method": method, "url": url, "body": sent}, "response": response}


def har(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the same exchanges as a HAR, a second apart."""
    entries = []
    for second, each in enumerate(pairs):
        request, response = each["request"], each["response"]
        headers = [{"name": name, "value": value} for name, value in response["headers"].items()]
        posted = {"mimeType": "application/json", "text": json.dumps(request["body"])}
        asked = {"method": request["method"], "url": request["url"], "headers": []}
        entries.append(
            {
                "startedDateTime": f"2026-04-30T08:00:{second:02d}.000Z",
                "request": asked if request["body"] is None else {**asked, "postData": posted},
                "response": {
                    "status": response["status"],
                    "headers": headers,
                    "content": {"mimeType": "application/json", "text": json.dumps(response["body"])},
                },
            }
        )
    return {"log": {"version": "1.2", "entries": entries}}


def captured() -> list[dict[str, Any]]:
    """Return a recording in which every message has its captured shape."""
    return [
        pair("POST", f"{KIE}/api/v1/jobs/createTask", ORDER, message("create-task")),
        pair("GET", f"{RECORD}?taskId={JOB}", None, message("record-waiting")),
        pair("GET", f"{RECORD}?taskId={JOB}", None, message("record-success")),
        pair("GET", f"{RECORD}?taskId=nothing", None, message("record-unknown")),
        pair("GET", RECORD, None, message("record-without-id")),
        pair("POST", f"{KIE}/api/v1/jobs/createTask", {**ORDER, "model": "none"}, message("refused-model")),
        pair("POST", f"{KIE}/api/v1/jobs/createTask", ORDER, message("unauthorized")),
        pair("GET", f"{KIE}/api/v1/chat/credit", None, message("credits")),
        pair("POST", APP, message("job-callback"), None),
        pair("POST", APP, message("job-callback-failed", FAILED), None),
        pair("POST", f"{KIE}/api/v1/generate", SONG, message("music-without-callback-url")),
        *(
            pair("GET", f"{MUSIC_RECORD}?taskId={MUSIC}", None, message(f"music-record-{stage}", MUSIC))
            for stage in ("painted", "text", "first", "success")
        ),
        pair("GET", f"{MUSIC_RECORD}?taskId=nothing", None, message("music-record-unknown")),
        pair("POST", APP, message("music-callback-first", MUSIC), None),
        pair("GET", f"{KIE}/api/v1/models", None, message("models")),
        pair(
            "GET",
            f"{KIE}/api/v1/flux/kontext/record-info?taskId={CONTEXT}",
            None,
            message("flux-kontext-record", CONTEXT),
        ),
        pair(
            "POST",
            f"{KIE}/api/v1/suno/cover/generate",
            {"taskId": MUSIC, "callBackUrl": APP},
            message("cover-created", COVER),
        ),
        pair("GET", f"{KIE}/api/v1/suno/cover/record-info?taskId={COVER}", None, message("cover-record", COVER)),
        pair("POST", APP, message("cover-callback", COVER), None),
        pair("POST", APP, message("cover-callback-failed", COVER_FAILED), None),
        pair("GET", f"{KIE}/api/v1/wav/record-info?taskId=nothing", None, message("wav-record-unknown")),
    ]
