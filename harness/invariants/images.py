"""Invariants about the picture: what a GET of the track's image_url returns, decoded. Nobody's claims count."""

import contextlib
import json
import re
from typing import Any

from harness.invariants.tracks import unseen
from harness.invariants.verdict import Finding, held, not_applicable, unknown, violated
from harness.trace.journal import Entry, Facts
from harness.trace.view import TERMINAL, Reading, Track, is_2k, is_16_9, is_enlarged, size_text, usable_url

SIZE = re.compile(r"\D*(\d+)\D+(\d+)\D*")
"""Two numbers, however they are joined: 2048x1152, 2048 × 1152 px, {"width": 2048, "height": 1152}."""
CLASS_2K = re.compile(r"2\s*k", re.IGNORECASE)
NO_PICTURE = "the track has no picture"


def _end_probe(reading: Reading, track: Track) -> tuple[Finding | None, Entry | None]:
    """The look at the track's picture at the end of the run, or why there is none."""
    finding = unseen(track)
    if finding is not None:
        return finding, None
    if track.image_url is None:
        return not_applicable(NO_PICTURE), None
    probe = reading.probe(track.image_url, "end")
    if probe is None:
        return unknown("the harness did not open the track's picture"), None
    return None, probe


def _decoded(reading: Reading, track: Track) -> tuple[Finding | None, Entry | None]:
    """The same, but only for a picture that decodes."""
    finding, probe = _end_probe(reading, track)
    if probe is not None and not probe.facts["decodes"]:
        return not_applicable("the picture does not load"), None
    return finding, probe


def image_loads(reading: Reading, track: Track) -> Finding:
    """Opens the picture as a browser would and decodes every byte."""
    finding, probe = _end_probe(reading, track)
    if probe is None:
        assert finding is not None
        return finding
    if probe.facts["decodes"]:
        return held(f"the picture loads ({probe.facts['format']}, {size_text(probe.facts)})", probe)
    return violated(f"the picture does not load: {probe.facts['problem']}", *_write_of(track), probe)


def image_2k(reading: Reading, track: Track) -> Finding:
    """Measures the decoded picture against 2048x1152, landscape 16:9."""
    finding, probe = _decoded(reading, track)
    if probe is None:
        assert finding is not None
        return finding
    if is_2k(probe.facts):
        return held(f"the decoded picture is {size_text(probe.facts)}", probe)
    width, height = probe.facts["width"], probe.facts["height"]
    shape = "" if is_16_9(width, height) or width < height else ", and not 16:9"
    portrait = " (portrait)" if width < height else ""
    return violated(
        f"the decoded picture is {size_text(probe.facts)}{portrait}{shape}; it should be at least 2048x1152",
        *_write_of(track),
        probe,
    )


def image_native(reading: Reading, track: Track) -> Finding:
    """Reads the size that the picture was made at out of its pixels."""
    finding, probe = _decoded(reading, track)
    if probe is None:
        assert finding is not None
        return finding
    mark = probe.facts["mark"]
    if mark is None:
        return unknown("the picture carries no mark of the fakes, so nobody knows at what size it was made", probe)
    if not is_enlarged(probe.facts):
        return held("the picture was made at its size", probe)
    return violated(
        f"the picture is {size_text(probe.facts)} but was made at {mark['made_width']}x{mark['made_height']}: enlarged",
        *_write_of(track),
        probe,
    )


def image_belongs(reading: Reading, track: Track) -> Finding:
    """Reads out of the pixels of each picture that a settled track shows whose the task is that made it."""
    for fields, write in track.states:
        url = usable_url(fields.get("image_url"))
        if fields.get("status") not in TERMINAL or url == track.image_url:
            continue
        early = reading.probe(url, "write")
        if early is not None and early.facts["decodes"]:
            finding = _whose(reading, track, early, [write])
            if finding.state == "violated":
                return finding._replace(reason=f"{finding.reason} (shown from {write.at_s:g} s on)")
    late, probe = _decoded(reading, track)
    if probe is None:
        assert late is not None
        return late
    return _whose(reading, track, probe, _write_of(track))


def _whose(reading: Reading, track: Track, probe: Entry, writes: list[Entry]) -> Finding:
    mark = probe.facts["mark"]
    if mark is None:
        return unknown("the picture carries no mark of the fakes, so nobody knows whose it is", probe)
    if reading.is_forged(mark):
        return violated("the picture comes from a forged callback", *writes, probe)
    task = reading.task_of_mark(mark)
    if task is None:
        return violated("the picture belongs to no task of this run", *writes, probe)
    if task in track.images or task in track.music:
        return held(f"the picture was made by task {task.task_id[:8]} for this track", task.created, probe)
    owner = next((other for other in reading.tracks if task in other.images or task in other.music), None)
    if owner is None:
        return unknown("nobody knows for which track the picture's task was asked for", task.created, probe)
    return violated(f"the picture was made for track {owner.index}", task.created, *writes, probe)


def resolution_true(reading: Reading, track: Track) -> Finding:
    """Compares the stored resolution with the decoded size."""
    finding = unseen(track)
    if finding is not None:
        return finding
    claimed = _claim((track.fields or {}).get("image_resolution"))
    if claimed is None:
        return not_applicable("no resolution is stored")
    if track.image_url is None:
        return violated(f'the track claims "{claimed}" and has no picture', *track.writes[-1:])
    finding, probe = _decoded(reading, track)
    if probe is None:
        assert finding is not None
        return finding
    match = SIZE.fullmatch(claimed)
    if match is None and not CLASS_2K.fullmatch(claimed.strip()):
        return unknown(f'the stored resolution is "{claimed}", which does not say how many pixels that is', probe)
    true_size = (probe.facts["width"], probe.facts["height"])
    if (int(match[1]), int(match[2])) == true_size if match else is_2k(probe.facts):
        return held(f"the stored resolution {claimed} is true", probe)
    return violated(
        f'the stored resolution is "{claimed}", the decoded picture is {size_text(probe.facts)}',
        *_write_of(track),
        probe,
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


def never_downgraded(reading: Reading, track: Track) -> Finding:
    """Follows every change of the picture's URL after one that put a true 2K picture on the track."""
    states = track.states
    if track.refused is not None or not (states or track.readable):
        return unseen(track) or not_applicable("nothing was written")
    good: Entry | None = None
    shown: str | None = None
    for fields, entry in states:
        if fields.get("image_url") == shown:
            continue
        shown = fields.get("image_url")
        url = usable_url(shown)
        if url is not None and reading.ever_truly_2k(url):
            good = entry
        elif good is not None:
            probe = next((p for p in reading.probes.get(url or "", ()) if p.facts["decodes"]), None)
            what = f"a picture that was {_seen(reading, url)}" if url else "nothing" if fields else "no row at all"
            return violated(f"a verified 2K picture was replaced by {what}", good, entry, probe)
    if good is None:
        return not_applicable("the track never held a 2K picture")
    return held(f"the 2K picture stayed{_as_far_as_seen(reading)}", good)


def _as_far_as_seen(reading: Reading) -> str:
    """What to add where a write may have been missed: a live application's store may only be looked at."""
    how = next((entry.facts["how"] for entry in reading.of("store.watched")), "exact")
    if how == "exact":
        return ""
    gap_s = max((entry.facts.get("store_gap_s", 0.0) for entry in reading.of("run.ended")), default=0.0)
    return f", as far as was seen: the store was {how}, at most {gap_s:.3g} s apart"


def _seen(reading: Reading, url: str) -> str:
    """How the best look at `url` found its picture."""
    looks = [entry.facts for entry in reading.probes.get(url, ())]
    decoded = next((facts for facts in looks if facts["decodes"]), None)
    if decoded is None:
        return "not to be loaded" if looks else "never seen"
    return f"{size_text(decoded)}, enlarged" if is_enlarged(decoded) else size_text(decoded)


def fallback_labelled(reading: Reading, track: Track) -> Finding:
    """Looks for the label wherever a settled track shows a picture below 2K, and at the end where a 2K one does."""
    finding = unseen(track)
    if finding is not None:
        return finding
    small = None
    for fields, entry in track.states:
        url = usable_url(fields.get("image_url"))
        probe = next((p for p in reading.probes.get(url or "", ()) if p.facts["decodes"]), None)
        if url is None or probe is None or is_2k(probe.facts) or fields.get("status") not in TERMINAL:
            continue
        small = entry
        if not _labelled(fields):
            return violated(
                f"a {size_text(probe.facts)} picture is shown without the low-resolution label", entry, probe
            )
    if track.settled and reading.ever_truly_2k(track.image_url) and _labelled(track.fields or {}):
        label = (track.fields or {})["image_label"]
        return violated(f'a true 2K picture carries the label "{label}" at the end', *_write_of(track))
    if small is None:
        return not_applicable("no picture below 2K is shown")
    return held("the small picture carries its label", small)


def _labelled(fields: Facts) -> bool:
    label = fields.get("image_label")
    return isinstance(label, str) and "low" in label.lower()


def image_durable(reading: Reading, track: Track) -> Finding:
    """Opens the picture again after a day and after fifteen: the sources do not agree when a provider deletes files."""
    finding, probe = _decoded(reading, track)
    if probe is None:
        assert finding is not None
        return finding
    later = reading.probe(track.image_url, "retention")
    if later is None:
        return unknown("the harness did not open the picture again after the provider's retention")
    day = reading.probe(track.image_url, "day")
    if day is not None and not day.facts["decodes"]:
        return violated(f"after a day the picture no longer loads: {day.facts['problem']}", probe, day)
    if later.facts["decodes"]:
        return held("the picture still loads after 15 days", later)
    return violated(f"after 15 days the picture no longer loads: {later.facts['problem']}", probe, later)


def _write_of(track: Track) -> list[Entry]:
    """The write that put the final picture there."""
    for write in reversed(track.writes):
        before, after = write.facts["before"] or {}, write.facts["after"] or {}
        if after.get("image_url") == track.image_url and before.get("image_url") != track.image_url:
            return [write]
    return []
