"""Invariants about the picture: what a GET of the track's image_url returns, decoded; claims do not count."""

from collections.abc import Sequence
from itertools import pairwise

from harness.fakes.image_defects import SOUND
from harness.invariants.invariant import Invariant, of_every_track
from harness.invariants.verdict import Finding, held, not_applicable, unknown, unseen, violated
from harness.trace.events import ImageProbed, Row, RunEnded, StoreWatched, StoreWrite
from harness.trace.journal import AnyEntry, Entry
from harness.trace.looks import SOON, Look, looks_of, may_change
from harness.trace.tracks import TERMINAL, Generation, Track
from harness.trace.view import TraceView

NO_PICTURE = "the track has no picture"
WIDTH_2K, HEIGHT_2K = 2048, 1152
ASPECT_TOLERANCE = 0.02
"""16:9 within 2 %: providers round sides to multiples of their own, and 2736x1520 (1.800) is what one of them sends."""
Size = tuple[int, int]
"""Width and height in pixels."""


def is_true_2k(size: Size, made: Size | None) -> bool:
    """Return whether a whole picture of this size, made at `made`, is a true 2K picture: the only definition of it.

    It is landscape, 16:9 within 2 %, at least 2048x1152, and was made at its size. `made` is None if unknown; such a
    picture is taken at its size. An enlarged picture counts as its smaller original: it may be shown with the
    low-resolution label and a reason, whatever number of pixels it was enlarged to.
    """
    return is_2k_size(size) and not is_enlarged_from(size, made)


def is_2k_size(size: Size) -> bool:
    """Return whether a size is landscape 16:9 of 2048x1152 or more, regardless of enlargement."""
    width, height = size
    return width >= WIDTH_2K and height >= HEIGHT_2K and is_16_9(size)


def is_16_9(size: Size) -> bool:
    """Return whether a size is landscape 16:9 within 2 %."""
    return abs(size[0] / size[1] - 16 / 9) <= ASPECT_TOLERANCE * 16 / 9


def is_enlarged_from(size: Size, made: Size | None) -> bool:
    """Return whether a picture was made smaller than it is, in either direction; a rotated one is not smaller."""
    return made is not None and any(was < now for was, now in zip(sorted(made), sorted(size), strict=True))


def is_enlarged(probe: ImageProbed) -> bool:
    """Return whether the watermark says that the picture was made smaller than it is."""
    return is_enlarged_from(probe.size, _made_at(probe))


def shows_true_2k(probe: ImageProbed) -> bool:
    """Return whether a probe found a fully decodable, true 2K picture."""
    return probe.decodes and is_true_2k(probe.size, _made_at(probe))


def _made_at(probe: ImageProbed) -> Size | None:
    return None if probe.mark is None else (probe.mark["made_width"], probe.mark["made_height"])


def size_text(probe: ImageProbed) -> str:
    """Return the size as text: `2048x1152`."""
    return f"{probe.width}x{probe.height}"


def _early_probes(view: TraceView, url: str | None) -> list[ImageProbed]:
    """Return the probes of `url` before the provider's retention ends."""
    return [entry.event for entry in view.probes.get(url or "", ()) if entry.event.when in SOON]


def ever_true_2k(view: TraceView, url: str | None) -> bool:
    """Return whether any probe of `url` before the retention ended found a true 2K picture."""
    return any(shows_true_2k(probe) for probe in _early_probes(view, url))


def ends_with_true_2k(view: TraceView, track: Track) -> bool:
    """Return whether the track's last picture is a true 2K one; a provider's file is judged as it was at first."""
    end = view.probe(track.image_url, "end")
    if end is not None and end.event.decodes and may_change(view, end.event.url):
        return shows_true_2k(end.event)
    return ever_true_2k(view, track.image_url)


def was_good(view: TraceView, generation: Generation) -> bool:
    """Return whether a generation produced a true 2K picture, by its pixels or as published."""
    if not generation.succeeded:
        return False
    return any(ever_true_2k(view, url) or _published_good(view, url) for url in generation.urls)


def _published_good(view: TraceView, url: str) -> bool:
    """Return whether a picture that the harness has not probed was published as a true 2K one."""
    entry = view.published.get(url)
    if entry is None or url in view.probes or entry.event.flaw not in (None, *SOUND):
        return False
    (width, height), (made_width, made_height) = entry.event.size, entry.event.made
    return is_true_2k((width, height), (made_width, made_height))


def is_labelled(fields: Row) -> bool:
    """Return whether a track labels its picture as low-resolution."""
    label = fields.get("image_label")
    return isinstance(label, str) and "low" in label.lower()


def _end_probe(view: TraceView, track: Track) -> Entry[ImageProbed] | Finding:
    """Return the probe of the track's picture at the end of the run, or a finding that says why there is none."""
    finding = unseen(track)
    if finding is not None:
        return finding
    if track.image_url is None:
        return not_applicable(NO_PICTURE)
    return view.probe(track.image_url, "end") or unknown("the harness did not download the track's picture")


def decoded(view: TraceView, track: Track) -> Entry[ImageProbed] | Finding:
    """Return the probe of the track's picture at the end if it decodes, or a finding that says why not."""
    probe = _end_probe(view, track)
    if isinstance(probe, Finding) or probe.event.decodes:
        return probe
    return not_applicable("the picture does not load")


def image_loads(view: TraceView, track: Track) -> Finding:
    """Download the picture as a browser would and decode every byte."""
    probe = _end_probe(view, track)
    if isinstance(probe, Finding):
        return probe
    if probe.event.decodes:
        return held(f"the picture loads ({probe.event.format}, {size_text(probe.event)})", probe)
    return violated(f"the picture does not load: {probe.event.problem}", *write_of(track), probe)


IMAGE_LOADS = Invariant(
    name="image-loads",
    sentence="GET image_url returns 200 and a fully decodable image.",
    consequence="shows pictures that do not load",
    gravity=7,
    check=of_every_track(image_loads),
)


def image_2k(view: TraceView, track: Track) -> Finding:
    """Compare the decoded picture with 2048x1152, landscape 16:9."""
    probe = decoded(view, track)
    if isinstance(probe, Finding):
        return probe
    if is_2k_size(probe.event.size):
        return held(f"the decoded picture is {size_text(probe.event)}", probe)
    width, height = probe.event.size
    shape = "" if is_16_9((width, height)) or width < height else ", and not 16:9"
    portrait = " (portrait)" if width < height else ""
    return violated(
        f"the decoded picture is {size_text(probe.event)}{portrait}{shape}; expected at least 2048x1152",
        *write_of(track),
        probe,
    )


IMAGE_2K = Invariant(
    name="image-2k",
    sentence="The decoded picture is landscape 16:9 and at least 2048x1152.",
    consequence="shows pictures below 2048x1152",
    gravity=6,
    check=of_every_track(image_2k),
)


def image_native(view: TraceView, track: Track) -> Finding:
    """Read the size that the picture was made at from its watermark."""
    probe = decoded(view, track)
    if isinstance(probe, Finding):
        return probe
    mark = probe.event.mark
    if mark is None:
        return unknown("the picture has no watermark of the fakes, so its original size is unknown", probe)
    if not is_enlarged(probe.event):
        return held("the picture was not enlarged", probe)
    return violated(
        f"the picture is {size_text(probe.event)} but was made at {mark['made_width']}x{mark['made_height']}: enlarged",
        *write_of(track),
        probe,
    )


IMAGE_NATIVE = Invariant(
    name="image-native",
    sentence="The picture was generated at its size, not enlarged from a smaller one.",
    consequence="shows enlarged pictures",
    check=of_every_track(image_native),
)


def image_belongs(view: TraceView, track: Track) -> Finding:
    """Read from the watermark of each picture on a settled track which track's task made it."""
    probe = decoded(view, track)
    final = probe.event.mark if isinstance(probe, Entry) else None
    for fields, write, early in looks_of(view, track):
        if fields.get("status") not in TERMINAL or early is None or early.event.mark in (None, final):
            continue
        finding = _owner(view, track, early, [write])
        if finding.state == "violated":
            return finding._replace(reason=f"{finding.reason} (shown since {write.at_s:g} s)")
    if isinstance(probe, Finding):
        return probe
    return _owner(view, track, probe, write_of(track))


IMAGE_BELONGS = Invariant(
    name="image-belongs",
    sentence="The picture was made for this track and for no other.",
    consequence="shows another track's picture",
    gravity=10,
    check=of_every_track(image_belongs),
)


def _owner(view: TraceView, track: Track, probe: Entry[ImageProbed], writes: Sequence[AnyEntry]) -> Finding:
    mark = probe.event.mark
    if mark is None:
        return unknown("the picture has no watermark of the fakes, so its track is unknown", probe)
    if view.is_forged(mark):
        return violated("the picture comes from a forged callback", *writes, probe)
    task = view.task_of_mark(mark)
    if task is None:
        return violated("the picture belongs to no task of this run", *writes, probe)
    if task in track.tasks:
        return held(f"the picture was made by task {task.task_id[:8]} for this track", task.created, probe)
    owner = view.track_of_task.get(task.task_id)
    if owner is not None and (owner.title, owner.prompt) == (track.title, track.prompt):
        return held(f"the picture was made by task {task.task_id[:8]} for the same title and prompt", probe)
    if owner is None:
        return unknown("it is unknown which track the picture's task was requested for", task.created, probe)
    return violated(f"the picture was made for track {owner.index}", task.created, *writes, probe)


def never_downgraded(view: TraceView, track: Track) -> Finding:
    """Check every change of the picture, by another address or behind the same one, after a true 2K picture was
    stored, and whether a smaller one was taken away for good."""
    looks = looks_of(view, track)
    if track.refused is not None or not (looks or track.readable):
        return unseen(track) or not_applicable("nothing was written")
    good: Look | None = None
    for look in looks:
        if look.probe is not None and shows_true_2k(look.probe.event):
            good = look
        elif good is not None and (look.url != good.url or (look.probe is not None and look.probe.event.decodes)):
            what = _replacement(look, good)
            return violated(f"a verified 2K picture was replaced by {what}", good.entry, look.entry, look.probe)
    if good is None:
        return _taken_away(view, track, looks) or not_applicable("the track never held a 2K picture")
    return held(f"the 2K picture was kept{_as_far_as_seen(view)}", good.entry)


NEVER_DOWNGRADED = Invariant(
    name="never-downgraded",
    sentence="A verified 2K picture, once on the track, is never replaced by a smaller, broken or missing one, and a"
    " small one is never taken away.",
    consequence="overwrites good pictures with worse ones",
    gravity=5,
    check=of_every_track(never_downgraded),
)


def _taken_away(view: TraceView, track: Track, looks: Sequence[Look]) -> Finding | None:
    """Return a finding for a track that ends without a picture although it had one below 2K.

    A picture that was made for another track may be taken away, and one that its provider has deleted since.
    """
    if track.image_url is not None:
        return None
    for shown, gone in pairwise(looks):
        probe = shown.probe
        if probe is None or not probe.event.decodes or gone.url is not None or not _is_there(view, probe.event.url):
            continue
        if _owner(view, track, probe, ()).state != "violated":
            what = f"a picture of {size_text(probe.event)}{_but_enlarged(probe.event)}"
            return violated(f"{what} was replaced by {_replacement(gone, shown)}", shown.entry, probe, gone.entry)
    return None


def _is_there(view: TraceView, url: str) -> bool:
    """Return whether the picture was still there at the end, or only the application can have deleted it."""
    end = view.probe(url, "end")
    return may_change(view, url) or (end is not None and end.event.decodes)


def _as_far_as_seen(view: TraceView) -> str:
    """Return a caveat if a write may have been missed because the store of a live application is only polled."""
    how = next((entry.event.how for entry in view.of(StoreWatched)), "exact")
    if how == "exact":
        return ""
    gap_s = max((entry.event.store_gap_s or 0.0 for entry in view.of(RunEnded)), default=0.0)
    return f", as far as observed: the store was {how}, at most {gap_s:.3g} s apart"


def _replacement(look: Look, good: Look) -> str:
    """Return what is on the track instead of a 2K picture."""
    if look.url is None:
        return "nothing" if look.fields else "no row at all"
    if look.probe is None:
        return "a picture that was never downloaded"
    if not look.probe.event.decodes:
        return "a picture that does not load"
    enlarged = ", enlarged" if is_enlarged(look.probe.event) else ""
    where = " at the same address" if look.url == good.url else ""
    return f"a picture of {size_text(look.probe.event)}{enlarged}{where}"


def _but_enlarged(probe: ImageProbed) -> str:
    """Return a note for a picture that is large enough only because it was enlarged."""
    return ", enlarged," if is_enlarged(probe) and is_2k_size(probe.size) else ""


def fallback_labelled(view: TraceView, track: Track) -> Finding:
    """Check that every small picture on a settled track has the label, and that a true 2K one at the end has none.

    An enlarged picture counts as a small one.
    """
    finding = unseen(track)
    if finding is not None:
        return finding
    small, looks = None, looks_of(view, track)
    for fields, entry, probe in looks:
        settled = fields.get("status") in TERMINAL
        if probe is None or not probe.event.decodes or shows_true_2k(probe.event) or not settled:
            continue
        small = entry
        if not is_labelled(fields):
            what = f"a {size_text(probe.event)} picture{_but_enlarged(probe.event)}"
            return violated(f"{what} is shown without the low-resolution label", entry, probe)
    if track.settled and ends_with_true_2k(view, track) and is_labelled(track.fields or {}):
        label = (track.fields or {})["image_label"]
        return violated(f'a true 2K picture has the label "{label}" at the end', *write_of(track))
    if small is None:
        return not_applicable("no picture below 2K is shown")
    return held("the small picture has its label", small)


FALLBACK_LABELLED = Invariant(
    name="fallback-labelled",
    sentence="A picture below 2K has the low-resolution label, and a 2K picture does not.",
    consequence="shows small pictures as if they were fine",
    gravity=3,
    check=of_every_track(fallback_labelled),
)


def image_durable(view: TraceView, track: Track) -> Finding:
    """Download the picture again after 1 and 15 days: sources disagree about when the providers delete files."""
    probe = decoded(view, track)
    if isinstance(probe, Finding):
        return probe
    later = view.probe(track.image_url, "retention")
    if later is None:
        return unknown("the harness did not download the picture again after the provider's retention")
    day = view.probe(track.image_url, "day")
    if day is not None and not day.event.decodes:
        return violated(f"after a day the picture no longer loads: {day.event.problem}", probe, day)
    if later.event.decodes:
        return held("the picture still loads after 15 days", later)
    return violated(f"after 15 days the picture no longer loads: {later.event.problem}", probe, later)


IMAGE_DURABLE = Invariant(
    name="image-durable",
    sentence="The picture still loads after the provider has deleted its files.",
    severity="warning",
    check=of_every_track(image_durable),
)


def write_of(track: Track) -> list[Entry[StoreWrite]]:
    """Return the write that stored the final picture, in a list, or an empty list."""
    for write in reversed(track.writes):
        before, after = write.event.before or {}, write.event.after or {}
        if after.get("image_url") == track.image_url and before.get("image_url") != track.image_url:
            return [write]
    return []
