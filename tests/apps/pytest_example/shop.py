"""A shop in a few lines: shows whatever cover comes with the music, and says that it is small."""


def on_music(payload, track):
    if payload["code"] != 200:
        return {"status": "failed", "failure_reason": payload["msg"]}
    if payload["data"]["callbackType"] != "complete":
        return None
    song = payload["data"]["data"][0]
    if not song.get("image_url"):
        return {"status": "complete", "audio_url": song["audio_url"], "failure_reason": "there was no picture"}
    label = {"image_label": "low-resolution", "failure_reason": "only the small cover is shown"}
    return {"status": "complete", "audio_url": song["audio_url"], "image_url": song["image_url"], **label}
