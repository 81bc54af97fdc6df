"""Scripts: what the providers will do with their next tasks, as frozen values.

A script is data. It contains no provider's field names and does nothing itself: the fakes execute it, a scenario file
is loaded into it, and a test constructs it directly. Entry k of a list is for the k-th task; the last entry applies to
all later ones. Every default is the healthy provider, so `Script()` has no failures at all.
"""

from dataclasses import dataclass, field
from typing import Literal

from harness.fakes.latency import Duration, Fixed

MUSIC_TAKES = Fixed(90.0)
IMAGE_TAKES = Fixed(8.0)
MINUTE_S = 60.0
DAY_S = 86_400.0

CallbackKind = Literal["text", "progress", "first", "complete", "error"]
"""The documented callbacks of a music task, one of an undocumented type (`progress`), and an error that contradicts the
complete callback before it."""
ImageUrlText = Literal["given", "missing", "null", "empty", "undefined", "relative", "private"]
"""The value in place of an image URL: a working URL, no key at all, null, "", "undefined", a path without a host, or a
URL on a private address."""
ImageAnswer = Literal[
    "as-promised",
    "task-id-only",
    "data-null",
    "renamed",
    "wrapped",
    "result-as-object",
    "unknown-state",
    "claims-size",
    "picture-at-once",
]
"""The shape of a picture's response: the contract's; only a task id although no callback was requested; `data: null`;
the URL's field renamed; the whole result wrapped once more; a JSON string delivered as an object; a finished task in an
unknown state; a size stated beside the URL, the requested one, whatever the picture's is; the picture itself although a
callback was requested (not of a job)."""
ImageCallbackShape = Literal["result-json", "result-urls", "flat"]
"""The place of the URL in a picture's callback: in the JSON string `resultJson`, as for jobs; in the list
`info.result_urls`, as for Kie.ai's other picture models; or directly in `data`, as `imageUrl`."""
DialectName = Literal["kie", "sunoapi.org"]
"""The provider of the music API. They differ in codes, limits, required fields, the path of the balance and
signatures."""
RecordStyle = Literal["live", "documented"]
"""The shapes of records and callbacks: as captured from live traffic, or like the documentation's examples."""
TextCarries = Literal["items", "empty", "null"]
"""The list in a text callback: tracks without audio, `[]` or null; all three have been seen."""
TaskIdShape = Literal["hex", "uuid", "prefixed"]
"""The shape of task ids: 32 hexadecimal digits, as live ones; a UUID with hyphens; or `task_` and 32 digits, like the
documentation's examples. No source says how long they may be."""
ForgeryKind = Literal["unsigned", "forged", "stale", "altered"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file that the media host serves. `made_*` smaller than the size means: enlarged from that."""

    width: int = 2048
    height: int = 1152
    made_width: int | None = None
    made_height: int | None = None
    format: str = "png"
    flaw: str | None = None
    """One of `harness.fakes.pictures.FLAWS`, or None for a valid file."""
    weight: Literal["drawn", "captured"] = "drawn"
    """The weight of a valid PNG: some kilobytes as drawn, or what a provider's file of its size weighs."""


COVER = Picture(width=360, height=360, format="jpeg")


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal or a failed generation. At these providers it normally travels as HTTP 200 with a body code."""

    code: int
    message: str | None = None
    as_http: bool = False
    """True: `code` is also the HTTP status (a genuine HTTP error)."""
    html: bool = False
    """True: the body is a gateway's HTML page instead of JSON."""
    retry_after_s: float | None = None
    when: Literal["at-once", "after-generating"] = "at-once"
    """`at-once`: the request is refused, nothing is charged. `after-generating`: the task is accepted, runs for its
    time and then fails; what was charged is refunded."""


@dataclass(frozen=True, slots=True)
class Music:
    """One music task."""

    takes: Duration = MUSIC_TAKES
    """From creation to the finished audio."""
    sends: tuple[CallbackKind, ...] = ("text", "first", "complete")
    """Callbacks in the order they are sent. `text` is due after a tenth of `takes`, `first` after half, `complete` at
    the end; any other callback, and one listed out of order, or again, is sent `apart_s` after the previous one was
    sent (not answered)."""
    apart_s: float = 1.0
    """Seconds between repeated callbacks; 0 sends concurrent duplicates."""
    callbacks: Literal["sent", "never"] = "sent"
    text_carries: TextCarries = "items"
    error_carries: Literal["null", "empty"] = "null"
    """The list of tracks in an error callback: null or `[]`."""
    empty_complete: bool = False
    """The complete callback has code 200 but no tracks."""
    complete_carries: Literal["tracks", "covers"] = "tracks"
    """The complete callback has the tracks, or only their covers, without audio."""
    without_audio: Literal["first", "second"] | None = None
    """The one of the two songs that never gets its audio."""
    record_audio: Literal["same", "another"] = "same"
    """The audio in records: that of the callbacks, or the same song at another URL."""
    record_cover: Picture | Literal["same"] | None = "same"
    """The cover in records: that of the callbacks, another picture at another URL, or none."""
    task_id_on_top: bool = False
    """Callbacks carry their task id as a top-level `taskId`, as on a security page of the documentation, and not in
    `data`."""
    unknown_status: bool = False
    """The record of a finished task has an unknown status."""
    swapped_case: bool = False
    """Callbacks come in camelCase and records in snake_case: the cases are swapped."""
    cover: Picture | None = COVER
    cover_url: ImageUrlText = "given"
    tags_bytes: int = 0
    """The provider's tags in callbacks and records are about this large; 0 for a few words."""
    fails: Failure | None = None
    """`at-once`: the create request is refused. `after-generating`: an error callback ends the task."""
    record_lags_s: float = 0.0
    """record-info remains PENDING for this long after the callback of the end; infinity is for ever."""


@dataclass(frozen=True, slots=True)
class Image:
    """One picture task, created through either endpoint."""

    takes: Duration = IMAGE_TAKES
    waits_s: float = 0.0
    """The task stays in the state `waiting` for this long before its duration begins; infinity is for ever."""
    picture: Picture = Picture()
    picture_url: ImageUrlText = "given"
    answer: ImageAnswer = "as-promised"
    fails: Failure | None = None
    callback: Literal["sent", "never"] = "sent"
    callback_late_s: float = 0.0
    """The callback is delayed by this long after the picture is finished."""
    callback_times: int = 1
    callback_shape: ImageCallbackShape = "result-json"
    error_after_s: float | None = None
    """A callback that contradicts the success: an error, this long after the last callback with the picture."""
    task_id_on_top: bool = False
    """The callback carries its task id as a top-level `taskId`, as on a security page, and not in `data`."""
    record_lags_s: float = 0.0
    """The record remains `generating` for this long after the picture is finished; infinity is for ever."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A callback that belongs to no task of this run, sent `after_s` seconds after the first track's music task began.

    `unknown-image`: a jobs callback for an unknown task id. `old-music`: a complete callback for an old, unknown task
    id. `early-image`: a jobs callback for an unknown task, before any music callback. A `forgery` pretends to be the
    complete callback of the first real music task, with other URLs in it.
    """

    after_s: float
    what: Literal["unknown-image", "old-music", "forgery"]
    forgery: ForgeryKind | None = None
    cover: Picture = COVER
    """The cover in the music."""


@dataclass(frozen=True, slots=True)
class ImageForgery:
    """A callback that pretends to be that of the first picture task with a callback URL, sent `after_s` seconds after
    the task was created, with another picture in it."""

    after_s: float
    forgery: ForgeryKind
    picture: Picture = Picture()


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How callbacks are delivered (documented): 200 within 15 s, else 3 retries."""

    answer_within_s: float = 15.0
    retries_after_s: tuple[float, ...] = (1 * MINUTE_S, 5 * MINUTE_S, 15 * MINUTE_S)
    """Each wait begins when the previous attempt has failed."""
    accepts: Literal["200", "2xx"] = "200"
    stops_at_4xx: bool = False
    """A response from 400 to 499 ends the delivery; by default it is retried like any other. Neither is documented."""


@dataclass(frozen=True, slots=True)
class SunoScript:
    """The behaviour of Suno."""

    music: tuple[Music, ...] = (Music(),)
    delivery: DeliveryRules = DeliveryRules()
    strays: tuple[Stray, ...] = ()
    dialect: DialectName = "kie"
    task_ids: TaskIdShape = "hex"
    models: tuple[str, ...] = ()
    """The accepted models; () accepts the dialect's own."""
    errors_as_http: bool = False
    """The fake's own refusals (key, fields, credits, rate) have their code as the HTTP status, too."""
    records: RecordStyle = "live"
    invisible_s: float = 0.0
    """For this long after creation the record is not found: `data: null`."""
    creations_per_10_s: int = 20
    too_often_code: int | None = None
    """The body code of the rate limit; None is the dialect's own. One table of sunoapi.org has 405 where others have
    430."""
    queries_per_s: int = 3
    """Record queries allowed per task and second."""
    credits: int | None = None
    """The balance at the start; None covers the tracks of the run (`harness.fakes.tasks.balance_for`)."""
    key_quota: int | None = None
    """Credits that the key may spend although the account has more; beyond that is 433. None: no such limit."""


@dataclass(frozen=True, slots=True)
class KieScript:
    """The behaviour of Kie.ai's image endpoints."""

    profile: Literal["synchronous", "documented"] = "synchronous"
    images: tuple[Image, ...] = (Image(),)
    delivery: DeliveryRules = DeliveryRules()
    forgeries: tuple[ImageForgery, ...] = ()
    invisible_s: float = 0.0
    """For this long after creation recordInfo responds with body code 422, "recordInfo is null"."""
    pixel_table: Literal["kie", "bytedance"] = "kie"
    task_ids: TaskIdShape = "hex"
    models: tuple[str, ...] = ()
    """The accepted models; () accepts all, and of the flat endpoint all that the contract names."""
    errors_as_http: bool = False
    """The fake's own refusals (key, fields, credits, rate) have their code as the HTTP status, too."""
    records: RecordStyle = "live"
    creations_per_10_s: int = 20
    credits: int | None = None
    """The balance at the start; None covers the tracks of the run (`harness.fakes.tasks.balance_for`)."""
    key_quota: int | None = None
    """Credits that the key may spend although the account has more; beyond that is 433. None: no such limit."""


@dataclass(frozen=True, slots=True)
class MediaScript:
    """The behaviour of the hosts that serve audio and pictures."""

    expires_after_s: float = 14 * DAY_S
    missing_for_s: float = 0.0
    """A new file responds with 404 for this long."""
    refuses_library_agents: bool = False
    """403 to the default User-Agent of HTTP libraries (python-httpx, python-requests, curl, node, ...)."""
    refuses_hotlinks: bool = False
    """403 to a request from another site's page, detected by the Referer; downloads are not affected."""
    redirects: int = 0
    """Hops before the file itself; -1 is a loop."""
    empty: bool = False
    """HTTP 200 with an empty body for every file."""
    changes_after_s: float | None = None
    """From this age on a file's content is a different, smaller one."""
    ignores_range: bool = False
    head_differs: bool = False
    """HEAD reports another length and type than GET delivers."""
    head_status: int | None = None
    """The status of every HEAD request, as where URLs are signed for GET alone."""
    status_with_image: int | None = None
    """An error status with the right image as its body."""
    without_length: bool = False
    """Files are sent in chunks, without a Content-Length."""
    signed: bool = False
    """URLs have a signature in their query, without which a file is refused with 403."""


@dataclass(frozen=True, slots=True)
class Script:
    """The behaviour of all providers in one scenario."""

    suno: SunoScript = field(default_factory=SunoScript)
    kie: KieScript = field(default_factory=KieScript)
    media: MediaScript = field(default_factory=MediaScript)
