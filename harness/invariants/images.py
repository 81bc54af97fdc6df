"""Invariants about the picture: what a GET of the track's image_url returns, decoded. Nobody's claims count."""

from collections.abc import Sequence

from harness.invariants.invariant import Invariant, of_every_track
from harness.invariants.verdict import Finding, held, not_applicable, unknown, unseen, violated
from harness.trace.events import ImageProbed, Row, RunEnded, StoreWatched, StoreWrite
from harness.trace.journal import AnyEntry, Entry
from harness.trace.tracks import TERMINAL, Generation, Track
from harness.trace.urls import usable_url
from harness.trace.view import TraceView

NO_PICTURE = "the track has no picture"
WIDTH_2K, HEIGHT_2K = 2048, 1152
ASPECT_TOLERANCE = 0.02
"""16:9 within 2 %: providers round sides to multiples of their own, and 2736x1520 (1.800) is what one of them sends."""
LATER = frozenset({"day", "retention"})
"""Looks at a picture when the run is long over."""
Size = tuple[int, int]
"""Width and height in pixels."""


def is_true_2k(size: Size, made: Size | None) -> bool:
    """Whether a whole picture of this size, made at `made`, is a true 2K picture: THE rule.

    It is landscape, 16:9 within 2 %, at least 2048x1152, and was made at its size. `made` is None where nobody knows;
    such a picture is taken at its size. An enlarged picture is what its smaller original is: a small one, which may be
    shown with the low-resolution label and has a reason to be given, whatever number of pixels it was blown up to.
    """
    return is_2k_size(size) and not is_enlarged_from(size, made)


def is_2k_size(size: Size) -> bool:
    """Whether a size alone is landscape 16:9 of 2048x1152 or more; the other half of the rule is what was enlarged."""
    width, height = size
    return width >= WIDTH_2K and height >= HEIGHT_2K and is_16_9(size)


def is_16_9(size: Size) -> bool:
    """Whether a size is landscape 16:9 within 2 %."""
    return abs(size[0] / size[1] - 16 / 9) <= ASPECT_TOLERANCE * 16 / 9


def is_enlarged_from(size: Size, made: Size | None) -> bool:
    """Whether a picture was made smaller than it is, in either direction; a turned one is no smaller."""
    return made is not None and any(was < now for was, now in zip(sorted(made), sorted(size), strict=True))


def is_enlarged(probe: ImageProbed) -> bool:
    """Whether the picture's pixels say that it was made smaller than it is."""
    return is_enlarged_from(probe.size, _made_at(probe))


def shows_true_2k(probe: ImageProbed) -> bool:
    """Whether a look showed a picture that decodes whole and is a true 2K one."""
    return probe.decodes and is_true_2k(probe.size, _made_at(probe))


def _made_at(probe: ImageProbed) -> Size | None:
    return None if probe.mark is None else (probe.mark["made_width"], probe.mark["made_height"])


def size_text(probe: ImageProbed) -> str:
    """`2048x1152`."""
    return f"{probe.width}x{probe.height}"


def _early_looks(view: TraceView, url: str | None) -> list[ImageProbed]:
    """What the looks at `url` before the retention showed."""
    return [entry.event for entry in view.probes.get(url or "", ()) if entry.event.when not in LATER]


def ever_true_2k(view: TraceView, url: str | None) -> bool:
    """Whether any look at `url` before the retention showed a true 2K picture."""
    return any(shows_true_2k(look) for look in _early_looks(view, url))


def was_good(view: TraceView, generation: Generation) -> bool:
    """Whether a generation yielded a true 2K picture, by its pixels, or as it was published."""
    if not generation.succeeded:
        return False
    return any(ever_true_2k(view, url) or _published_good(view, url) for url in generation.urls)


def _published_good(view: TraceView, url: str) -> bool:
    """For a picture that nobody but the implementation may have opened."""
    entry = view.published.get(url)
    if entry is None or url in view.probes or entry.event.flaw is not None:
        return False
    (width, height), (made_width, made_height) = entry.event.size, entry.event.made
    return is_true_2k((width, height), (made_width, made_height))


def is_labelled(fields: Row) -> bool:
    """Whether a track says that its picture is of low resolution."""
    label = fields.get("image_label")
    return isinstance(label, str) and "low" in label.lower()


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


def decoded(view: TraceView, track: Track) -> tuple[Finding | None, Entry[ImageProbed] | None]:
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
    return violated(f"the picture does not load: {probe.event.problem}", *write_of(track), probe)


IMAGE_LOADS = Invariant(
    name="image-loads",
    sentence="That address answers 200 with a file of which every byte decodes.",
    consequence="shows pictures that do not load",
    gravity=7,
    check=of_every_track(image_loads),
)


def image_2k(view: TraceView, track: Track) -> Finding:
    """Measures the decoded picture against 2048x1152, landscape 16:9."""
    finding, probe = decoded(view, track)
    if probe is None:
        assert finding is not None
        return finding
    if is_2k_size(probe.event.size):
        return held(f"the decoded picture is {size_text(probe.event)}", probe)
    width, height = probe.event.size
    shape = "" if is_16_9((width, height)) or width < height else ", and not 16:9"
    portrait = " (portrait)" if width < height else ""
    return violated(
        f"the decoded picture is {size_text(probe.event)}{portrait}{shape}; it should be at least 2048x1152",
        *write_of(track),
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
    finding, probe = decoded(view, track)
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
        *write_of(track),
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
    late, probe = decoded(view, track)
    if probe is None:
        assert late is not None
        return late
    return _whose(view, track, probe, write_of(track))


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
        if url is not None and ever_true_2k(view, url):
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


def _but_enlarged(probe: ImageProbed) -> str:
    """What to add to the size of a picture that is large enough, and small all the same."""
    return ", enlarged," if is_enlarged(probe) and is_2k_size(probe.size) else ""


def fallback_labelled(view: TraceView, track: Track) -> Finding:
    """Looks for the label wherever a settled track shows a small picture, and at the end where a true 2K one does.

    An enlarged picture is a small one here, too.
    """
    finding = unseen(track)
    if finding is not None:
        return finding
    small = None
    for fields, entry in track.states:
        url = usable_url(fields.get("image_url"))
        probe = next((p for p in view.probes.get(url or "", ()) if p.event.decodes), None)
        if url is None or probe is None or shows_true_2k(probe.event) or fields.get("status") not in TERMINAL:
            continue
        small = entry
        if not is_labelled(fields):
            what = f"a {size_text(probe.event)} picture{_but_enlarged(probe.event)}"
            return violated(f"{what} is shown without the low-resolution label", entry, probe)
    if track.settled and ever_true_2k(view, track.image_url) and is_labelled(track.fields or {}):
        label = (track.fields or {})["image_label"]
        return violated(f'a true 2K picture carries the label "{label}" at the end', *write_of(track))
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


def image_durable(view: TraceView, track: Track) -> Finding:
    """Opens the picture again after a day and after fifteen: the sources do not agree when a provider deletes files."""
    finding, probe = decoded(view, track)
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


def write_of(track: Track) -> list[Entry[StoreWrite]]:
    """The write that put the final picture there."""
    for write in reversed(track.writes):
        before, after = write.event.before or {}, write.event.after or {}
        if after.get("image_url") == track.image_url and before.get("image_url") != track.image_url:
            return [write]
    return []
