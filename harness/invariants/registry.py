"""Promises: the names of the invariants, what each of them says, and how grave it is when it is broken; and what a log
line can be promised for.

The sentences alone, without the judges: a scenario file has to know the names, and nothing that judges.
"""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Promise:
    """One sentence that must hold of every run."""

    name: str
    sentence: str
    severity: Severity = "error"


PROMISES: dict[str, Promise] = {
    promise.name: promise
    for promise in (
        Promise(
            "settles", "Before the deadline the track is finished, or has failed for a reason; it is not left waiting."
        ),
        Promise("audio-kept", "Once the music is done its audio is on the track, however the picture turned out."),
        Promise(
            "image-present", "A finished track has the address of a picture, not null, empty or the word undefined."
        ),
        Promise("image-loads", "That address answers 200 with a file of which every byte decodes."),
        Promise("image-2k", "The decoded picture is landscape 16:9 and measures 2048x1152 or more."),
        Promise("image-native", "The picture was made at its size, not enlarged from a smaller one."),
        Promise("image-belongs", "The picture was made for this track and for no other."),
        Promise("resolution-true", "The resolution that is stored is the size that the picture decodes to."),
        Promise(
            "never-downgraded",
            "A verified 2K picture, once on the track, is never replaced by a smaller, broken or missing one.",
        ),
        Promise(
            "fallback-labelled",
            "A picture below 2K is shown with the low-resolution label or not at all, and a 2K picture without it.",
        ),
        Promise("failure-visible", "A track without a 2K picture says why, in its reason field or in an error line."),
        Promise("callback-answered", "Every callback is answered 200 within the 15 s that the provider waits."),
        Promise(
            "within-platform-limit",
            "No handler outlives the platform's limit or leaves needed work to a frozen instance.",
        ),
        Promise(
            "generates-once",
            "One picture is paid for per track, or two when the first one failed, also under duplicate callbacks.",
        ),
        Promise(
            "charges-once",
            "A finished track costs its credits once, and a failed one gets them back.",
            "warning",
        ),
        Promise("idempotent", "Callbacks that come again, or together, leave the track as a single one would."),
        Promise("honours-contract", "Every request to a provider is one that the provider's contract allows."),
        Promise(
            "keeps-rate",
            "Requests stay below the provider's rate limit, and wait when they are told to.",
            "warning",
        ),
        Promise("image-durable", "The picture still loads when the provider has deleted its files.", "warning"),
        Promise("rejects-forgery", "With a signing key set, an unsigned, forged or stale callback changes nothing."),
        Promise("fetches-safely", "No picture is fetched from a private or foreign address that a callback names."),
        Promise(
            "logs-as-promised",
            "The log lines promised for what happened are written, and in their order.",
            "warning",
        ),
        Promise("keeps-secrets", "The API key is in no log line, stored value, callback URL or request elsewhere."),
    )
}
"""Every invariant that the harness ships, by name, in the order in which they are reported."""

LOG_EVENTS = (
    "callback-without-picture",
    "image-requested",
    "image-retried",
    "image-verified",
    "image-delivered",
    "image-failed",
    "picture-skipped",
)
"""What may happen in a run that an implementation can promise a log line for (`logs-as-promised`)."""
