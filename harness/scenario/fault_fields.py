"""The block for faults in a scenario file, and one block for each fault.

A fault's block is generated from the fields of its class, so every fault registered in `harness.faults.registry` can be
used in a file.
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

from harness.fakes.registry import LINKS
from harness.faults.kinds import ConnectFault, Fault
from harness.faults.randomness import Delay
from harness.faults.registry import CALLBACK_FAULTS, FAULTS
from harness.faults.rule import FaultRule, Link
from harness.scenario.fields import Delays, Keys, Seconds, in_file, key, made, one_of, text_like, word_or_block
from harness.scenario.values import BYTES_PATTERN, WHICH_PATTERN, amount, occurrence, spelled

Amount = Annotated[
    int,
    PlainValidator(amount),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": BYTES_PATTERN}]}),
]


def _kind_model(fault: type[Fault]) -> type[Keys]:
    """Return the block of a fault: a key for each field of its class."""
    hints = get_type_hints(fault)
    keys: dict[str, Any] = {}
    for parameter in fields(cast(Any, fault)):
        default = ... if parameter.default is MISSING else parameter.default
        if parameter.name.endswith("_s"):
            kind: Any = Delays if hints[parameter.name] == Delay else Seconds
            shown: Any = "30s" if default is ... else spelled(default)
        else:
            kind = Amount if hints[parameter.name] is int else hints[parameter.name]
            shown = 1 if default is ... else default
        says = f"Parameter of {fault.name}; {'required' if default is ... else f'default {shown}'}."
        keys[parameter.name] = (kind, key(says, shown, default=... if default is ... else None))
    model: type[Keys] = create_model(f"{fault.__name__}Keys", __base__=Keys, __doc__=fault.__doc__, **keys)
    model.makes = fault
    return model


class OneFault(Keys):
    """A fault with its parameters."""

    @model_validator(mode="after")
    def _one(self) -> "OneFault":
        if len(self.model_fields_set) != 1:
            raise ValueError(f"expected one fault, got {len(self.model_fields_set)}; write an entry for each")
        return self

    def made(self) -> Any:
        ((name, fault),) = self.given().items()
        return FAULTS[in_file(name)]() if fault is None else fault


_BLOCKS: dict[str, Any] = {
    name.replace("-", "_"): (
        Annotated[_kind_model(fault), AfterValidator(made)] | None,
        key((fault.__doc__ or name).strip(), {}),
    )
    for name, fault in FAULTS.items()
}
FaultKeys: type[OneFault] = create_model("FaultKeys", __base__=OneFault, __doc__=OneFault.__doc__, **_BLOCKS)


def _fault_by_name(value: Any) -> Fault:
    return FAULTS[one_of(value, known=FAULTS, kind="fault")]()


FaultText = Annotated[
    Annotated[Any, PlainValidator(_fault_by_name), WithJsonSchema({"enum": [*FAULTS]}), Tag("=word")]
    | Annotated[FaultKeys, AfterValidator(made), Tag("=block")],  # type: ignore[valid-type]
    Discriminator(word_or_block),
]


def _link(value: Any) -> str:
    return one_of(value, known=LINKS, kind="link")


class FaultRuleKeys(Keys):
    """A fault, the messages that it acts on, and when."""

    makes = FaultRule
    link: Annotated[Link, PlainValidator(_link), WithJsonSchema({"enum": [*LINKS]})] = key(
        "The link: requests to a provider or to the application's store, or callbacks.",
        "kie",
        "callbacks",
        default=...,
        alias="to",
    )
    path: str = key(
        "Only requests whose path begins with this; not for faults that act before the connection is established.",
        "/api/v1/generate/image",
        pattern="^/",
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = key("Only requests with this method.", "POST")
    containing: str = key("Only requests with this text in their body.", '"callbackType":"complete"', min_length=1)
    nth: Annotated[Any, PlainValidator(occurrence), text_like(WHICH_PATTERN)] = key(
        "Which of these requests; default every.", "first", "7th", "every third", alias="which"
    )
    from_s: Seconds = key("Start of the window, after the start of the run.", "0s")
    until_s: Seconds = key("End of the window, after the start of the run.", "10m")
    probability: float = key("Probability that each of these requests is affected, 0 to 1.", 0.5, ge=0, le=1)
    fault: FaultText = key(
        "The fault that acts on them.",
        "connection-refused",
        {"dribbled-body": {"bytes": 1, "every": "1s"}},
        default=...,
    )

    @model_validator(mode="before")
    @classmethod
    def _former_name(cls, written: Any) -> Any:
        """Accept `harm`, the former name of `fault`, until the next release."""
        if isinstance(written, dict) and "harm" in written and "fault" not in written:
            return {("fault" if name == "harm" else name): value for name, value in written.items()}
        return written

    @field_validator("until_s")
    @classmethod
    def _after_from(cls, until_s: float, info: ValidationInfo) -> float:
        from_s = info.data.get("from_s") or 0.0
        if until_s <= from_s:
            raise ValueError(f'expected a time after from: "{spelled(from_s)}", got "{spelled(until_s)}"')
        return until_s

    @field_validator("fault")
    @classmethod
    def _possible(cls, fault: Fault, info: ValidationInfo) -> Fault:
        if isinstance(fault, ConnectFault):
            known = [name for name in ("path", "method", "containing") if info.data.get(name) is not None]
            if known:
                raise ValueError(
                    f'"{fault.name}" acts before a request is sent, when its {known[0]} is unknown; remove {known[0]}:'
                )
        link = info.data.get("link")
        if fault.links is not None and link is not None and link not in fault.links:
            raise ValueError(
                f'"{fault.name}" acts on the way to {" or ".join(fault.links)}, write to: {fault.links[0]}'
            )
        if link == "callbacks" and fault.name not in CALLBACK_FAULTS:
            raise ValueError(
                f'"{fault.name}" has no effect on a callback, since providers only read the status of its response; '
                f"expected {', '.join(CALLBACK_FAULTS[:-1])} or {CALLBACK_FAULTS[-1]}"
            )
        return fault
