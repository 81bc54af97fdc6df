"""The block for faults in a scenario file, and one block for each harm.

Harms are read by the fields of their own classes, so a new one can be written in a file as soon as it is listed in
`harness.faults.HARMS`.
"""

from dataclasses import MISSING, fields
from typing import Annotated, Any, Literal, cast, get_type_hints

from pydantic import (
    AfterValidator,
    Discriminator,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    create_model,
    field_validator,
    model_validator,
)

from harness.faults import CALLBACK_HARMS, HARMS, Fault, Harm, Link, harms_connections
from harness.faults.luck import Delay
from harness.scenario.fields import Delays, Keys, Seconds, in_file, key, made, one_of, text_like, word_or_block
from harness.scenario.values import BYTES_PATTERN, WHICH_PATTERN, amount, occurrence, spelled

Amount = Annotated[
    int,
    PlainValidator(amount),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": BYTES_PATTERN}]}),
]


def _harm_model(harm: type[Harm]) -> type[Keys]:
    """The block for one harm: a key for each field of its class."""
    hints = get_type_hints(harm)
    keys: dict[str, Any] = {}
    for parameter in fields(cast(Any, harm)):
        default = ... if parameter.default is MISSING else parameter.default
        if parameter.name.endswith("_s"):
            kind: Any = Delays if hints[parameter.name] == Delay else Seconds
            shown: Any = "30s" if default is ... else spelled(default)
        else:
            kind = Amount if hints[parameter.name] is int else hints[parameter.name]
            shown = 1 if default is ... else default
        says = f"Of {harm.name}; {'to be written' if default is ... else f'{shown} unless written'}."
        keys[parameter.name] = (kind, key(says, shown, default=... if default is ... else None))
    model: type[Keys] = create_model(f"{harm.__name__}Keys", __base__=Keys, __doc__=harm.__doc__, **keys)
    model.makes = harm
    return model


class OneHarm(Keys):
    """A harm with its parameters."""

    @model_validator(mode="after")
    def _one(self) -> "OneHarm":
        if len(self.model_fields_set) != 1:
            raise ValueError(f"a fault does one harm, {len(self.model_fields_set)} are written here")
        return self

    def made(self) -> Any:
        ((name, harm),) = self.given().items()
        return HARMS[in_file(name)]() if harm is None else harm


_BLOCKS: dict[str, Any] = {
    name.replace("-", "_"): (
        Annotated[_harm_model(harm), AfterValidator(made)] | None,
        key((harm.__doc__ or name).strip(), {}),
    )
    for name, harm in HARMS.items()
}
HarmKeys: type[OneHarm] = create_model("HarmKeys", __base__=OneHarm, __doc__=OneHarm.__doc__, **_BLOCKS)


def _harm_by_name(value: Any) -> Harm:
    return HARMS[one_of(value, known=HARMS, kind="harm")]()


HarmText = Annotated[
    Annotated[Any, PlainValidator(_harm_by_name), WithJsonSchema({"enum": [*HARMS]}), Tag("=word")]
    | Annotated[HarmKeys, AfterValidator(made), Tag("=block")],  # type: ignore[valid-type]
    Discriminator(word_or_block),
]


class FaultKeys(Keys):
    """Harm to messages: whose, which, when, what."""

    makes = Fault
    link: Link = key(
        "Whose messages: those to a provider, to a live application's store, or the callbacks.",
        "kie",
        "callbacks",
        default=...,
        alias="to",
    )
    path: str = key(
        "Only requests whose path begins so; not beside a harm before the connection stands.",
        "/api/v1/generate/image",
        pattern="^/",
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = key("Only requests of this method.", "POST")
    containing: str = key("Only requests with this text in their body.", '"callbackType":"complete"', min_length=1)
    nth: Annotated[Any, PlainValidator(occurrence), text_like(WHICH_PATTERN)] = key(
        "Which of these requests; every one unless written.", "first", "7th", alias="which"
    )
    from_s: Seconds = key("Since the start of the run.", "0s")
    until_s: Seconds = key("Until this long after the start of the run.", "10m")
    probability: float = key("How likely each of these requests is to suffer, 0 to 1.", 0.5, ge=0, le=1)
    harm: HarmText = key(
        "What happens to them.",
        "connection-refused",
        {"dribbled-body": {"bytes": 1, "every": "1s"}},
        default=...,
    )

    @field_validator("until_s")
    @classmethod
    def _after_from(cls, until_s: float, info: ValidationInfo) -> float:
        from_s = info.data.get("from_s") or 0.0
        if until_s <= from_s:
            raise ValueError(f'"{spelled(until_s)}" is not after from, "{spelled(from_s)}"')
        return until_s

    @field_validator("harm")
    @classmethod
    def _possible(cls, harm: Harm, info: ValidationInfo) -> Harm:
        if harms_connections(harm):
            known = [name for name in ("path", "method", "containing") if info.data.get(name) is not None]
            if known:
                raise ValueError(
                    f'"{harm.name}" happens before a request is sent, when nobody knows its {known[0]}; '
                    f"take {known[0]}: out"
                )
        if info.data.get("link") == "callbacks" and harm.name not in CALLBACK_HARMS:
            raise ValueError(
                f'"{harm.name}" is nothing to a callback, of whose answer only the status is read; '
                f"write {', '.join(CALLBACK_HARMS[:-1])} or {CALLBACK_HARMS[-1]}"
            )
        return harm
