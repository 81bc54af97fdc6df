"""Invariants about the picture: what a GET of the track's image_url returns, decoded. Nobody's claims count."""

import contextlib
import json
import re
from collections.abc import Sequence
from typing import Any

from harness.invariants.invariant import Invariant, of_every_track
from harness.invariants.verdict import Finding, held, not_applicable, unknown, unseen, violated
from harness.trace.events import ImageProbed, Row, RunEnded, StoreWatched, StoreWrite
from harness.trace.journal import AnyEntry, Entry
from harness.trace.tracks import TERMINAL, Generation, Track
from harness.trace.urls import usable_url
from harness.trace.view import TraceView

SIZE = re.compile(r"\D*(\d+)\D+(\d+)\D*")
"""Two numbers, however they are joined: 2048x1152, 2048 × 1152 px, {"width": 2048, "height": 1152}."""
CLASS_2K = re.compile(r"2\s*k", re.IGNORECASE)
NO_PICTURE = "the track has no picture"
WIDTH_2K, HEIGHT_2K = 2048, 1152
ASPECT_TOLERANCE = 0.01
LATER = frozenset({"day", "retention"})
"""Looks at a picture when the run is long over."""


def is_2k(probe: ImageProbed) -> bool:
    """Whether a look showed a decoded picture of at least 2048x1152, landscape, 16:9 within one per cent."""
    return probe.decodes and is_2k_size(*probe.size)


def is_2k_size(width: int, height: int) -> bool:
    """Whether a picture of this size is at least 2048x1152, landscape, 16:9 within one per cent."""
    return width >= WIDTH_2K and height >= HEIGHT_2K and is_16_9(width, height)


def is_enlarged(probe: ImageProbed) -> bool:
    """Whether the picture's pixels say that it was made smaller than it is; a turned one is no smaller."""
    if probe.mark is None:
        return False
    made = sorted((probe.mark["made_width"], probe.mark["made_height"]))
    shown = sorted(probe.size)
    return made[0] < shown[0] or made[1] < shown[1]


def is_16_9(width: int, height: int) -> bool:
    """Landscape 16:9 within one per cent."""
    return abs(width / height - 16 / 9) <= ASPECT_TOLERANCE * 16 / 9


def size_text(probe: ImageProbed) -> str:
    """`2048x1152`."""
    return f"{probe.width}x{probe.height}"


def _early_looks(view: TraceView, url: str | None) -> list[ImageProbed]:
    """What the looks at `url` before the retention showed."""
    return [entry.event for entry in view.probes.get(url or "", ()) if entry.event.when not in LATER]


def ever_2k(view: TraceView, url: str | None) -> bool:
    """Whether any look at `url` before the retention showed a sound picture of 2K size."""
    return any(is_2k(look) for look in _early_looks(view, url))


def ever_truly_2k(view: TraceView, url: str | None) -> bool:
    """The same, for a picture that was also made at that size, as far as its pixels tell."""
    return any(is_2k(look) and not is_enlarged(look) for look in _early_looks(view, url))


def was_good(view: TraceView, generation: Generation) -> bool:
    """Whether a generation yielded a picture that is truly 2K, by its pixels, or as it was published."""
    if not generation.succeeded:
        return False
    return any(ever_truly_2k(view, url) or _published_good(view, url) for url in generation.urls)


def _published_good(view: TraceView, url: str) -> bool:
    """For a picture that nobody but the implementation may have opened."""
    entry = view.published.get(url)
    if entry is None or url in view.probes:
        return False
    (width, height), (made_width, made_height) = entry.event.size, entry.event.made
    return is_2k_size(width, height) and made_width >= width and made_height >= height and entry.event.flaw is None


def _end_probe(view: TraceView, track: Track) -> tuple[Finding | None, Entry[ImageProbed] | None]:
    """The look at the track's picture at the end of the run, or why there is none."""
    finding = unseen(track)
    if finding is not None:
        return finding, None
    if track.image_url is None:
        return not_applicable(NO_PICTURE), None
    probe = view.probe(track.image_url, "end")
    if probe is None:
        return unknown("the harness did not open the track's picture"), None
    return None, probe


def _decoded(view: TraceView, track: Track) -> tuple[Finding | None, Entry[ImageProbed] | None]:
    """The same, but only for a picture that decodes."""
    finding, probe = _end_probe(view, track)
    if probe is not None and not probe.event.decodes:
        return not_applicable("the picture does not load"), None
    return finding, probe


def image_loads(view: TraceView, track: Track) -> Finding:
    """Opens the picture as a browser would and decodes every byte."""
    finding, probe = _end_probe(view, track)
    if probe is None:
        assert finding is not None
        return finding
    if probe.event.decodes:
        return held(f"the picture loads ({probe.event.format}, {size_text(probe.event)})", probe)
    return violated(f"the picture does not load: {probe.event.problem}", *_write_of(track), probe)


IMAGE_LOADS = Invariant(
    name="image-loads",
    sentence="That address answers 200 with a file of which every byte decodes.",
    consequence="shows pictures that do not load",
    gravity=7,
    check=of_every_track(image_loads),
)


def image_2k(view: TraceView, track: Track) -> Finding:
    """Measures the decoded picture against 2048x1152, landscape 16:9."""
    finding, probe = _decoded(view, track)
    if probe is None:
        assert finding is not None
        return finding
    if is_2k(probe.event):
        return held(f"the decoded picture is {size_text(probe.event)}", probe)
    width, height = probe.event.size
    shape = "" if is_16_9(width, height) or width < height else ", and not 16:9"
    portrait = " (portrait)" if width < height else ""
    return violated(
        f"the decoded picture is {size_text(probe.event)}{portrait}{shape}; it should be at least 2048x1152",
        *_write_of(track),
        probe,
    )


IMAGE_2K = Invariant(
    name="image-2k",
    sentence="The decoded picture is landscape 16:9 and measures 2048x1152 or more.",
    consequence="shows pictures below 2048x1152",
    gravity=6,
    check=of_every_track(image_2k),
)


def image_native(view: TraceView, track: Track) -> Finding:
    """Reads the size that the picture was made at out of its pixels."""
    finding, probe = _decoded(view, track)
    if probe is None:
        assert finding is not None
        return finding
    mark = probe.event.mark
    if mark is None:
        return unknown("the picture carries no mark of the fakes, so nobody knows at what size it was made", probe)
    if not is_enlarged(probe.event):
        return held("the picture was made at its size", probe)
    return violated(
        f"the picture is {size_text(probe.event)} but was made at {mark['made_width']}x{mark['made_height']}: enlarged",
        *_write_of(track),
        probe,
    )


IMAGE_NATIVE = Invariant(
    name="image-native",
    sentence="The picture was made at its size, not enlarged from a smaller one.",
    consequence="shows enlarged pictures",
    check=of_every_track(image_native),
)


def image_belongs(view: TraceView, track: Track) -> Finding:
    """Reads out of the pixels of each picture that a settled track shows whose the task is that made it."""
    for fields, write in track.states:
        url = usable_url(fields.get("image_url"))
        if fields.get("status") not in TERMINAL or url == track.image_url:
            continue
        early = view.probe(url, "write")
        if early is not None and early.event.decodes:
            finding = _whose(view, track, early, [write])
            if finding.state == "violated":
                return finding._replace(reason=f"{finding.reason} (shown from {write.at_s:g} s on)")
    late, probe = _decoded(view, track)
    if probe is None:
        assert late is not None
        return late
    return _whose(view, track, probe, _write_of(track))


IMAGE_BELONGS = Invariant(
    name="image-belongs",
    sentence="The picture was made for this track and for no other.",
    consequence="shows another track's picture",
    gravity=10,
    check=of_every_track(image_belongs),
)


def _whose(view: TraceView, track: Track, probe: Entry[ImageProbed], writes: Sequence[AnyEntry]) -> Finding:
    mark = probe.event.mark
    if mark is None:
        return unknown("the picture carries no mark of the fakes, so nobody knows whose it is", probe)
    if view.is_forged(mark):
        return violated("the picture comes from a forged callback", *writes, probe)
    task = view.task_of_mark(mark)
    if task is None:
        return violated("the picture belongs to no task of this run", *writes, probe)
    if task in track.images or task in track.music:
        return held(f"the picture was made by task {task.task_id[:8]} for this track", task.created, probe)
    owner = next((other for other in view.tracks if task in other.images or task in other.music), None)
    if owner is None:
        return unknown("nobody knows for which track the picture's task was asked for", task.created, probe)
    return violated(f"the picture was made for track {owner.index}", task.created, *writes, probe)


def resolution_true(view: TraceView, track: Track) -> Finding:
    """Compares the stored resolution with the decoded size."""
    finding = unseen(track)
    if finding is not None:
        return finding
    claimed = _claim((track.fields or {}).get("image_resolution"))
    if claimed is None:
        return not_applicable("no resolution is stored")
    if track.image_url is None:
        return violated(f'the track claims "{claimed}" and has no picture', *track.writes[-1:])
    finding, probe = _decoded(view, track)
    if probe is None:
        assert finding is not None
        return finding
    match = SIZE.fullmatch(claimed)
    if match is None and not CLASS_2K.fullmatch(claimed.strip()):
        return unknown(f'the stored resolution is "{claimed}", which does not say how many pixels that is', probe)
    if (int(match[1]), int(match[2])) == probe.event.size if match else is_2k(probe.event):
        return held(f"the stored resolution {claimed} is true", probe)
    return violated(
        f'the stored resolution is "{claimed}", the decoded picture is {size_text(probe.event)}',
        *_write_of(track),
        probe,
    )


RESOLUTION_TRUE = Invariant(
    name="resolution-true",
    sentence="The resolution that is stored is the size that the picture decodes to.",
    consequence="stores resolutions that are not true",
    check=of_every_track(resolution_true),
)


def _claim(stored: Any) -> str | None:
    """A stored resolution as text: an object's or a list's numbers, the width first; None where nothing is claimed."""
    if isinstance(stored, str) and stored.strip()[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            stored = json.loads(stored)
    if isinstance(stored, dict):
        named = {str(name).lower(): value for name, value in stored.items()}
        sides = [named.get(long, named.get(long[0])) for long in ("width", "height")]
        stored = sides if None not in sides else list(stored.values())
    if isinstance(stored, list | tuple):
        sides = [value for value in stored if value is not None]
        return "x".join(map(_plain, sides)) or None
    return usable_url(stored if stored is None else _plain(stored))


def _plain(value: Any) -> str:
    """2048, and not 2048.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def never_downgraded(view: TraceView, track: Track) -> Finding:
    """Follows every change of the picture's URL after one that put a true 2K picture on the track."""
    states = track.states
    if track.refused is not None or not (states or track.readable):
        return unseen(track) or not_applicable("nothing was written")
    good: AnyEntry | None = None
    shown: str | None = None
    for fields, entry in states:
        if fields.get("image_url") == shown:
            continue
        shown = fields.get("image_url")
        url = usable_url(shown)
        if url is not None and ever_truly_2k(view, url):
            good = entry
        elif good is not None:
            probe = next((p for p in view.probes.get(url or "", ()) if p.event.decodes), None)
            what = f"a picture that was {_seen(view, url)}" if url else "nothing" if fields else "no row at all"
            return violated(f"a verified 2K picture was replaced by {what}", good, entry, probe)
    if good is None:
        return not_applicable("the track never held a 2K picture")
    return held(f"the 2K picture stayed{_as_far_as_seen(view)}", good)


NEVER_DOWNGRADED = Invariant(
    name="never-downgraded",
    sentence="A verified 2K picture, once on the track, is never replaced by a smaller, broken or missing one.",
    consequence="overwrites good pictures with worse ones",
    gravity=5,
    check=of_every_track(never_downgraded),
)


def _as_far_as_seen(view: TraceView) -> str:
    """What to add where a write may have been missed: a live application's store may only be looked at."""
    how = next((entry.event.how for entry in view.of(StoreWatched)), "exact")
    if how == "exact":
        return ""
    gap_s = max((entry.event.store_gap_s or 0.0 for entry in view.of(RunEnded)), default=0.0)
    return f", as far as was seen: the store was {how}, at most {gap_s:.3g} s apart"


def _seen(view: TraceView, url: str) -> str:
    """How the best look at `url` found its picture."""
    looks = [entry.event for entry in view.probes.get(url, ())]
    decoded = next((look for look in looks if look.decodes), None)
    if decoded is None:
        return "not to be loaded" if looks else "never seen"
    return f"{size_text(decoded)}, enlarged" if is_enlarged(decoded) else size_text(decoded)


def fallback_labelled(view: TraceView, track: Track) -> Finding:
    """Looks for the label wherever a settled track shows a picture below 2K, and at the end where a 2K one does."""
    finding = unseen(track)
    if finding is not None:
        return finding
    small = None
    for fields, entry in track.states:
        url = usable_url(fields.get("image_url"))
        probe = next((p for p in view.probes.get(url or "", ()) if p.event.decodes), None)
        if url is None or probe is None or is_2k(probe.event) or fields.get("status") not in TERMINAL:
            continue
        small = entry
        if not _labelled(fields):
            return violated(
                f"a {size_text(probe.event)} picture is shown without the low-resolution label", entry, probe
            )
    if track.settled and ever_truly_2k(view, track.image_url) and _labelled(track.fields or {}):
        label = (track.fields or {})["image_label"]
        return violated(f'a true 2K picture carries the label "{label}" at the end', *_write_of(track))
    if small is None:
        return not_applicable("no picture below 2K is shown")
    return held("the small picture carries its label", small)


FALLBACK_LABELLED = Invariant(
    name="fallback-labelled",
    sentence="A picture below 2K is shown with the low-resolution label or not at all, and a 2K picture without it.",
    consequence="shows small pictures as if they were fine",
    gravity=3,
    check=of_every_track(fallback_labelled),
)


def _labelled(fields: Row) -> bool:
    label = fields.get("image_label")
    return isinstance(label, str) and "low" in label.lower()


def image_durable(view: TraceView, track: Track) -> Finding:
    """Opens the picture again after a day and after fifteen: the sources do not agree when a provider deletes files."""
    finding, probe = _decoded(view, track)
    if probe is None:
        assert finding is not None
        return finding
    later = view.probe(track.image_url, "retention")
    if later is None:
        return unknown("the harness did not open the picture again after the provider's retention")
    day = view.probe(track.image_url, "day")
    if day is not None and not day.event.decodes:
        return violated(f"after a day the picture no longer loads: {day.event.problem}", probe, day)
    if later.event.decodes:
        return held("the picture still loads after 15 days", later)
    return violated(f"after 15 days the picture no longer loads: {later.event.problem}", probe, later)


IMAGE_DURABLE = Invariant(
    name="image-durable",
    sentence="The picture still loads when the provider has deleted its files.",
    severity="warning",
    check=of_every_track(image_durable),
)


def _write_of(track: Track) -> list[Entry[StoreWrite]]:
    """The write that put the final picture there."""
    for write in reversed(track.writes):
        before, after = write.event.before or {}, write.event.after or {}
        if after.get("image_url") == track.image_url and before.get("image_url") != track.image_url:
            return [write]
    return []
