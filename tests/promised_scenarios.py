"""The cases that the catalogue must contain: each phrase, its scenario, and the value in that
scenario.

A path leads through the scenario's value: `kie`, `suno` and `media` are the scripts, a number is a list's entry.
"""

from typing import Any

from harness.fakes.latency import Bimodal, Fixed, Lognormal, Never
from harness.fakes.script import COVER, Failure, Picture
from harness.faults.connections import ConnectionRefused
from harness.faults.delays import DribbledBody, SlowAnswer, SlowConnect
from harness.scenario.platform import BackgroundLimit

MINUTE_S, DAY_S = 60.0, 86_400.0
HEALTHY = Picture()
HTTP_500 = Failure(500, as_http=True)


def _takes(seconds: float) -> tuple[str, str, str, Any]:
    return (f"T = {seconds:g} s", f"slow/image-{seconds:g}s", "kie.images.0.takes", Fixed(seconds))


def _code(code: int, name: str, which: int = 0) -> tuple[str, str, str, Any]:
    return (f"code {code}", f"failing/{name}", f"kie.images.{which}.fails.code", code)


def _fault(phrase: str, name: str, fault: str) -> tuple[str, str, str, Any]:
    return (phrase, name, "faults.0.fault.name", fault)


def _picture(phrase: str, name: str, **made: Any) -> tuple[str, str, str, Any]:
    return (phrase, f"low-resolution/{name}", "kie.images.0.picture", Picture(**made))


def _sized(phrase: str, name: str, width: int, height: int) -> tuple[str, str, str, Any]:
    return _picture(phrase, name, width=width, height=height)


PROMISED: list[tuple[str, str, str, Any]] = [
    # baseline
    ("everything healthy", "baseline/healthy", "kie.images.0.picture", HEALTHY),
    ("healthy with a 360x360 cover", "baseline/healthy-small-cover", "suno.music.0.cover", COVER),
    ("healthy with no cover", "baseline/healthy-no-cover", "suno.music.0.cover", None),
    ("twenty tracks in parallel", "baseline/healthy-twenty-tracks", "tracks", 20),
    # slow
    *map(_takes, (5.0, 14.0, 16.0, 30.0, 59.0, 61.0, 74.0, 76.0, 299.0, 301.0)),
    ("typical lognormal", "slow/image-lognormal", "kie.images.0.takes", Lognormal(8.0, 40.0)),
    ("bimodal with a long tail", "slow/image-long-tail", "kie.images.0.takes", Bimodal(Fixed(8.0), Fixed(300.0), 0.33)),
    ("answers after the client gave up", "slow/image-after-client-gave-up", "kie.images.0.takes", Fixed(600.0)),
    ("never answers", "slow/image-never", "kie.images.0.takes", Never()),
    _fault("never answers, with the work done", "slow/image-answer-never-sent", "never-answers"),
    ("body one byte a second", "slow/image-answer-dribbles", "faults.0.fault", DribbledBody(bytes=1, every_s=1.0)),
    ("slow connect", "slow/image-connection-takes-30s", "faults.0.fault", SlowConnect(takes_s=30.0)),
    ("slow picture download", "slow/picture-download-waits-40s", "faults.0.fault", SlowAnswer(takes_s=40.0)),
    ("music slow", "slow/music-8m", "suno.music.0.takes", Fixed(8 * MINUTE_S)),
    ("record-info lags behind the callback", "slow/record-lags-5m", "suno.music.0.record_lags_s", 5 * MINUTE_S),
    ("stuck in waiting", "slow/image-stuck-in-waiting", "kie.images.0.waits_s", float("inf")),
    # failing
    ("HTTP 500 once", "failing/http-500-once", "kie.images.0.fails", HTTP_500),
    ("HTTP 500 once, then well", "failing/http-500-once", "kie.images.1.fails", None),
    ("HTTP 500 always", "failing/http-500-always", "kie.images", 1),
    ("HTTP 200 with code 500 once", "failing/code-500-once", "kie.images.0.fails", Failure(500)),
    ("HTTP 200 with code 500 always", "failing/code-500-always", "kie.images", 1),
    _code(401, "code-401"),
    _code(402, "code-402"),
    ("404 (documented profile)", "failing/http-404-documented", "kie.profile", "documented"),
    _code(422, "code-422"),
    ("429 with Retry-After", "failing/http-429-retry-after", "kie.images.0.fails.retry_after_s", 20.0),
    ("429 without Retry-After", "failing/code-429", "kie.images.0.fails", Failure(429)),
    _code(451, "code-451"),
    _code(455, "code-455"),
    _code(501, "code-501-once"),
    _code(505, "code-505"),
    _code(531, "code-531-once"),
    ("502 with an HTML page", "failing/http-502-html", "kie.images.0.fails", Failure(502, as_http=True, html=True)),
    ("524 with an HTML page", "failing/http-524-html", "kie.images.0.fails.html", True),
    ("connection refused", "failing/connection-refused", "faults.0.fault", ConnectionRefused()),
    _fault("reset before the answer", "failing/reset-before-answer", "reset-before-answer"),
    _fault("reset in the middle of the body", "failing/reset-in-body", "reset-in-body"),
    _fault("empty body", "failing/empty-body", "empty-body"),
    _fault("broken JSON", "failing/broken-json", "broken-json"),
    _fault("cut-off JSON", "failing/cut-off-json", "cut-off-json"),
    _fault("wrong content type", "failing/wrong-content-type", "wrong-content-type"),
    _fault("corrupt gzip", "failing/corrupt-gzip", "corrupt-gzip"),
    _fault("oversized body", "failing/oversized-body", "oversized-body"),
    ("data null", "failing/data-null", "kie.images.0.answer", "data-null"),
    ("only a taskId although no callBackUrl was sent", "failing/task-id-only", "kie.images.0.answer", "task-id-only"),
    ("imageUrl missing", "failing/image-url-missing", "kie.images.0.picture_url", "missing"),
    ("imageUrl empty", "failing/image-url-empty", "kie.images.0.picture_url", "empty"),
    ('imageUrl "undefined"', "failing/image-url-undefined", "kie.images.0.picture_url", "undefined"),
    ("imageUrl relative", "failing/image-url-relative", "kie.images.0.picture_url", "relative"),
    ("outage that ends after ten minutes", "failing/outage-of-ten-minutes", "faults.0.until_s", 10 * MINUTE_S),
    ("HTTP-status errors", "failing/errors-as-http-status", "kie.errors_as_http", True),
    # low-resolution
    ("cover 360x360", "low-resolution/only-the-cover-360", "suno.music.0.cover", COVER),
    _sized("1024x576", "image-1024x576", 1024, 576),
    _sized("2048x1024", "image-2048x1024", 2048, 1024),
    _sized("2047x1152", "image-2047x1152", 2047, 1152),
    _sized("1152x2048 portrait", "image-portrait", 1152, 2048),
    _sized("2560x1440 (fine)", "image-2560x1440-is-fine", 2560, 1440),
    _sized("4096x2304 (fine)", "image-4096x2304-is-fine", 4096, 2304),
    ("answer claims 2048x1152", "low-resolution/answer-claims-2k", "kie.images.0.answer", "claims-size"),
    _sized("but the picture is 360x360", "answer-claims-2k", 360, 360),
    _picture("enlarged from 360x360", "enlarged-from-360", made_width=360, made_height=360),
    _picture("picture cut off after the header", "cut-off-after-header", flaw="cut-off-after-header"),
    _picture("header lies about the size", "header-lies", flaw="header-lies"),
    _picture("HTML page served as image/png", "html-as-image", flaw="html-as-image"),
    _picture("SVG", "svg", flaw="svg"),
    _picture("zero bytes with 200", "zero-bytes", flaw="zero-bytes"),
    _picture("JPEG whose EXIF thumbnail comes first", "exif-thumbnail-first", flaw="exif-thumbnail-first"),
    _picture("EXIF rotation", "exif-rotated", flaw="exif-rotated"),
    _picture("EXIF rotation that turns it away", "exif-rotated-away", flaw="exif-rotated-away"),
    _picture("CMYK", "cmyk", flaw="cmyk"),
    _picture("16-bit", "sixteen-bit", flaw="sixteen-bit"),
    _picture("metadata over 64 KiB before the size", "metadata-first", flaw="metadata-first"),
    _picture("animated WebP", "webp-animated", format="webp-animated"),
    _picture("VP8", "webp-vp8", format="webp"),
    _picture("VP8L", "webp-vp8l", format="webp-lossless"),
    _picture("VP8X WebP", "webp-vp8x", format="webp-extended"),
    ("HEAD differs from GET", "low-resolution/head-differs", "media.head_differs", True),
    ("Range ignored", "low-resolution/range-ignored", "media.ignores_range", True),
    _sized("URL that says 2048 but is not", "claims-2048-is-360", 360, 360),
    ("error status with an image body", "media/status-403-with-picture", "media.status_with_image", 403),
    # callbacks
    ("no image_url", "callbacks/cover-url-missing", "suno.music.0.cover_url", "missing"),
    ("image_url null", "callbacks/cover-url-null", "suno.music.0.cover_url", "null"),
    ('image_url ""', "callbacks/cover-url-empty", "suno.music.0.cover_url", "empty"),
    ('image_url "undefined"', "callbacks/cover-url-undefined", "suno.music.0.cover_url", "undefined"),
    (
        "text, first, complete",
        "callbacks/text-first-complete",
        "suno.music.0.sends",
        ("text", "first", "complete"),
    ),
    ("complete only", "callbacks/complete-only", "suno.music.0.sends", ("complete",)),
    ("first after complete", "callbacks/first-after-complete", "suno.music.0.sends", ("text", "complete", "first")),
    ("duplicate complete", "callbacks/duplicate-complete", "suno.music.0.sends.3", "complete"),
    ("concurrent duplicates", "callbacks/concurrent-duplicates", "suno.music.0.apart_s", 0.0),
    (
        "redelivered because the answer was late, after a minute",
        "callbacks/redelivered-after-a-minute",
        "suno.delivery.retries_after_s.0",
        MINUTE_S,
    ),
    ("redelivered at once", "callbacks/redelivered-at-once", "suno.delivery.retries_after_s.0", 0.0),
    (
        "complete before the create answer arrives",
        "callbacks/complete-before-create-answer",
        "faults.0.fault",
        SlowAnswer(takes_s=3.0),
    ),
    ("complete before the row exists", "callbacks/complete-before-row", "suno.music.0.takes", Fixed(0.0)),
    ("image callback before the music callback", "callbacks/image-before-music", "suno.strays.0.what", "unknown-image"),
    ("lyrics at the address for music", "callbacks/lyrics-at-the-music-address", "suno.strays.0.what", "lyrics"),
    (
        "own cover at the address for music",
        "callbacks/own-cover-at-the-music-address",
        "suno.strays.0.what",
        "own-cover",
    ),
    ("late image callback", "callbacks/image-callback-late", "kie.images.0.callback_late_s", 30 * MINUTE_S),
    ("image callback for an unknown task", "callbacks/image-callback-unknown-task", "suno.strays.0.after_s", 120.0),
    ("image callback never comes", "callbacks/image-callback-never", "kie.images.0.callback", "never"),
    ("music callback never comes", "callbacks/music-callback-never", "suno.music.0.callbacks", "never"),
    ("error callback", "callbacks/error-callback", "suno.music.0.fails.when", "after-generating"),
    ("code 200 with empty data", "callbacks/complete-without-tracks", "suno.music.0.empty_complete", True),
    ("snake_case and camelCase swapped", "callbacks/swapped-case", "suno.music.0.swapped_case", True),
    ("unsigned", "callbacks/forgery-unsigned", "suno.strays.0.forgery", "unsigned"),
    ("forged", "callbacks/forgery-wrong-key", "suno.strays.0.forgery", "forged"),
    ("stale", "callbacks/forgery-stale", "suno.strays.0.forgery", "stale"),
    ("body changed under a valid signature", "callbacks/forgery-altered-body", "suno.strays.0.forgery", "altered"),
    ("private-address image_url", "callbacks/cover-url-private", "suno.music.0.cover_url", "private"),
    (
        "an old task's callback after a newer one",
        "callbacks/old-task-after-newer",
        "suno.strays.0.what",
        "old-music",
    ),
    _fault("lost callbacks", "callbacks/complete-lost-once", "lost-request"),
    _fault("late callbacks", "callbacks/complete-late-on-its-way", "late-request"),
    _fault("reordered callbacks", "callbacks/first-overtaken-by-complete", "reordered-request"),
    _fault("altered callbacks", "callbacks/complete-altered-to-a-failure", "altered-request"),
    _fault("callbacks duplicated on their way", "callbacks/complete-repeated-by-a-proxy", "duplicated-request"),
    # media
    ("404 for the first three seconds", "media/missing-for-3s", "media.missing_for_s", 3.0),
    ("403 for library user agents", "media/refuses-library-agents", "media.refuses_library_agents", True),
    ("expires after ten minutes", "media/expires-after-10m", "media.expires_after_s", 10 * MINUTE_S),
    ("expires after a day", "media/expires-after-1d", "media.expires_after_s", DAY_S),
    ("expires after fourteen days", "media/expires-after-14d", "media.expires_after_s", 14 * DAY_S),
    ("expires after fifteen days", "media/expires-after-15d", "media.expires_after_s", 15 * DAY_S),
    ("content changes later", "media/content-changes-after-10m", "media.changes_after_s", 10 * MINUTE_S),
    ("redirect chain", "media/redirect-chain", "media.redirects", 3),
    ("redirect loop", "media/redirect-loop", "media.redirects", -1),
    ("hot-link blocked", "media/hotlinks-refused", "media.refuses_hotlinks", True),
    # platform
    ("function limit 10 s", "platform/limit-10s", "platform.limit_s", 10.0),
    ("function limit 60 s", "platform/limit-60s", "platform.limit_s", 60.0),
    ("function limit 300 s", "platform/limit-300s", "platform.limit_s", 300.0),
    (
        "instance frozen after the answer",
        "platform/frozen-after-answer",
        "platform.background_limit",
        BackgroundLimit(),
    ),
    ("restart between two callbacks", "platform/restart-between-callbacks", "platform.restarts", 1),
    ("local time west of UTC", "platform/west-of-utc", "timezone", "America/Los_Angeles"),
    ("two instances without shared memory", "platform/two-instances", "platform.instances", 2),
    # drift
    ("imageUrl renamed", "drift/image-url-renamed", "kie.images.0.answer", "renamed"),
    ("result wrapped once more", "drift/result-wrapped", "kie.images.0.answer", "wrapped"),
    ("resultJson already an object", "drift/result-as-object", "kie.images.0.answer", "result-as-object"),
    ("model id retired (422)", "drift/model-retired", "kie.images.0.fails.code", 422),
    ("endpoint moved (404)", "drift/endpoint-moved", "kie.profile", "documented"),
    ("unknown status value", "drift/unknown-state", "kie.images.0.answer", "unknown-state"),
    ("the other dialect", "drift/dialect-sunoapi", "suno.dialect", "sunoapi.org"),
    _fault("message reworded", "drift/message-reworded", "altered-answer"),
    ("records as the documents show them", "drift/records-as-documented", "kie.records", "documented"),
]
"""Phrase, scenario, path and what stands there; of a list without a number its length."""
