"""The platform of a scenario file: the name of a preset, or a block of rules that may begin from one.

Each makes a `harness.scenario.platform.Platform`.
"""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from harness.scenario.fields import Keys, Many, Seconds, SecondsOrNever, key, made, one_of, text_like, word_or_block
from harness.scenario.platform import (
    PRESETS,
    AnswerLimit,
    BackgroundLimit,
    Platform,
    RestartAfter,
    RestartEvent,
)
from harness.scenario.values import DURATION_PATTERN, seconds, spelled

INSTANCES_MAX = 10
HEADERS_MAX = 20


class AnswerLimitKeys(Keys):
    """How long a caller waits for an answer, what it gets then, and what becomes of the handler."""

    makes = AnswerLimit
    after_s: Seconds = key("How long; 0s: the platform answers at once.", "100s", "0s", default=...)
    status: Annotated[int, Field(ge=200, le=599)] = key("The status of its own answer; default 504.", 524)
    headers: Annotated[dict[str, str], Field(max_length=HEADERS_MAX)] = key(
        "The headers of that answer.", {"server": "cloudflare"}
    )
    body: str = key("Its body.", "error code: 524")
    handler_ends_s: SecondsOrNever = key(
        "Age at which the handler is ended; default with the answer. never: it runs on.", "never", "15m"
    )
    callbacks_only: bool = key("true: only callbacks have this limit.", True)
    runs_again_s: Many[Seconds] = key("The pauses before a handler that failed runs again.", ["1m", "2m"])

    @field_validator("handler_ends_s")
    @classmethod
    def _not_before_the_answer(cls, ends_s: float, info: ValidationInfo) -> float:
        after_s = info.data.get("after_s", 0.0)
        if ends_s < after_s:
            raise ValueError(f"is before the answer, which comes after {spelled(after_s)}; write that or more")
        return ends_s

    @model_validator(mode="after")
    def _works_afterwards(self) -> "AnswerLimitKeys":
        if self.after_s == 0 and not self.handler_ends_s:
            raise ValueError("answers at once and ends the handler at once; write handler-ends: with a duration")
        return self

    def given(self) -> dict[str, Any]:
        given = super().given()
        return {**given, "headers": tuple(given["headers"].items())} if "headers" in given else given


class BackgroundLimitKeys(Keys):
    """How long work goes on after the last answer."""

    makes = BackgroundLimit
    after_s: Seconds = key("Time after the answer at which the instance is frozen; default 0s.", "30s")
    of: Literal["instance", "handler"] = key(
        "handler: only what a handler itself still does after its answer goes on for that long, and is ended then.",
        "handler",
    )
    worker_s: Seconds = key(
        "Instead: age at which an instance is ended, from its first request; past half of it, it gets no new ones.",
        "400s",
    )

    @field_validator("worker_s")
    @classmethod
    def _alone(cls, worker_s: float, info: ValidationInfo) -> float:
        if info.data.get("after_s") is not None or info.data.get("of") is not None:
            raise ValueError("stands alone: an instance is either frozen after its answers or ended at an age")
        if not worker_s:
            raise ValueError("expected an age above 0s")
        return worker_s


class RestartKeys(Keys):
    """A restart after something has happened for the first time."""

    makes = RestartAfter
    event: RestartEvent = key(
        "What: an accepted order, or an answered callback.", "complete-callback", alias="after", default=...
    )
    delay_s: Seconds = key("How long after it; default 0s.", "2s")


_DURATION = text_like(DURATION_PATTERN)


def _answer_limit(value: Any) -> AnswerLimit:
    after_s = seconds(value)
    if not after_s:
        raise ValueError("ends every handler before it begins; write {after: 0s, handler-ends: 15m}")
    return AnswerLimit(after_s)


AnswerLimitText = Annotated[
    Annotated[Any, PlainValidator(_answer_limit), _DURATION, Tag("=word")]
    | Annotated[AnswerLimitKeys, AfterValidator(made), Tag("=block")],
    Discriminator(word_or_block),
]
BackgroundLimitText = Annotated[
    Annotated[Any, PlainValidator(lambda value: BackgroundLimit(seconds(value))), _DURATION, Tag("=word")]
    | Annotated[BackgroundLimitKeys, AfterValidator(made), Tag("=block")],
    Discriminator(word_or_block),
]
RestartText = Annotated[
    Annotated[Any, PlainValidator(seconds), _DURATION, Tag("=word")]
    | Annotated[RestartKeys, AfterValidator(made), Tag("=block")],
    Discriminator(word_or_block),
]
PresetName = Annotated[
    str, PlainValidator(partial(one_of, known=PRESETS, kind="platform")), WithJsonSchema({"enum": [*PRESETS]})
]


class PlatformKeys(Keys):
    """The platform on which the implementation runs; by default a plain server."""

    makes = Platform
    preset: PresetName = key("The platform by name; keys beside it take the place of its own.", "vercel-hobby")
    answer_limit: AnswerLimitText = key(
        "A handler that runs longer is ended, and its caller gets 504; a block says otherwise.", "60s"
    )
    background_limit: BackgroundLimitText = key(
        "Time after its last answer at which an instance is frozen until its next request.", "0s", {"worker": "400s"}
    )
    sleeps_after_s: Seconds = key("Time without requests after which the instances are ended.", "15m")
    cold_start_s: Seconds = key("What their start takes when the next request comes; default 0s.", "50s")
    restarts: Many[RestartText] = key(
        "When the instances are killed and new ones are started.", ["100s"], [{"after": "complete-callback"}]
    )
    instances: int = key(
        "Number of instances, which take requests in turn and share no memory.", 2, ge=1, le=INSTANCES_MAX
    )
    cron_every_s: Seconds = key("Interval between calls of the periodic route; default 1m.", "1m")

    def made(self) -> Platform:
        given = self.given()
        preset = given.pop("preset", None)
        return replace(Platform() if preset is None else PRESETS[preset].platform, **given)


PlatformText = Annotated[
    Annotated[PresetName, AfterValidator(lambda name: PRESETS[name].platform), Tag("=word")]
    | Annotated[PlatformKeys, AfterValidator(made), Tag("=block")],
    Discriminator(word_or_block),
]
