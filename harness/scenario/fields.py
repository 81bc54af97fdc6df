"""The base class of the blocks of a scenario file, and the types of value that many of them share.

Where a key takes either a word or a block of keys, the two branches are tagged with names that begin with "="; messages
omit the tags.
"""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args

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
from harness.fakes.script import Failure, ImageUrlText
from harness.faults.randomness import Schedule
from harness.scenario.values import (
    DURATION_OR_NEVER_PATTERN,
    DURATION_PATTERN,
    SIZE_PATTERN,
    TIMEZONE_PATTERN,
    fixed_or_never,
    found,
    seconds,
    seconds_or_never,
    size_px,
    spelled,
    timezone,
)

ENTRIES_MAX = 100


def in_file(name: str) -> str:
    """Return a field's key: `cover_url` is `cover-url`; a duration's unit is in its value, so `takes_s` is `takes`."""
    return name.removesuffix("_s").replace("_", "-")


def key(says: str, *examples: Any, default: Any = None, **limits: Any) -> Any:
    """Return a key with its description and examples for editors; `default=...` makes it required."""
    return Field(default, description=says, examples=list(examples), **limits)


class Keys(BaseModel):
    """A block of keys that makes one frozen value.

    The fields have the names of the value's fields. An omitted key keeps the default of the value itself, so a default
    is defined once; None only means "omitted".
    """

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=in_file, arbitrary_types_allowed=True)
    makes: ClassVar[Any]

    def given(self) -> dict[str, Any]:
        """Return the keys in the file, by the names of the value's fields."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}

    def made(self) -> Any:
        """Return the value."""
        return self.makes(**self.given())


def made(keys: Keys) -> Any:
    """Return the value of a block, with which pydantic replaces the block."""
    return keys.made()


T = TypeVar("T")
Made = Annotated[T, AfterValidator(made)]
Many = Annotated[list[T], Field(max_length=ENTRIES_MAX), AfterValidator(tuple)]


def one_of(value: Any, *, known: Iterable[str], kind: str) -> str:
    """Return `value` if it is a known name; else raise ValueError with the nearest name, or all of them."""
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    hint = nearest_hint(value, names) if isinstance(value, str) else ""
    raise ValueError(f"unknown {kind} {found(value)}{hint or ', expected ' + ' or '.join(names)}")


def text_like(pattern: str) -> WithJsonSchema:
    """Return the schema of a word, for editors."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


def word_or_block(value: Any) -> str:
    """Return the tag of the branch that reads a value: a word or a block of keys."""
    return "=block" if isinstance(value, dict) else "=word"


def _null_as_word(value: Any) -> Any:
    """Return the word "null" for an unquoted `null`."""
    return "null" if value is None else value


Seconds = Annotated[float, PlainValidator(seconds), text_like(DURATION_PATTERN)]
SecondsOrNever = Annotated[float, PlainValidator(seconds_or_never), text_like(DURATION_OR_NEVER_PATTERN)]
Timezone = Annotated[str, PlainValidator(timezone), text_like(TIMEZONE_PATTERN)]
Size = Annotated[Any, PlainValidator(size_px), text_like(SIZE_PATTERN)]
UrlText = Annotated[
    ImageUrlText,
    BeforeValidator(_null_as_word),
    WithJsonSchema({"enum": [*get_args(ImageUrlText), None]}),
]
HttpError = Annotated[int, Field(ge=400, le=599)]


class FailureKeys(Keys):
    """A rejected request, or a failed generation."""

    makes = Failure
    code: HttpError = key("The provider's code, 400 to 599.", 501, 429, default=...)
    message: str = key("The provider's message; default its usual one.", "insufficient credits")
    as_http: bool = key("true: a real HTTP status. Otherwise HTTP 200 with the code in the body.", True)
    html: bool = key("true: the body is a gateway's HTML page.", True)
    retry_after_s: Seconds = key("The value of a Retry-After header.", "20s")
    when: Literal["at-once", "after-generating"] = key(
        "at-once: rejected, nothing charged. after-generating: accepted, generates, then fails with a refund.",
        "after-generating",
    )


FailureText = Annotated[
    Annotated[HttpError, AfterValidator(Failure), Tag("=word")]
    | Annotated[FailureKeys, AfterValidator(made), Tag("=block")],
    Discriminator(word_or_block),
]


class LognormalKeys(Keys):
    """A log-normal distribution: mostly near the median, with a long tail."""

    makes = Lognormal
    median_s: Seconds = key("The median: half take less, half take more.", "8s", default=...)
    p95_s: Seconds = key("The 95th percentile: one in twenty takes longer.", "40s", default=...)

    @field_validator("median_s")
    @classmethod
    def _positive(cls, median_s: float) -> float:
        if not median_s:
            raise ValueError('expected a median of at least "1ms", got "0s"')
        return median_s

    @field_validator("p95_s")
    @classmethod
    def _above_median(cls, p95_s: float, info: ValidationInfo) -> float:
        median_s = info.data.get("median_s", 0.0)
        if p95_s <= median_s:
            raise ValueError(f'expected more than the median, "{spelled(median_s)}", got "{spelled(p95_s)}"')
        return p95_s


class BetweenKeys(Keys):
    """A uniform distribution between two durations."""

    makes = Uniform
    between: Annotated[list[Seconds], Field(min_length=2, max_length=2)] = key(
        "The shortest and the longest duration.", ["5s", "20s"], default=...
    )

    @field_validator("between")
    @classmethod
    def _in_order(cls, between: list[float]) -> list[float]:
        low_s, high_s = between
        if low_s > high_s:
            raise ValueError(f"expected the shorter duration first, write [{spelled(high_s)}, {spelled(low_s)}]")
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


_SPREADS = "expected {median, p95}, {between: [shortest, longest]} or {usually, sometimes, share}"
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
        custom_error_message="expected {median, p95} or {between: [shortest, longest]}",
    ),
]


class BimodalKeys(Keys):
    """Usually one duration, and sometimes another."""

    makes = Bimodal
    usually: _Part = key("The usual duration.", "8s", default=...)
    sometimes: _Part = key("The other duration.", "5m", default=...)
    share: float = key("The probability of the other duration, 0 to 1.", 0.05, default=..., ge=0, le=1)


_Bimodal = Annotated[BimodalKeys, AfterValidator(made), Tag("=bimodal")]
Takes = Annotated[
    _Word | _Lognormal | _Between | _Bimodal,
    Discriminator(_spread, custom_error_type="spread", custom_error_message=_SPREADS),
]
"""Any spelling of a `harness.fakes.latency.Duration`."""


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
"""Any spelling of a `harness.faults.randomness.Delay`; a list is a schedule."""
TAKES_EXAMPLES = (
    "16s",
    "never",
    {"median": "8s", "p95": "40s"},
    {"between": ["5s", "20s"]},
    {"usually": "8s", "sometimes": "5m", "share": 0.05},
)
