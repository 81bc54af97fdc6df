"""The changes of a provider's messages in a scenario file."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, model_validator

from harness.errors import nearest_hint
from harness.fakes.script import CALLBACKS, Change
from harness.scenario.fields import ENTRIES_MAX, Keys, key, text_like
from harness.scenario.values import found

Place = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$", max_length=200)]


def _messages(value: Any) -> str:
    if isinstance(value, str) and value.startswith("/"):
        return value
    if value == CALLBACKS:
        return CALLBACKS
    hint = nearest_hint(value, [CALLBACKS]) if isinstance(value, str) else ""
    raise ValueError(f"expected {CALLBACKS}, or a path such as /api/v1/jobs/recordInfo, got {found(value)}{hint}")


def _frozen(given: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((place, json.dumps(value, ensure_ascii=False)) for place, value in given.items())


Values = Annotated[
    dict[Place, Any],
    Field(max_length=ENTRIES_MAX),
    AfterValidator(_frozen),
    WithJsonSchema({"type": "object", "additionalProperties": True}),
]


class ChangeKeys(Keys):
    """A difference between what a provider sends and its contract."""

    makes = Change
    of: Annotated[str, PlainValidator(_messages), text_like("^(/.*|callback)$")] = key(
        "The path of the endpoint whose responses are changed, or callback.",
        "/api/v1/jobs/recordInfo",
        "callback",
        default=...,
    )
    when: Values = key("Only messages with these values at these places.", {"data.state": "success"})
    set: Values = key(
        "Places and their new values; * is every item of a list, and JSON in a text is entered.",
        {"data.response.sunoData.*.duration": "154.6"},
    )
    remove: Annotated[list[Place], Field(max_length=ENTRIES_MAX), AfterValidator(tuple)] = key(
        "The places of keys that are missing.", ["data.recordId"]
    )

    @model_validator(mode="after")
    def _changes_something(self) -> "ChangeKeys":
        if not self.set and not self.remove:
            raise ValueError("changes nothing; write set: or remove:")
        return self
