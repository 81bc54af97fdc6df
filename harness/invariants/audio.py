"""Invariants about the audio: it is the track's own, and what a GET of its address returns is audio, now and later."""

from typing import Any

from harness.invariants.early_callbacks import early_callback
from harness.invariants.invariant import Invariant, of_every_track
from harness.invariants.verdict import Finding, held, not_applicable, unknown, unseen, violated
from harness.trace.events import AudioProbed
from harness.trace.journal import Entry
from harness.trace.tracks import Generation, Track
from harness.trace.urls import host_of, usable_url
from harness.trace.view import TraceView

LATER = {"end": "at the end of the run", "day": "after a day", "retention": "after 15 days"}
"""When a file is opened again, as part of a sentence."""


def audio_kept(view: TraceView, track: Track) -> Finding:
    """Compare the track's audio with what its music task produced, and open a copy of it."""
    finding = unseen(track)
    if finding is not None:
        return finding
    finished = [generation for generation in track.music if generation.succeeded]
    if not finished:
        return not_applicable("no music was finished for this track")
    url = usable_url((track.fields or {}).get("audio_url"))
    ended = finished[-1].ended
    assert ended is not None
    if url is None:
        early = early_callback(view, track)
        reason = f"the music is finished, but the track has no audio{early.text}"
        return violated(reason, ended, *early.evidence, *track.writes[-1:])
    made = {url for generation in (*finished, *_in_other_formats(track)) for url in generation.urls}
    if url in made and url not in view.published:  # a task's URLs are its audio and its covers, and covers are pictures
        return held("the finished audio is on the track", ended)
    if url in view.provider_urls:
        what = f"the audio on the track ({url}) is not what its music task produced"
        return violated(what, ended, *track.writes[-1:])
    probe = _probe(view, url, "end")
    if probe is None or not _was_opened(view, probe):
        return unknown(f"the harness cannot open the audio on the track ({url})", probe)
    if probe.event.plays:
        lasts = "" if probe.event.seconds is None else f", {probe.event.seconds:g} s"
        return held(f"a copy of the audio is on the track ({probe.event.format}{lasts})", ended, probe)
    return violated(
        f"the audio on the track ({url}) does not play: {probe.event.problem}", ended, *track.writes[-1:], probe
    )


def _in_other_formats(track: Track) -> list[Generation]:
    """Return the tasks that made the track's music into another audio format."""
    music = {generation.task_id for generation in track.music}
    return [task for task in track.others_for("audio") if task.created.event.parent in music]


AUDIO_KEPT = Invariant(
    name="audio-kept",
    sentence="Once the music is finished its audio is on the track, whatever happens to the picture.",
    consequence="loses finished audio",
    gravity=12,
    check=of_every_track(audio_kept),
)


def audio_durable(view: TraceView, track: Track) -> Finding:
    """Open the audio again after 1 and 15 days: sources disagree about when the providers delete files."""
    finding = unseen(track)
    if finding is not None:
        return finding
    url = usable_url((track.fields or {}).get("audio_url"))
    if url is None:
        return not_applicable("the track has no audio")
    probes = view.audio_probes.get(url, [])
    if not any(_was_opened(view, probe) for probe in probes):
        return unknown(f"the harness cannot open the audio on the track ({url})")
    first = next((probe for probe in probes if probe.event.plays), None)
    if first is None:
        return not_applicable("the audio never played")
    lost = next((probe for probe in probes if probe.number > first.number and not probe.event.plays), None)
    if lost is not None:
        when = LATER.get(lost.event.when, "later")
        return violated(f"{when} the audio no longer plays: {lost.event.problem}", first, lost)
    later = _probe(view, url, "retention")
    if later is None:
        return unknown("the harness did not open the audio again after the provider's retention")
    return held("the audio still plays after 15 days", later)


AUDIO_DURABLE = Invariant(
    name="audio-durable",
    sentence="The audio still plays after the provider has deleted its files.",
    severity="warning",
    check=of_every_track(audio_durable),
)


def is_copy(view: TraceView, url: Any) -> bool:
    """Return whether `url` is an address of no provider at which the harness has found audio."""
    played = isinstance(url, str) and any(probe.event.plays for probe in view.audio_probes.get(url, ()))
    return played and url not in view.provider_urls


def _probe(view: TraceView, url: str, when: str) -> Entry[AudioProbed] | None:
    return next((probe for probe in view.audio_probes.get(url, ()) if probe.event.when == when), None)


def _was_opened(view: TraceView, probe: Entry[AudioProbed]) -> bool:
    """Return whether an address answered, is in the world, or is none; elsewhere the harness opens nothing."""
    host = host_of(probe.event.url)
    return probe.event.status is not None or not host or any(host in hosts for hosts in view.began.hosts.values())
