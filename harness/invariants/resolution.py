"""The invariant about the stored resolution: it is the picture's decoded size."""

import contextlib
import re
from typing import Any

from harness.invariants import images
from harness.invariants.invariant import Invariant, of_every_track
from harness.invariants.verdict import Finding, held, not_applicable, unknown, unseen, violated
from harness.json_text import parse_json
from harness.trace.tracks import Track
from harness.trace.urls import usable_url
from harness.trace.view import TraceView

SIZE = re.compile(r"\D*(\d+)\D+(\d+)\D*")
"""Two numbers with any separator: 2048x1152, 2048 × 1152 px, {"width": 2048, "height": 1152}."""
CLASS_2K = re.compile(r"2\s*k", re.IGNORECASE)


def resolution_true(view: TraceView, track: Track) -> Finding:
    """Compare the stored resolution with the decoded size."""
    finding = unseen(track)
    if finding is not None:
        return finding
    claimed = _claim((track.fields or {}).get("image_resolution"))
    if claimed is None:
        return not_applicable("no resolution is stored")
    if track.image_url is None:
        return violated(f'the stored resolution is "{claimed}", but the track has no picture', *track.writes[-1:])
    probe = images.decoded(view, track)
    if isinstance(probe, Finding):
        return probe
    match = SIZE.fullmatch(claimed)
    if match is None and not CLASS_2K.fullmatch(claimed.strip()):
        return unknown(f'the stored resolution is "{claimed}", which does not state a size in pixels', probe)
    if (int(match[1]), int(match[2])) == probe.event.size if match else images.is_2k_size(probe.event.size):
        return held(f"the stored resolution {claimed} is correct", probe)
    return violated(
        f'the stored resolution is "{claimed}", the decoded picture is {images.size_text(probe.event)}',
        *images.write_of(track),
        probe,
    )


RESOLUTION_TRUE = Invariant(
    name="resolution-true",
    sentence="The stored resolution is the decoded size of the picture.",
    consequence="stores wrong resolutions",
    check=of_every_track(resolution_true),
)


def _claim(stored: Any) -> str | None:
    """Return a stored resolution as text: an object's or a list's numbers, width first; None if nothing is stored."""
    if isinstance(stored, str) and stored.strip()[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            stored = parse_json(stored)
    if isinstance(stored, dict):
        named = {str(name).lower(): value for name, value in stored.items()}
        sides = [named.get(long, named.get(long[0])) for long in ("width", "height")]
        stored = sides if None not in sides else list(stored.values())
    if isinstance(stored, list | tuple):
        sides = [value for value in stored if value is not None]
        return "x".join(map(_plain, sides)) or None
    return usable_url(stored if stored is None else _plain(stored))


def _plain(value: Any) -> str:
    """Return a number without a trailing .0: 2048, not 2048.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
