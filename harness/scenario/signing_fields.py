"""How callbacks are signed in a scenario file: true, or a block that makes a `harness.fakes.script.Signing`."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Tag, ValidationInfo, field_validator

from harness.fakes.script import Rotation, Script, Signing
from harness.scenario.fields import ENTRIES_MAX, Keys, Made, Seconds, key, made, word_or_block


class RotationKeys(Keys):
    """A signing key that is replaced in the middle of a run. The new one is in WEBHOOK_SIGNING_KEY_NEXT, if known."""

    makes = Rotation
    from_callback: int = key(
        "The first callback that is signed with the new key, counted from 1 over both providers; redeliveries are"
        " signed with the key of their time.",
        2,
        default=...,
        ge=1,
        le=ENTRIES_MAX,
    )
    known: Literal["both", "old"] = key(
        "The keys in the application's configuration from the start; with old, it is right to turn away what is signed"
        " with the new one. Default both.",
        "old",
    )


class SigningKeys(Keys):
    """How callbacks are signed; by default as documented."""

    makes = Signing
    covers: Literal["task", "body"] = key("The signed text: task id and time, or time and raw body.", "body")
    retries: Literal["fresh", "first"] = key("first: a redelivery carries the first attempt's timestamp.", "first")
    ahead_s: Seconds = key("The time by which the provider's clock is ahead of the application's.", "2m")
    behind_s: Seconds = key("The time by which the provider's clock is behind the application's.", "2m")
    also_another: bool = key("true: a signature with a replaced key stands first in the header.", True)
    key_as: Literal["plain", "with-newline", "with-prefix"] = key(
        "The key in the application's configuration: as it is, with a line feed, or after whsec_.", "with-newline"
    )
    rotation: Made[RotationKeys] = key(
        "The key is replaced in the middle of the run.", {"from-callback": 2}, {"from-callback": 2, "known": "old"}
    )

    @field_validator("behind_s")
    @classmethod
    def _not_both(cls, behind_s: float, info: ValidationInfo) -> float:
        if info.data.get("ahead_s") is not None:
            raise ValueError("a clock is ahead or behind; remove this key or ahead:")
        return behind_s

    def given(self) -> dict[str, Any]:
        given = super().given()
        behind_s = given.pop("behind_s", None)
        return given if behind_s is None else {**given, "ahead_s": -behind_s}


SigningText = Annotated[
    Annotated[bool, Tag("=word")] | Annotated[SigningKeys, AfterValidator(made), Tag("=block")],
    Discriminator(word_or_block),
]


def signed(script: Script, signing: Signing) -> Script:
    """Return the script with all callbacks signed in a way."""
    suno, kie = script.suno, script.kie
    return replace(
        script,
        suno=replace(suno, delivery=replace(suno.delivery, signing=signing)),
        kie=replace(kie, delivery=replace(kie.delivery, signing=signing)),
    )
