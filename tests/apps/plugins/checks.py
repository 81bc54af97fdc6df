"""Invariants of a user's own: a registered value, and a function that is one by itself."""

from harness.invariants.invariant import Invariant, of_every_track
from harness.invariants.verdict import Finding, held, unseen, violated
from harness.trace.events import Response
from harness.trace.tracks import Track
from harness.trace.view import TraceView


def keeps_the_prompt(view: TraceView, track: Track) -> Finding:
    not_judged = unseen(track)
    if not_judged is not None:
        return not_judged
    prompt = (track.fields or {}).get("prompt")
    if prompt != track.prompt:
        return violated(f'the prompt is "{prompt}"', track.final)
    return held("the prompt is the one that was requested")


PROMPT_KEPT = Invariant(
    name="prompt-kept",
    sentence="The prompt of a track is the one that was requested.",
    check=of_every_track(keeps_the_prompt),
    severity="warning",
    consequence="rewords prompts",
)


def no_teapots(view: TraceView) -> Finding:
    """No response has the status 418."""
    teapots = [entry for entry in view.of(Response) if entry.event.status == 418]
    return violated("a response has the status 418", teapots[0]) if teapots else held("there is no status 418")
