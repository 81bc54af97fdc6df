"""What the blocks of a scenario file are built of: the block itself, and the kinds of value that many of them take.

Where a key takes either a word or a block of keys, the two branches are tagged with names that begin with "="; the
tags are left out of what a user sees.
"""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from harness.errors import nearest_hint
from harness.fakes.latency import Bimodal, Fixed, Lognormal, Uniform
from harness.fakes.script import ImageUrlText
from harness.faults.randomness import Schedule
from harness.scenario.values import (
    DURATION_OR_NEVER_PATTERN,
    DURATION_PATTERN,
    SIZE_PATTERN,
    fixed_or_never,
    found,
    seconds,
    seconds_or_never,
    size_px,
    spelled,
)

ENTRIES_MAX = 100


def in_file(name: str) -> str:
    """A field's key: `cover_url` is `cover-url`, and a duration's unit is in its value, so `takes_s` is `takes`."""
    return name.removesuffix("_s").replace("_", "-")


def key(says: str, *examples: Any, default: Any = None, **limits: Any) -> Any:
    """One key: its sentence for editors, and what to write. `default=...` says that it must be written."""
    return Field(default, description=says, examples=list(examples), **limits)


class Keys(BaseModel):
    """A block of keys that makes one frozen value.

    The fields are named as the value's. What is left out keeps the default of the value itself, so a default is told
    in one place only; None here means no more than "not written".
    """

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=in_file, arbitrary_types_allowed=True)
    makes: ClassVar[Any]

    def given(self) -> dict[str, Any]:
        """What was written, by the names of the value that it makes."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}

    def made(self) -> Any:
        """The value."""
        return self.makes(**self.given())


def made(keys: Keys) -> Any:
    """The value that a block makes, for pydantic to put in the block's place."""
    return keys.made()


T = TypeVar("T")
Made = Annotated[T, AfterValidator(made)]
Many = Annotated[list[T], Field(max_length=ENTRIES_MAX), AfterValidator(tuple)]


def one_of(value: Any, *, known: Iterable[str], kind: str) -> str:
    """`value` if it is one of the known names; else ValueError with the nearest one, or all of them."""
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    hint = nearest_hint(value, names) if isinstance(value, str) else ""
    raise ValueError(f"{found(value)} is no {kind}{hint or ', there are ' + ', '.join(names)}")


def text_like(pattern: str) -> WithJsonSchema:
    """What an editor checks of a word that Python reads."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


def word_or_block(value: Any) -> str:
    """Which branch reads a value that is a word or a block of keys."""
    return "=block" if isinstance(value, dict) else "=word"


def _null_as_word(value: Any) -> Any:
    """Whoever writes `null` without quotation marks means the word."""
    return "null" if value is None else value


Seconds = Annotated[float, PlainValidator(seconds), text_like(DURATION_PATTERN)]
SecondsOrNever = Annotated[float, PlainValidator(seconds_or_never), text_like(DURATION_OR_NEVER_PATTERN)]
Size = Annotated[Any, PlainValidator(size_px), text_like(SIZE_PATTERN)]
UrlText = Annotated[
    ImageUrlText,
    BeforeValidator(_null_as_word),
    WithJsonSchema({"enum": [*get_args(ImageUrlText), None]}),
]
HttpError = Annotated[int, Field(ge=400, le=599)]


class LognormalKeys(Keys):
    """Mostly near the median, with a long tail."""

    makes = Lognormal
    median_s: Seconds = key("Half of them take less, half take more.", "8s", default=...)
    p95_s: Seconds = key("One in twenty takes longer than this.", "40s", default=...)

    @field_validator("median_s")
    @classmethod
    def _positive(cls, median_s: float) -> float:
        if not median_s:
            raise ValueError('"0s" cannot be a median, write at least "1ms"')
        return median_s

    @field_validator("p95_s")
    @classmethod
    def _above_median(cls, p95_s: float, info: ValidationInfo) -> float:
        median_s = info.data.get("median_s", 0.0)
        if p95_s <= median_s:
            raise ValueError(f'"{spelled(p95_s)}" must be longer than the median, "{spelled(median_s)}"')
        return p95_s


class BetweenKeys(Keys):
    """Anything between two durations, all equally likely."""

    makes = Uniform
    between: Annotated[list[Seconds], Field(min_length=2, max_length=2)] = key(
        "The shortest and the longest.", ["5s", "20s"], default=...
    )

    @field_validator("between")
    @classmethod
    def _in_order(cls, between: list[float]) -> list[float]:
        low_s, high_s = between
        if low_s > high_s:
            raise ValueError(f"the shortest comes first, write [{spelled(high_s)}, {spelled(low_s)}]")
        return between

    def made(self) -> Uniform:
        return Uniform(*self.between)


def _fixed(value: Any) -> Fixed:
    return Fixed(seconds(value))


def _spread(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "=word"
    if "between" in value:
        return "=between"
    if value.keys() & {"usually", "sometimes", "share"}:
        return "=bimodal"
    return "=lognormal" if value.keys() & {"median", "p95"} else None


_SPREADS = "a duration of several parts is {median, p95}, {between: [shortest, longest]} or {usually, sometimes, share}"
_Word = Annotated[Any, PlainValidator(fixed_or_never), text_like(DURATION_OR_NEVER_PATTERN), Tag("=word")]
_FixedWord = Annotated[Any, PlainValidator(_fixed), text_like(DURATION_PATTERN), Tag("=word")]
_Lognormal = Annotated[LognormalKeys, AfterValidator(made), Tag("=lognormal")]
_Between = Annotated[BetweenKeys, AfterValidator(made), Tag("=between")]


def _part(value: Any) -> str | None:
    kind = _spread(value)
    return None if kind == "=bimodal" else kind


_Part = Annotated[
    _FixedWord | _Lognormal | _Between,
    Discriminator(
        _part,
        custom_error_type="spread",
        custom_error_message="here a duration of several parts is {median, p95} or {between: [shortest, longest]}",
    ),
]


class BimodalKeys(Keys):
    """Usually one duration, and now and then another."""

    makes = Bimodal
    usually: _Part = key("What it takes most of the time.", "8s", default=...)
    sometimes: _Part = key("What it takes now and then.", "5m", default=...)
    share: float = key("How often is now and then, 0 to 1.", 0.05, default=..., ge=0, le=1)


_Bimodal = Annotated[BimodalKeys, AfterValidator(made), Tag("=bimodal")]
Takes = Annotated[
    _Word | _Lognormal | _Between | _Bimodal,
    Discriminator(_spread, custom_error_type="spread", custom_error_message=_SPREADS),
]
"""A `harness.fakes.latency.Duration`, however it is written."""


def _delay(value: Any) -> str | None:
    return "=schedule" if isinstance(value, list) else _spread(value)


_Schedule = Annotated[
    list[Takes],
    Field(min_length=1, max_length=ENTRIES_MAX),
    AfterValidator(lambda steps: Schedule(tuple(steps))),
    Tag("=schedule"),
]
Delays = Annotated[
    Annotated[Any, PlainValidator(seconds_or_never), text_like(DURATION_OR_NEVER_PATTERN), Tag("=word")]
    | _Lognormal
    | _Between
    | _Bimodal
    | _Schedule,
    Discriminator(_delay, custom_error_type="spread", custom_error_message=_SPREADS + ", or a list of durations"),
]
"""A `harness.faults.luck.Delay`, however it is written; a list is a schedule."""
TAKES_EXAMPLES = (
    "16s",
    "never",
    {"median": "8s", "p95": "40s"},
    {"between": ["5s", "20s"]},
    {"usually": "8s", "sometimes": "5m", "share": 0.05},
)
