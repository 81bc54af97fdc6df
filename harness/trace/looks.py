"""What a track's picture showed over time: the content behind an address of the application's own may change.

A file of a provider stays what it is, so any probe of its address tells what it shows. An address of the application
tells it only for the moment of the probe: the observer looks at each write that touches the track, and at the end.
"""

from collections.abc import Sequence
from typing import NamedTuple

from harness.trace.events import ImageProbed, Row, StoreWrite, TrackFinal
from harness.trace.journal import Entry
from harness.trace.tracks import Track
from harness.trace.urls import host_of, usable_url
from harness.trace.view import TraceView

SOON = frozenset({"write", "end"})
"""Probes of a picture before the providers delete their files."""


class Look(NamedTuple):
    """A track as it was from one moment on, and what its picture's address showed then."""

    fields: Row
    """{} where the track was deleted."""
    entry: Entry[StoreWrite] | Entry[TrackFinal]
    """The write that made it so; for the look at the end the last one."""
    probe: Entry[ImageProbed] | None
    """None if there was no picture, or none was looked at."""

    @property
    def url(self) -> str | None:
        return usable_url(self.fields.get("image_url"))


def looks_of(view: TraceView, track: Track) -> list[Look]:
    """Return what a track and its picture have been, one after the other; the look at the end comes last.

    What a provider does to a file of its own is no change of the track.
    """
    looks = [Look(fields, entry, _shown(view, fields, entry)) for fields, entry in track.states]
    end = view.probe(track.image_url, "end")
    if looks and end is not None and looks[-1].probe is not end and may_change(view, end.event.url):
        looks.append(Look(looks[-1].fields, looks[-1].entry, end))
    return looks


def _shown(view: TraceView, fields: Row, entry: Entry[StoreWrite] | Entry[TrackFinal]) -> Entry[ImageProbed] | None:
    """Return the probe that tells what the picture of a track showed when `entry` was written."""
    url = usable_url(fields.get("image_url"))
    probes = [probe for probe in view.probes.get(url or "", ()) if probe.event.when in SOON]
    if url is None or not may_change(view, url):
        return _first_whole(probes)
    if isinstance(entry.event, TrackFinal):
        return view.probe(url, "end")
    return next((probe for probe in reversed(probes) if 0 < probe.cause <= entry.number), None)


def _first_whole(probes: Sequence[Entry[ImageProbed]]) -> Entry[ImageProbed] | None:
    return next((probe for probe in probes if probe.event.decodes), probes[0] if probes else None)


def may_change(view: TraceView, url: str) -> bool:
    """Return whether another picture may take the place of the one at this address: it is the application's own."""
    host = host_of(url)
    return not host or host in view.app_hosts
