"""The blocks of a scenario file about the providers: the music, the pictures, and the hosts of their files."""

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from harness.fakes.script import (
    CallbackKind,
    DeliveryRules,
    DialectName,
    ForgeryKind,
    Image,
    ImageAnswer,
    ImageCallbackShape,
    ImageForgery,
    KieScript,
    MediaScript,
    Music,
    Picture,
    RecordStyle,
    Stray,
    StrayKind,
    SunoScript,
    TaskIdShape,
    TextCarries,
)
from harness.scenario.change_fields import ChangeKeys
from harness.scenario.extra_fields import ExtrasKeys
from harness.scenario.fault_fields import Amount
from harness.scenario.fields import (
    ENTRIES_MAX,
    TAKES_EXAMPLES,
    FailureText,
    HttpError,
    Keys,
    Made,
    Many,
    Seconds,
    SecondsOrNever,
    Takes,
    UrlText,
    key,
    text_like,
)
from harness.scenario.image_fields import CoverText, PictureText, SomeCoverText
from harness.scenario.values import found

CREDITS_MAX = 1_000_000
CREATIONS_MAX = 10_000
REDIRECTS_MAX = 50
LOOP = -1
"""The value of `harness.fakes.script` for an endless redirect loop."""


class MusicKeys(Keys):
    """One music task: two tracks with a cover each, and their callbacks."""

    makes = Music
    takes: Takes = key("Duration from the request to the finished audio; default 90s.", *TAKES_EXAMPLES)
    sends: Annotated[Many[CallbackKind], Field(min_length=1)] = key(
        "The callbacks, in the order in which they are sent.", ["complete"], ["text", "complete", "first"]
    )
    apart_s: Seconds = key(
        "Interval before a callback that is repeated, reordered or of no stage; 0s sends it with the one before it.",
        "0s",
        "30s",
    )
    callbacks: Literal["sent", "never"] = key("never: no callback is sent; only the record has the result.", "never")
    text_carries: TextCarries = key("The list of tracks of a text callback.", "empty", "null")
    error_carries: Literal["null", "empty"] = key("The list of tracks of an error callback; default null.", "empty")
    task_id_on_top: bool = key("true: callbacks have their task id as a top-level taskId, not in data.", True)
    unknown_status: bool = key("true: the record of finished music has an undocumented status.", True)
    empty_complete: bool = key("true: the complete callback has code 200 and no tracks.", True)
    complete_carries: Literal["tracks", "covers"] = key(
        "covers: the complete callback has covers but no audio; only the record has it.", "covers"
    )
    without_audio: Literal["first", "second"] = key("The one of the two songs that never gets its audio.", "first")
    record_audio: Literal["same", "another"] = key("another: records have the song at another URL.", "another")
    record_cover: CoverText = key("The cover in records; default the one in callbacks.", "2048x1152", "none")
    swapped_case: bool = key("true: callbacks are in camelCase and records in snake_case, instead of vice versa.", True)
    cover: CoverText = key("The small picture of the music; default a 360x360 JPEG.", "none")
    tags_bytes: Amount = key(
        "The size of the tags in callbacks and records; default a few words.", "120KiB", alias="tags"
    )
    cover_url: UrlText = key("The URL of the cover in callbacks and records.", "missing", "undefined")
    fails: FailureText = key("The request is rejected, or the generation fails.", 501, {"code": 429})
    record_lags_s: SecondsOrNever = key(
        "Duration for which the record says PENDING after the callback; never: forever.", "5m", "never"
    )

    @field_validator("sends")
    @classmethod
    def _contradicts_a_complete(cls, sends: tuple[CallbackKind, ...]) -> tuple[CallbackKind, ...]:
        if "error" in sends and "complete" not in sends[: sends.index("error")]:
            raise ValueError(
                '"error" contradicts a complete callback, so it comes after one; '
                "for music that fails write fails: {code: 501, when: after-generating}"
            )
        return sends

    @field_validator("complete_carries")
    @classmethod
    def _unless_it_is_empty(cls, carries: str, info: ValidationInfo) -> str:
        if info.data.get("empty_complete"):
            raise ValueError("the complete callback is empty; remove this key or empty-complete:")
        return carries


def _accepted(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Accepts = Annotated[Literal["200", "2xx"], BeforeValidator(_accepted), WithJsonSchema({"enum": [200, "200", "2xx"]})]


class DeliveringKeys(Keys):
    """The settings common to the providers that send callbacks and limit requests."""

    answer_within_s: Seconds = key("The timeout of a callback; default 15s.", "15s")
    retries_after_s: Many[Seconds] = key(
        "The delays before redeliveries of a callback; default [1m, 5m, 15m], [] for none.",
        ["0s", "1m", "5m"],
    )
    stops_at_4xx: bool = key("true: a response from 400 to 499 ends the delivery of a callback.", True)
    accepts: Accepts = key("Responses that count as delivered; default 200.", "2xx")
    creations_per_10_s: int = key(
        "Requests accepted in 10 s; default 20.", 20, alias="creations-per-10s", ge=0, le=CREATIONS_MAX
    )
    credits: int = key("Credits of the account at the start; default enough for the tracks.", 0, ge=0, le=CREDITS_MAX)
    key_quota: int = key("Credits that the key may spend, whatever the account has.", 12, ge=0, le=CREDITS_MAX)
    task_ids: TaskIdShape = key(
        "The shape of task ids: 32 hexadecimal digits, a UUID, or task_ and 32 digits; default hex.", "prefixed"
    )
    errors_as_http: bool = key("true: every rejection also has its code as a real HTTP status.", True)
    records: RecordStyle = key(
        "The shapes of records and callbacks: as captured (live, the default) or documented.", "documented"
    )
    models: Many[str] = key("The accepted models; default the provider's own.", ["V5"], min_length=1)
    changes: Many[Made[ChangeKeys]] = key(
        "Differences between its messages and the contract.",
        [{"of": "/api/v1/jobs/recordInfo", "remove": ["data.recordId"]}],
    )

    def given(self) -> dict[str, Any]:
        given = super().given()
        names = ("answer_within_s", "retries_after_s", "accepts", "stops_at_4xx")
        rules = {name: given.pop(name) for name in names if name in given}
        return {**given, "delivery": DeliveryRules(**rules)} if rules else given


class StrayKeys(Keys):
    """An unrequested callback."""

    makes = Stray
    after_s: Seconds = key("Its time, after the first music request.", "200s", default=...)
    what: StrayKind = key("The kind of callback.", "forgery", default=...)
    forgery: ForgeryKind = key("The kind of forgery.", "unsigned", "stale")
    cover: SomeCoverText = key("The cover in forged or old music, or Suno's own; default a 360x360 JPEG.", "2048x1152")

    @field_validator("cover")
    @classmethod
    def _only_of_music(cls, cover: Picture, info: ValidationInfo) -> Picture:
        if info.data.get("what") in ("unknown-image", "lyrics"):
            raise ValueError(f'"{info.data["what"]}" is no music, so it has no cover; remove this key')
        return cover

    @field_validator("forgery")
    @classmethod
    def _only_of_forgeries(cls, forgery: ForgeryKind, info: ValidationInfo) -> ForgeryKind:
        what = info.data.get("what", "forgery")
        if what != "forgery":
            raise ValueError(f'"{what}" is not a forgery; remove this key or write what: forgery')
        return forgery

    @model_validator(mode="after")
    def _says_which(self) -> "StrayKeys":
        if self.what == "forgery" and self.forgery is None:
            raise ValueError("a forgery needs its kind, write forgery: unsigned, forged, stale or altered")
        return self


class SunoKeys(DeliveringKeys):
    """The behaviour of Suno: the music, its covers and its callbacks."""

    makes = SunoScript
    dialect: DialectName = key("The provider of the music API; default kie.", "sunoapi.org")
    music: Many[Made[MusicKeys]] = key(
        "Entry k applies to the k-th music task, the last entry to all later ones.", [{"takes": "8m"}], min_length=1
    )
    variants: Many[Made[MusicKeys]] = key(
        "Entry k applies to the k-th song that is made from another one: extended, covered, with vocals or instruments"
        " added.",
        [{"takes": "8m"}],
        min_length=1,
    )
    extras: Made[ExtrasKeys] = key(
        "What is ordered beside songs: Suno's own cover, lyrics, files.", {"cover": {"takes": "10m"}}
    )
    invisible_s: Seconds = key("Duration for which a new task has no record.", "3s", alias="invisible-for")
    queries_per_s: int = key(
        "Requests per second for a record; default 3.",
        1,
        alias="queries-per-second",
        ge=1,
        le=CREATIONS_MAX,
    )
    strays: Many[Made[StrayKeys]] = key(
        "Unrequested callbacks.", [{"after": "200s", "what": "forgery", "forgery": "unsigned"}]
    )


class ImageKeys(Keys):
    """One task of Kie.ai, whichever endpoint creates it."""

    makes = Image
    takes: Takes = key("Duration from the request to the finished picture; default 8s.", *TAKES_EXAMPLES)
    waits_s: SecondsOrNever = key(
        "Duration of the state waiting before the generation starts; never: it does not start.", "2m", "never"
    )
    picture: PictureText = key("The file; default a valid 2048x1152 PNG.", "1024x576", {"flaw": "svg"})
    picture_url: UrlText = key("The URL of the picture in responses, callbacks and records.", "missing", "undefined")
    answer: ImageAnswer = key("The shape of the response with the picture.", "renamed", "data-null")
    fails: FailureText = key("The request is rejected, or the generation fails.", 501, {"code": 500, "as-http": True})
    callback: Literal["sent", "never"] = key("never: no callback is sent; only the record has the result.", "never")
    callback_late_s: Seconds = key("Delay of the callback after the picture is done.", "30m")
    task_id_on_top: bool = key("true: the callback has its task id as a top-level taskId, not in data.", True)
    record_lags_s: SecondsOrNever = key(
        "Duration for which the record says generating after the picture is done; never: forever.", "5m", "never"
    )
    callback_times: int = key("Number of times that the callback is sent.", 2, ge=1, le=ENTRIES_MAX)
    callback_shape: ImageCallbackShape = key(
        "The place of the URL in the callback: data.resultJson, data.info.result_urls, or data.imageUrl (flat).",
        "result-urls",
    )
    error_after_s: Seconds = key(
        "Time after the callback with the picture at which an error callback contradicts it.", "30s"
    )

    @field_validator("error_after_s")
    @classmethod
    def _contradicts_a_success(cls, error_after_s: float, info: ValidationInfo) -> float:
        if info.data.get("callback") == "never" or info.data.get("fails") is not None:
            raise ValueError("there is no callback with a picture to contradict; remove this key, callback: or fails:")
        return error_after_s


class ImageForgeryKeys(Keys):
    """A forged callback of the first picture task that has a callback URL."""

    makes = ImageForgery
    after_s: Seconds = key("Its time, after the request for the picture.", "2s", default=...)
    forgery: ForgeryKind = key("The kind of forgery.", "unsigned", "stale", default=...)
    picture: PictureText = key("The picture in it; default a valid 2048x1152 PNG.", "360x360")


class KieKeys(DeliveringKeys):
    """The behaviour of Kie.ai: the pictures."""

    makes = KieScript
    profile: Literal["synchronous", "documented"] = key(
        "synchronous: /api/v1/generate/image exists. documented: it returns 404; only the jobs API exists.",
        "documented",
    )
    images: Many[Made[ImageKeys]] = key(
        "Entry k applies to the k-th picture task, the last entry to all later ones.",
        [{"takes": "16s"}],
        min_length=1,
    )
    forgeries: Many[Made[ImageForgeryKeys]] = key(
        "Forged callbacks of a picture.", [{"after": "2s", "forgery": "unsigned", "picture": "360x360"}]
    )
    invisible_s: Seconds = key("Duration for which a new task has no record.", "3s", alias="invisible-for")
    pixel_table: Literal["kie", "bytedance"] = key("The vendor that defines the sizes 1K, 2K and 4K.", "bytedance")


def _hops(value: Any) -> int:
    if value == "loop":
        return LOOP
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= REDIRECTS_MAX:
        raise ValueError(f'expected a number from 0 to {REDIRECTS_MAX} or "loop", got {found(value)}')
    return value


_HOPS = WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0, "maximum": REDIRECTS_MAX}, {"enum": ["loop"]}]})


class MediaKeys(Keys):
    """The behaviour of the hosts of audio and picture files, covers included."""

    makes = MediaScript
    expires_after_s: SecondsOrNever = key("Age at which a file is deleted; default 14d.", "10m", "never")
    streams_last_s: SecondsOrNever = key("Age at which a stream is HTTP 200 with an empty body; default 3h.", "10m")
    missing_for_s: Seconds = key("Duration for which a new file returns 404.", "3s")
    refuses_library_agents: bool = key("true: 403 for the default user agents of HTTP libraries.", True)
    refuses_hotlinks: bool = key("true: 403 for a browser that embeds the picture in another site's page.", True)
    redirects: Annotated[int, PlainValidator(_hops), _HOPS] = key("Redirects before the file.", 3, "loop")
    empty: bool = key("true: HTTP 200 with an empty body for every file.", True)
    changes_after_s: Seconds = key("Age at which a file is replaced by a smaller one.", "10m")
    ignores_range: bool = key("true: a range request gets the whole file.", True)
    head_differs: bool = key("true: HEAD reports another length and type than GET delivers.", True)
    head_status: HttpError = key("The status of every HEAD request, as where URLs are signed for GET alone.", 403)
    without_length: bool = key("true: files come in chunks, without a content-length.", True)
    signed: bool = key("true: URLs have a signature in their query; without it a file is refused with 403.", True)
    signed_for_s: Seconds = key("The same, and at this age the signature is refused, too.", "10m")
    gzip: bool = key("true: files are compressed for clients that accept gzip.", True)
    content_type: Annotated[str, text_like(r"^[!-~]+/[!-~]+$")] = key(
        "The type of every file, whatever it is.", "application/octet-stream"
    )
    etag: bool = key("true: files have an ETag, and a request that knows it gets 304.", True)
    wrong_range: bool = key("true: a range request gets 206 with the second half of the file.", True)
    status_with_image: HttpError = key("An error status for every file, with the correct file as its body.", 500)
