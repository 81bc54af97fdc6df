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
STYLE_TAKES = Fixed(2.6)
"""Captured: the median."""
MINUTE_S = 60.0
DAY_S = 86_400.0
STREAMS_LAST_S = 3 * 3_600.0
"""Captured: a stream of 1 h was whole, one of 185 min empty."""

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
StrayKind = Literal["unknown-image", "old-music", "lyrics", "own-cover", "forgery"]


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
    """One task of Kie.ai, whichever endpoint creates it."""

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
class Extra:
    """All tasks of one kind that are ordered beside the music: Suno's own cover, lyrics, an audio format and others."""

    takes: Duration | None = None
    """From creation to the result; None is usual for its kind."""
    fails: Failure | None = None
    """`at-once`: the create request is refused. `after-generating`: a callback reports the failure."""
    callback: Literal["sent", "never"] = "sent"
    callback_late_s: float = 0.0
    """The callback is delayed by this long after the result is there."""
    callback_times: int = 1
    picture: Picture | None = None
    """The two pictures of a cover; None is the usual ones. No other kind has pictures."""


@dataclass(frozen=True, slots=True)
class Extras:
    """The behaviour of what can be ordered beside the music."""

    cover: Extra = Extra()
    lyrics: Extra = Extra()
    wav: Extra = Extra()
    vocal_removal: Extra = Extra()
    mp4: Extra = Extra()
    midi: Extra = Extra()
    style_takes: Duration = STYLE_TAKES
    """Until a style is described, which is answered at once."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A callback that belongs to no task of this run, sent `after_s` seconds after the first track's music task began.

    `unknown-image`: a jobs callback for an unknown task id. `old-music`: a complete callback for an old, unknown task
    id. `lyrics`, `own-cover`: the callback of such a task that this application has not ordered, as where one address
    serves a whole account. A `forgery` pretends to be the complete callback of the first real music task, with other
    URLs in it.
    """

    after_s: float
    what: StrayKind
    forgery: ForgeryKind | None = None
    cover: Picture = COVER
    """The cover in the music, or Suno's own."""


@dataclass(frozen=True, slots=True)
class ImageForgery:
    """A callback that pretends to be that of the first picture task with a callback URL, sent `after_s` seconds after
    the task was created, with another picture in it."""

    after_s: float
    forgery: ForgeryKind
    picture: Picture = Picture()


@dataclass(frozen=True, slots=True)
class Rotation:
    """The signing key is replaced in the middle of a run."""

    from_callback: int
    """The number of the first callback that is signed with the new key, counted from 1 over both providers."""
    known: Literal["both", "old"] = "both"
    """The receiver's configuration: both keys from the start, or only the old one."""


@dataclass(frozen=True, slots=True)
class Signing:
    """How callbacks are signed with the key, and how the receiver got the key. The default is documented; the rest is
    what goes wrong with signatures elsewhere."""

    covers: Literal["task", "body"] = "task"
    """The signed text: task id and timestamp, or timestamp and raw body."""
    retries: Literal["fresh", "first"] = "fresh"
    """The timestamp of a redelivery: its own, or that of the first attempt."""
    ahead_s: float = 0.0
    """Seconds by which the provider's clock is ahead of the receiver's; negative: behind."""
    also_another: bool = False
    """A second signature, with a key that is about to be replaced, stands first in the header, before a comma."""
    key_as: Literal["plain", "with-newline", "with-prefix"] = "plain"
    """What the receiver's configuration has: the key, the key and a line feed, or `whsec_` and the key."""
    rotation: Rotation | None = None
    """How the key is replaced; None: it stays."""


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How callbacks are delivered (documented): 200 within 15 s, else 3 retries."""

    answer_within_s: float = 15.0
    retries_after_s: tuple[float, ...] = (1 * MINUTE_S, 5 * MINUTE_S, 15 * MINUTE_S)
    """Each wait begins when the previous attempt has failed."""
    accepts: Literal["200", "2xx"] = "200"
    stops_at_4xx: bool = False
    """A response from 400 to 499 ends the delivery; by default it is retried like any other. Neither is documented."""
    signing: Signing = Signing()


CALLBACKS = "callback"
"""In place of a path: the callbacks."""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between what a provider sends and its contract; see `harness.fakes.changes` for places."""

    of: str = CALLBACKS
    """The path of the endpoint whose responses it changes, or `CALLBACKS`."""
    when: tuple[tuple[str, str], ...] = ()
    """Only messages with these values: places, and the values as JSON."""
    set: tuple[tuple[str, str], ...] = ()
    """Places, and the new values as JSON; a key that was not there is added."""
    remove: tuple[str, ...] = ()
    """The places of keys that are missing."""


@dataclass(frozen=True, slots=True)
class SunoScript:
    """The behaviour of Suno."""

    music: tuple[Music, ...] = (Music(),)
    variants: tuple[Music, ...] = (Music(),)
    """Songs made from another one: extended, covered, with vocals or instruments added."""
    extras: Extras = Extras()
    delivery: DeliveryRules = DeliveryRules()
    strays: tuple[Stray, ...] = ()
    dialect: DialectName = "kie"
    task_ids: TaskIdShape = "hex"
    models: tuple[str, ...] = ()
    """The accepted models; () accepts the dialect's own."""
    errors_as_http: bool = False
    """The fake's own refusals (key, fields, credits, rate) have their code as the HTTP status, too."""
    records: RecordStyle = "live"
    changes: tuple[Change, ...] = ()
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
    changes: tuple[Change, ...] = ()
    creations_per_10_s: int = 20
    credits: int | None = None
    """The balance at the start; None covers the tracks of the run (`harness.fakes.tasks.balance_for`)."""
    key_quota: int | None = None
    """Credits that the key may spend although the account has more; beyond that is 433. None: no such limit."""


@dataclass(frozen=True, slots=True)
class MediaScript:
    """The behaviour of the hosts that serve audio and pictures."""

    expires_after_s: float = 14 * DAY_S
    streams_last_s: float = STREAMS_LAST_S
    """From this age on a stream is HTTP 200 with an empty body."""
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
    signed_for_s: float | None = None
    """The same, and from this age on the signature is refused, too."""
    gzip: bool = False
    """Files are compressed for clients that accept gzip."""
    content_type: str | None = None
    """The type of every file, whatever it is; None for its own."""
    etag: bool = False
    """Files have an ETag, and a request that knows it gets 304 without a body."""
    wrong_range: bool = False
    """A range request gets 206 with the second half of the file, whatever it asked for."""


@dataclass(frozen=True, slots=True)
class Script:
    """The behaviour of all providers in one scenario."""

    suno: SunoScript = field(default_factory=SunoScript)
    kie: KieScript = field(default_factory=KieScript)
    media: MediaScript = field(default_factory=MediaScript)
