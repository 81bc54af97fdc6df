"""A scenario file as a pydantic model.

Its blocks are models, too, each of which makes one value of `harness.fakes.script` or `harness.scenario.model`: the
providers are in `provider_fields`, faults, pictures and platforms in `fault_fields`, `image_fields` and
`platform_fields`.
"""

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from harness.fakes.script import (
    Script,
    Signing,
    SunoScript,
)
from harness.fakes.suno.contract import DIALECTS, TITLE_LONGEST
from harness.invariants.registry import INVARIANTS
from harness.scenario.fault_fields import FaultRuleKeys
from harness.scenario.fields import (
    Keys,
    Made,
    Many,
    Seconds,
    Timezone,
    key,
    one_of,
    text_like,
)
from harness.scenario.model import DEADLINE_S, Scenario, UserAction
from harness.scenario.platform_fields import PlatformText
from harness.scenario.provider_fields import KieKeys, MediaKeys, SunoKeys
from harness.scenario.signing_fields import SigningText, signed
from harness.scenario.values import found, spelled

TRACKS_MAX = 1_000


def _whose(value: Any) -> Any:
    if value != "every" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"expected the number of a track, from 1, or every, got {found(value)}")
    return value


_WHOSE = WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"enum": ["every"]}]})


class UserKeys(Keys):
    """An action of the user of a track."""

    makes = UserAction
    after_s: Seconds = key("Its time, after the first request for the track.", "0s", "60s", default=...)
    does: Literal["ask-again", "ask-anew", "delete"] = key(
        "ask-again: sends the same request once more. ask-anew: the same, if the track has failed by then. delete:"
        " deletes the track.",
        "ask-again",
        default=...,
    )
    track: Annotated[Any, PlainValidator(_whose), _WHOSE] = key(
        "The number of the track; every: each user does it. Default 1.", 2, "every"
    )

    def given(self) -> dict[str, Any]:
        given = super().given()
        return {**given, "track": None} if given.get("track") == "every" else given


def _sentence(value: str) -> str:
    if not value.strip():
        raise ValueError("is blank; describe in a sentence or two what goes wrong and who is affected")
    return " ".join(value.split())


def _reason(value: str) -> str:
    if not value.strip():
        raise ValueError("is blank; describe the behaviour of the providers that makes it impossible")
    return " ".join(value.split())


_REASON = "Kie.ai rejects every picture"
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


def _must_end_after_the_last_track(deadline_s: float, tracks: int | None, apart_s: float | None) -> None:
    last_s = ((tracks or 1) - 1) * (apart_s or 0.0)
    if 0 < last_s >= deadline_s:
        raise ValueError(f"the last track is requested after {spelled(last_s)}, expected a later deadline")


class ScenarioKeys(Keys):
    """One scenario. Only `why` is required; everything you omit behaves normally."""

    why: Annotated[str, AfterValidator(_sentence), text_like(r"\S")] = key(
        "What goes wrong in production, and who is affected.",
        "A picture after 16 s is one second more than Suno waits for the response to its callback.",
        default=...,
    )
    tracks: int = key("Number of requested tracks; default 1.", 20, ge=1, le=TRACKS_MAX)
    title: Annotated[str, Field(min_length=1, max_length=TITLE_LONGEST)] = key(
        "The title of the first track; default two words. Suno takes at most 80 characters.", 'Don\'t "stop" 🎵'
    )
    apart_s: Seconds = key("Interval between the starts of two tracks; by default all start at once.", "1s")
    deadline_s: Seconds = key("Time by which every track must be final; default 1h.", "2h")
    signing: SigningText = key(
        "true: callbacks are signed, and the implementation has the key; a block says how.", True, {"retries": "first"}
    )
    timezone: Timezone = key("The time zone of the application; default UTC.", "Asia/Tokyo", "America/Los_Angeles")
    impossible: Impossible = key(
        "Invariants that no implementation can hold because of the providers' behaviour, each with the reason.",
        {"image-2k": _REASON},
    )
    suno: Made[SunoKeys] = key("The behaviour of Suno.", {"music": [{"takes": "8m"}]})
    kie: Made[KieKeys] = key("The behaviour of Kie.ai.", {"images": [{"takes": "16s"}]})
    media: Made[MediaKeys] = key("The behaviour of the file hosts.", {"expires-after": "10m"})
    faults: Many[Made[FaultRuleKeys]] = key(
        "Faults that act on messages in transit.", [{"to": "kie", "fault": "connection-refused"}]
    )
    user: Many[Made[UserKeys]] = key("What the users of the tracks do next.", [{"after": "0s", "does": "ask-again"}])
    platform: PlatformText = key(
        "The platform on which the implementation runs: a name or its rules.", "vercel-hobby", {"answer-limit": "60s"}
    )

    @field_validator("deadline_s")
    @classmethod
    def _after_the_last_track(cls, deadline_s: float, info: ValidationInfo) -> float:
        _must_end_after_the_last_track(deadline_s, info.data.get("tracks"), info.data.get("apart_s"))
        return deadline_s

    @model_validator(mode="after")
    def _by_default_too(self) -> "ScenarioKeys":
        if self.deadline_s is None:
            _must_end_after_the_last_track(DEADLINE_S, self.tracks, self.apart_s)
        return self

    @field_validator("user")
    @classmethod
    def _of_tracks(cls, user: tuple[UserAction, ...], info: ValidationInfo) -> tuple[UserAction, ...]:
        tracks = info.data.get("tracks") or 1
        beyond = next((action.track for action in user if action.track is not None and action.track > tracks), None)
        if beyond is not None:
            raise ValueError(f"there is no track {beyond}; write tracks: {beyond}, or track: 1 to {tracks}")
        return user

    @field_validator("suno")
    @classmethod
    def _signs(cls, suno: SunoScript, info: ValidationInfo) -> SunoScript:
        if info.data.get("signing") and not DIALECTS[suno.dialect].signs:
            raise ValueError(
                f"{suno.dialect} does not sign callbacks, so an application with the key rejects them all; "
                "remove signing: or dialect:"
            )
        return suno

    def scenario(self, *, name: str, path: str | None) -> Scenario:
        """Return the scenario."""
        given = self.given()
        script = Script(**{part: given.pop(part) for part in ("suno", "kie", "media") if part in given})
        if isinstance(given.get("signing"), Signing):
            script, given["signing"] = signed(script, given["signing"]), True
        return Scenario(name=name, path=path, script=script, **given)
