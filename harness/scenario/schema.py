"""The blocks of a scenario file as pydantic models: what may be written, in which words, and the value it makes.

Each model reads one block and makes one value of `harness.fakes.script` or `harness.scenario.model`; faults and
pictures have modules of their own.
"""

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from harness.fakes.script import (
    CallbackKind,
    DeliveryRules,
    DialectName,
    Failure,
    ForgeryKind,
    Image,
    ImageAnswer,
    KieScript,
    MediaScript,
    Music,
    RecordStyle,
    Script,
    Stray,
    SunoScript,
    TextCarries,
)
from harness.fakes.suno.contract import DIALECTS
from harness.invariants.registry import INVARIANTS
from harness.scenario.fault_fields import FaultRuleKeys
from harness.scenario.fields import (
    ENTRIES_MAX,
    TAKES_EXAMPLES,
    HttpError,
    Keys,
    Made,
    Many,
    Seconds,
    SecondsOrNever,
    Takes,
    UrlText,
    key,
    made,
    one_of,
    text_like,
    word_or_block,
)
from harness.scenario.image_fields import CoverText, PictureText
from harness.scenario.model import Platform, Scenario
from harness.scenario.values import found

TRACKS_MAX = 1_000
INSTANCES_MAX = 10
CREDITS_MAX = 1_000_000
CREATIONS_MAX = 10_000
REDIRECTS_MAX = 50
LOOP = -1
"""How `harness.fakes.script` writes redirects that never arrive."""


class FailureKeys(Keys):
    """A refusal, or a generation that fails."""

    makes = Failure
    code: HttpError = key("The provider's code, 400 to 599.", 501, 429, default=...)
    message: str = key("What the provider says; its usual words unless written.", "insufficient credits")
    as_http: bool = key("true: a genuine HTTP status. Otherwise HTTP 200 with the code in the body.", True)
    html: bool = key("true: the body is a gateway's HTML page.", True)
    retry_after_s: Seconds = key("A Retry-After header that says so.", "20s")
    when: Literal["at-once", "after-generating"] = key(
        "at-once: refused, nothing charged. after-generating: accepted, works, then fails and refunds.",
        "after-generating",
    )


FailureText = Annotated[
    Annotated[HttpError, AfterValidator(Failure), Tag("=word")]
    | Annotated[FailureKeys, AfterValidator(made), Tag("=block")],
    Discriminator(word_or_block),
]


class MusicKeys(Keys):
    """One music task: two tracks, a cover each, and the callbacks that tell of them."""

    makes = Music
    takes: Takes = key("From the request to the finished audio; 90s unless written.", *TAKES_EXAMPLES)
    sends: Annotated[Many[CallbackKind], Field(min_length=1)] = key(
        "The callbacks, in the order in which they are sent.", ["complete"], ["text", "complete", "first"]
    )
    apart_s: Seconds = key("Between callbacks that are repeated or out of order; 0s sends them together.", "0s", "30s")
    callbacks: Literal["sent", "never"] = key("never: no callback comes, only the record can be asked.", "never")
    text_carries: TextCarries = key("What stands where a text callback's list of tracks belongs.", "empty", "null")
    error_carries: Literal["null", "empty"] = key("The same of an error callback; null unless written.", "empty")
    task_id_on_top: bool = key("true: callbacks name their task as a top-level taskId, not in data.", True)
    unknown_status: bool = key("true: the finished music's record has a status that nobody knows.", True)
    empty_complete: bool = key("true: the complete callback says 200 and carries no tracks.", True)
    swapped_case: bool = key("true: callbacks come in camelCase and records in snake_case, the wrong way round.", True)
    cover: CoverText = key("The small picture that comes with the music; a JPEG of 360x360 unless written.", "none")
    cover_url: UrlText = key("What stands where the cover's address belongs.", "missing", "undefined")
    fails: FailureText = key("The request is refused, or the generation fails.", 501, {"code": 429})
    record_lags_s: SecondsOrNever = key(
        "For how long the record still says PENDING after the callback; never: for ever.", "5m", "never"
    )


def _accepted(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Accepts = Annotated[Literal["200", "2xx"], BeforeValidator(_accepted), WithJsonSchema({"enum": [200, "200", "2xx"]})]


class DeliveringKeys(Keys):
    """What is common to the providers that send callbacks and count requests."""

    answer_within_s: Seconds = key("How long a callback may take to be answered; 15s unless written.", "15s")
    retries_after_s: Many[Seconds] = key(
        "The waits before a callback is sent again; [1m, 5m, 15m] unless written, [] for no second try.",
        ["0s", "1m", "5m"],
    )
    stops_at_4xx: bool = key("true: an answer from 400 to 499 ends a callback's delivery.", True)
    accepts: Accepts = key("Which answers count as delivered; 200 unless written.", "2xx")
    creations_per_10_s: int = key(
        "Requests accepted in 10 s; 20 unless written.", 20, alias="creations-per-10s", ge=0, le=CREATIONS_MAX
    )
    credits: int = key("What the account holds at the start; 1000 unless written.", 0, ge=0, le=CREDITS_MAX)
    key_quota: int = key("Credits that the key may spend, whatever the account holds.", 12, ge=0, le=CREDITS_MAX)
    errors_as_http: bool = key("true: every refusal has its code as a genuine HTTP status, too.", True)
    records: RecordStyle = key("How records tell times and failures; live unless written.", "documented")
    models: Many[str] = key("The models that are accepted; all that are known unless written.", ["V5"], min_length=1)

    def given(self) -> dict[str, Any]:
        given = super().given()
        names = ("answer_within_s", "retries_after_s", "accepts", "stops_at_4xx")
        rules = {name: given.pop(name) for name in names if name in given}
        return {**given, "delivery": DeliveryRules(**rules)} if rules else given


class StrayKeys(Keys):
    """A callback that nobody asked for."""

    makes = Stray
    after_s: Seconds = key("When, counted from the first music request.", "200s", default=...)
    what: Literal["unknown-image", "old-music", "forgery"] = key("Whose it is, or says it is.", "forgery", default=...)
    forgery: ForgeryKind = key("What is wrong with a forged one.", "unsigned", "stale")

    @field_validator("forgery")
    @classmethod
    def _only_of_forgeries(cls, forgery: ForgeryKind, info: ValidationInfo) -> ForgeryKind:
        what = info.data.get("what", "forgery")
        if what != "forgery":
            raise ValueError(f'"{what}" is no forgery, take this key out or write what: forgery')
        return forgery

    @model_validator(mode="after")
    def _says_which(self) -> "StrayKeys":
        if self.what == "forgery" and self.forgery is None:
            raise ValueError("a forgery says which, write forgery: unsigned, forged, stale or altered")
        return self


class SunoKeys(DeliveringKeys):
    """What Suno does: the music, its covers and its callbacks."""

    makes = SunoScript
    dialect: DialectName = key("Whose music API it is; kie unless written.", "sunoapi.org")
    music: Many[Made[MusicKeys]] = key(
        "Entry k is for the k-th music task; the last one serves all later ones.", [{"takes": "8m"}], min_length=1
    )
    invisible_s: Seconds = key("For how long a new task's record is not to be found.", "3s", alias="invisible-for")
    queries_per_s: int = key(
        "How often a record may be asked for in a second; 3 unless written.",
        1,
        alias="queries-per-second",
        ge=1,
        le=CREATIONS_MAX,
    )
    strays: Many[Made[StrayKeys]] = key(
        "Callbacks that nobody asked for.", [{"after": "200s", "what": "forgery", "forgery": "unsigned"}]
    )


class ImageKeys(Keys):
    """One picture task, by whichever endpoint it was asked for."""

    makes = Image
    takes: Takes = key("From the request to the finished picture; 8s unless written.", *TAKES_EXAMPLES)
    waits_s: SecondsOrNever = key(
        "For how long the task stays in waiting before it takes its time; never: it stays there.", "2m", "never"
    )
    picture: PictureText = key("The file; a sound PNG of 2048x1152 unless written.", "1024x576", {"flaw": "svg"})
    picture_url: UrlText = key("What stands where the picture's address belongs.", "missing", "undefined")
    answer: ImageAnswer = key("The shape of the answer that tells of the picture.", "renamed", "data-null")
    fails: FailureText = key("The request is refused, or the generation fails.", 501, {"code": 500, "as-http": True})
    callback: Literal["sent", "never"] = key("never: no callback comes, only the record can be asked.", "never")
    callback_late_s: Seconds = key("For how long the callback is held back after the picture is done.", "30m")
    task_id_on_top: bool = key("true: the callback names its task as a top-level taskId, not in data.", True)
    record_lags_s: SecondsOrNever = key(
        "For how long the record still says generating when the picture is done; never: for ever.", "5m", "never"
    )
    callback_times: int = key("How often the callback is sent.", 2, ge=1, le=ENTRIES_MAX)


class KieKeys(DeliveringKeys):
    """What Kie.ai does: the pictures."""

    makes = KieScript
    profile: Literal["synchronous", "documented"] = key(
        "synchronous: /api/v1/generate/image exists. documented: it is a 404, and only the jobs API exists.",
        "documented",
    )
    images: Many[Made[ImageKeys]] = key(
        "Entry k is for the k-th picture asked for; the last one serves all later ones.",
        [{"takes": "16s"}],
        min_length=1,
    )
    invisible_s: Seconds = key("For how long a new task's record is not to be found.", "3s", alias="invisible-for")
    pixel_table: Literal["kie", "bytedance"] = key("Whose sizes 1K, 2K and 4K are.", "bytedance")


def _hops(value: Any) -> int:
    if value == "loop":
        return LOOP
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= REDIRECTS_MAX:
        raise ValueError(f'{found(value)} stands here, a number from 0 to {REDIRECTS_MAX} or "loop" belongs here')
    return value


_HOPS = WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0, "maximum": REDIRECTS_MAX}, {"enum": ["loop"]}]})


class MediaKeys(Keys):
    """What the hosts of the audio and picture files do, the covers included."""

    makes = MediaScript
    expires_after_s: SecondsOrNever = key("When a file is deleted; 14d unless written.", "10m", "never")
    missing_for_s: Seconds = key("For how long a new file answers 404.", "3s")
    refuses_library_agents: bool = key("true: 403 to HTTP libraries that do not call themselves otherwise.", True)
    refuses_hotlinks: bool = key("true: 403 to a browser that shows the picture on another site's page.", True)
    redirects: Annotated[int, PlainValidator(_hops), _HOPS] = key("Hops before the file.", 3, "loop")
    empty: bool = key("true: HTTP 200 without a byte for every file.", True)
    changes_after_s: Seconds = key("From this age on a file is another, smaller one.", "10m")
    ignores_range: bool = key("true: a request for a part gets the whole file.", True)
    head_differs: bool = key("true: HEAD tells another length and type than GET delivers.", True)
    status_with_image: HttpError = key("An error status that carries the right file all the same.", 500)


class PlatformKeys(Keys):
    """The place where the implementation runs; a plain server unless something is written."""

    makes = Platform
    limit_s: Seconds = key("A handler that runs longer is ended, and its caller gets 504.", "60s")
    freezes_after_answer: bool = key("true: nothing runs between an answer and the next request.", True)
    restarts_s: Many[Seconds] = key("When the instance is killed and a new one started.", ["100s"])
    instances: int = key(
        "How many instances take requests in turn, each with a memory of its own.", 2, ge=1, le=INSTANCES_MAX
    )
    cron_every_s: Seconds = key("How often the periodic route is called; 1m unless written.", "1m")


def _sentence(value: str) -> str:
    if not value.strip():
        raise ValueError("is blank, say in a sentence or two what happens here and whom it hurts")
    return " ".join(value.split())


def _reason(value: str) -> str:
    if not value.strip():
        raise ValueError("is blank, say what the providers do that makes it impossible")
    return " ".join(value.split())


_REASON = "Kie.ai never makes a picture"
InvariantName = Annotated[str, PlainValidator(partial(one_of, known=INVARIANTS, kind="invariant"))]
Impossible = Annotated[
    dict[InvariantName, Annotated[str, AfterValidator(_reason)]],
    AfterValidator(lambda given: tuple(given.items())),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                invariant.name: {
                    "type": "string",
                    "pattern": r"\S",
                    "description": invariant.sentence,
                    "examples": [_REASON],
                }
                for invariant in INVARIANTS.values()
            },
        }
    ),
]


class ScenarioKeys(Keys):
    """What happens in one scenario. Only `why` must be written: all is healthy that nothing is said about."""

    why: Annotated[str, AfterValidator(_sentence), text_like(r"\S")] = key(
        "What goes wrong here in the field, and for whom.",
        "Sixteen seconds is one second more than Suno waits for its callback to be answered.",
        default=...,
    )
    tracks: int = key("How many tracks are asked for; 1 unless written.", 20, ge=1, le=TRACKS_MAX)
    apart_s: Seconds = key("Between the starts of two tracks; all at once unless written.", "1s")
    deadline_s: Seconds = key("When every track must have settled; 1h unless written.", "2h")
    signing: bool = key("true: callbacks are signed, and the implementation has the key.", True)
    impossible: Impossible = key(
        "What nobody can keep here because of what the providers do, each with the reason.",
        {"image-2k": _REASON},
    )
    suno: Made[SunoKeys] = key("What Suno does.", {"music": [{"takes": "8m"}]})
    kie: Made[KieKeys] = key("What Kie.ai does.", {"images": [{"takes": "16s"}]})
    media: Made[MediaKeys] = key("What the hosts of the files do.", {"expires-after": "10m"})
    faults: Many[Made[FaultRuleKeys]] = key(
        "What happens to messages in transit.", [{"to": "kie", "fault": "connection-refused"}]
    )
    platform: Made[PlatformKeys] = key("Where the implementation runs.", {"limit": "60s"})

    @field_validator("suno")
    @classmethod
    def _signs(cls, suno: SunoScript, info: ValidationInfo) -> SunoScript:
        if info.data.get("signing") and not DIALECTS[suno.dialect].signs:
            raise ValueError(
                f"{suno.dialect} signs no callbacks, and an application with the key turns them all away; "
                "take signing: out, or dialect: out"
            )
        return suno

    def scenario(self, *, name: str, path: str | None) -> Scenario:
        """The whole frozen value."""
        given = self.given()
        script = Script(**{part: given.pop(part) for part in ("suno", "kie", "media") if part in given})
        return Scenario(name=name, path=path, script=script, **given)
