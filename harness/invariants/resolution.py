"""Invariants about the stored resolution: it is the picture's decoded size, and is there where there is a picture.

That a resolution is missing is an invariant of its own, and a warning: an application that never fills the column can
switch it off and is still told of a wrong resolution.
"""

import contextlib
import re
from typing import Any
from urllib.parse import urlsplit

from harness.invariants import images
from harness.invariants.downloads import is_whole
from harness.invariants.invariant import Invariant, of_every_track
from harness.invariants.verdict import Finding, held, not_applicable, unknown, unseen, violated
from harness.json_text import parse_json
from harness.trace.events import ImageProbed
from harness.trace.journal import Entry
from harness.trace.looks import SOON
from harness.trace.tracks import Track
from harness.trace.urls import usable_url
from harness.trace.view import TraceView

FIELD = "image_resolution"
SIZE = re.compile(r"\D*(\d+)\D+(\d+)\D*")
"""Two numbers with any separator: 2048x1152, 2048 × 1152 px, {"width": 2048, "height": 1152}."""
CLASS_2K = re.compile(r"2\s*k", re.IGNORECASE)


def resolution_true(view: TraceView, track: Track) -> Finding:
    """Compare the stored resolution with the decoded size."""
    finding = unseen(track)
    if finding is not None:
        return finding
    claimed = _claim((track.fields or {}).get(FIELD))
    if claimed is None:
        return not_applicable("no resolution is stored")
    if track.image_url is None:
        return violated(f'the stored resolution is "{claimed}", but the track has no picture', *track.writes[-1:])
    probe = _measured(view, track)
    if isinstance(probe, Finding):
        return probe
    if not probe.event.decodes:
        if _was_measured(view, probe.event.url, claimed):
            return not_applicable("the picture loads in no browser, and the application has measured its file")
        reason = f'the stored resolution is "{claimed}", but the picture never loaded: {probe.event.problem}'
        return violated(reason, *images.write_of(track), probe)
    if _states_no_size(claimed):
        return unknown(f'the stored resolution is "{claimed}", which does not state a size in pixels', probe)
    if _is_stated(claimed, probe.event.size):
        return held(f"the stored resolution {claimed} is correct", probe)
    return violated(
        f'the stored resolution is "{claimed}", the decoded picture is {images.size_text(probe.event)}',
        *images.write_of(track),
        probe,
    )


RESOLUTION_TRUE = Invariant(
    name="resolution-true",
    sentence="The stored resolution is the decoded size of the picture; one that never loaded has none.",
    consequence="stores wrong resolutions",
    check=of_every_track(resolution_true),
)


def _measured(view: TraceView, track: Track) -> Entry[ImageProbed] | Finding:
    """Return the last probe of the track's picture, while it loaded if it ever did, or a finding without one."""
    probes = [probe for probe in view.probes.get(track.image_url or "", ()) if probe.event.when in SOON]
    if not probes:
        return unknown("the harness did not download the track's picture")
    return next((probe for probe in reversed(probes) if probe.event.decodes), probes[-1])


def _was_measured(view: TraceView, url: str, claimed: str) -> bool:
    """Return whether the application downloaded the picture that its provider published at `url`, in this size."""
    published = view.published.get(url)
    if published is None or not _is_stated(claimed, (published.event.size[0], published.event.size[1])):
        return False
    return any(is_whole(view, request) for request in view.downloads.get(urlsplit(url).path, ()))


def resolution_stored(view: TraceView, track: Track) -> Finding:
    """Look for a resolution beside the picture at the end, if the store has a column for it."""
    probe = images.decoded(view, track)
    if isinstance(probe, Finding):
        return probe
    fields = track.fields or {}
    if FIELD not in fields:
        return not_applicable("the store has no column for the resolution")
    claimed = _claim(fields[FIELD])
    if claimed is not None:
        return held(f"the resolution {claimed} is stored beside the picture", probe)
    return violated(
        f"no resolution is stored beside the picture of {images.size_text(probe.event)}", *images.write_of(track), probe
    )


RESOLUTION_STORED = Invariant(
    name="resolution-stored",
    sentence="Where the store has a column for the resolution, a picture has one.",
    severity="warning",
    check=of_every_track(resolution_stored),
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


def _states_no_size(claimed: str) -> bool:
    return SIZE.fullmatch(claimed) is None and not CLASS_2K.fullmatch(claimed.strip())


def _is_stated(claimed: str, size: images.Size) -> bool:
    """Return whether a stored resolution states this size, in pixels or as the class 2K."""
    match = SIZE.fullmatch(claimed)
    if match is None:
        return CLASS_2K.fullmatch(claimed.strip()) is not None and images.is_2k_size(size)
    return (int(match[1]), int(match[2])) == size


def _plain(value: Any) -> str:
    """Return a number without a trailing .0: 2048, not 2048.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
