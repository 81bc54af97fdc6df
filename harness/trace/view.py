"""A journal, read: its entries put in the order in which invariants and metrics ask for them.

Two things here are more than plain bookkeeping.

Whose a task is: a generation belongs to the track whose prompt or title its own prompt contains; else to the track
whose callback or request made the implementation ask for it (the chain of causes); else, with a single track, to that
one. What remains belongs to nobody known.

What a write is: an implementation may change a row in several statements, or delete it and insert it again. Writes to
one row with nothing but log lines between them are one write, from what was there before the first to what the last
has left: no reader could have come in between.
"""

import contextlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlsplit

from harness.trace.journal import Entry, Facts, Journal

TERMINAL = frozenset({"complete", "failed"})
WIDTH_2K, HEIGHT_2K = 2048, 1152
IMAGE_PATHS = ("/api/v1/generate/image", "/api/v1/jobs/createTask")
"""Where pictures are asked for."""
LATER = frozenset({"day", "retention"})
"""Looks at a picture when the run is long over."""
ASPECT_TOLERANCE = 0.01
NOT_A_URL = frozenset({"", "undefined", "null", "none"})


@dataclass(slots=True)
class Generation:
    """One task at a provider that was accepted."""

    created: Entry
    ended: Entry | None = None

    @property
    def task_id(self) -> str:
        return str(self.created.facts["task_id"])

    @property
    def failed(self) -> bool:
        return self.ended is not None and self.ended.facts["outcome"] == "failed"

    @property
    def succeeded(self) -> bool:
        return self.ended is not None and self.ended.facts["outcome"] == "success"


@dataclass(slots=True)
class Attempt:
    """One attempt to deliver a callback."""

    sent: Entry
    answered: Entry | None = None
    arrived: Entry | None = None
    """The request as the implementation's host saw it."""
    response: Entry | None = None

    @property
    def genuine(self) -> bool:
        return bool(self.sent.facts.get("genuine", True))

    @property
    def key(self) -> tuple[str, str]:
        """What is the same for repeated deliveries of one callback."""
        return str(self.sent.facts["task_id"]), str(self.sent.facts["callback"])


@dataclass(slots=True)
class Track:
    """One track that was asked for."""

    index: int
    title: str
    prompt: str
    id: str | None = None
    refused: Entry | None = None
    final: Entry | None = None
    writes: list[Entry] = field(default_factory=list)
    music: list[Generation] = field(default_factory=list)
    images: list[Generation] = field(default_factory=list)

    @property
    def fields(self) -> Facts | None:
        """The track as it stood at the end."""
        return None if self.final is None else self.final.facts["fields"]

    @property
    def status(self) -> str | None:
        return None if self.fields is None else self.fields.get("status")

    @property
    def settled(self) -> bool:
        return self.status in TERMINAL

    @property
    def readable(self) -> bool:
        """Whether the harness could see the store that it is (or should be) in."""
        return self.final is not None and self.final.facts["source"] is not None

    @property
    def image_url(self) -> str | None:
        """The final picture's URL, if there is one at all."""
        return usable_url((self.fields or {}).get("image_url"))

    @property
    def states(self) -> list[tuple[Facts, Entry]]:
        """What the track has been, one after the other, each with the entry that shows it; {} where it was deleted.

        The end counts, too, because a store that is only looked at from time to time shows not every write.
        """
        states = [(write.facts["after"] or {}, write) for write in self.writes]
        if self.final is not None and self.fields is not None and (not states or states[-1][0] != self.fields):
            states.append((self.fields, self.final))
        return states


class Reading:
    """Everything that the invariants ask of one journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.by_kind: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in journal.entries:
            self.by_kind[entry.kind].append(entry)
        began = self.of("run.began")
        self.began: Facts = began[0].facts if began else {}
        ended = self.of("run.ended")
        self.ended: Facts = ended[0].facts if ended else {}

    def of(self, kind: str, *others: str) -> list[Entry]:
        """The entries of some kinds; of one kind in order, of several kind by kind."""
        found = self.by_kind.get(kind, [])
        return found + [entry for other in others for entry in self.of(other)] if others else found

    @cached_property
    def refusal(self) -> str | None:
        """Why the simulated world gave up on this run, if it did."""
        refused = self.of("run.refused")
        return str(refused[0].facts["sentence"]) if refused else None

    @cached_property
    def responses(self) -> dict[int, Entry]:
        """Answers by the number of their request."""
        return {entry.facts["request"]: entry for entry in self.of("response")}

    @cached_property
    def abandoned(self) -> dict[int, Entry]:
        """Where the client went away first, by the number of the request."""
        return {entry.facts["request"]: entry for entry in self.of("request.abandoned")}

    @cached_property
    def app_hosts(self) -> frozenset[str]:
        return frozenset(self.began.get("hosts", {}).get("app", ()))

    @cached_property
    def own_requests(self) -> list[Entry]:
        """What the implementation asked of others."""
        return [entry for entry in self.of("request") if entry.facts["by"] in self.app_hosts]

    @cached_property
    def attempts(self) -> list[Attempt]:
        """All delivery attempts, in order."""
        attempts = {entry.number: Attempt(entry) for entry in self.of("callback.attempt")}
        for entry in self.of("callback.answered"):
            if entry.cause in attempts:
                attempts[entry.cause].answered = entry
        for entry in self.of("request"):
            if entry.cause in attempts and entry.facts["host"] in self.app_hosts:
                attempt = attempts[entry.cause]
                if attempt.arrived is None:  # one that arrives twice is answered to its sender by the first
                    attempt.arrived = entry
                    attempt.response = self.responses.get(entry.number)
        return list(attempts.values())

    @cached_property
    def generations(self) -> dict[str, Generation]:
        """Accepted tasks by task id, in the order of their creation."""
        generations = {str(entry.facts["task_id"]): Generation(entry) for entry in self.of("task.created")}
        for entry in self.of("task.ended"):
            generation = generations.get(str(entry.facts["task_id"]))
            if generation is not None:
                generation.ended = entry
        return generations

    @cached_property
    def writes(self) -> list[Entry]:
        """What was written to the store, in order; see above for what counts as one write."""
        writes: list[Entry] = []
        stretch: dict[str, Entry] = {}
        last: Entry | None = None
        for entry in self.journal.entries:
            if last is not None and (entry.at_s, entry.cause) != (last.at_s, last.cause):
                writes += stretch.values()
                stretch = {}
            if entry.kind == "store.write":
                earlier = stretch.pop(entry.facts["track_id"], entry)
                whole = {**entry.facts, "before": earlier.facts["before"]}
                stretch[entry.facts["track_id"]] = entry._replace(facts=whole)
            elif entry.kind != "log":
                writes += stretch.values()
                stretch = {}
            last = entry
        writes += stretch.values()
        return [write for write in writes if write.facts["before"] != write.facts["after"]]

    @cached_property
    def tracks(self) -> list[Track]:
        """The tracks that were asked for, with all that belongs to them."""
        tracks: dict[int, Track] = {}
        for entry in self.of("track.submitted"):
            facts = entry.facts
            tracks[facts["track"]] = Track(facts["track"], facts["title"], facts["prompt"])
        for entry in self.of("track.accepted"):
            tracks[entry.facts["track"]].id = str(entry.facts["id"])
        for entry in self.of("track.refused"):
            tracks[entry.facts["track"]].refused = entry
        for entry in self.of("track.final"):
            tracks[entry.facts["track"]].final = entry
        by_id = {track.id: track for track in tracks.values() if track.id is not None}
        for entry in self.writes:
            if entry.facts["track_id"] in by_id:
                by_id[entry.facts["track_id"]].writes.append(entry)
        self._share_out(list(tracks.values()))
        return list(tracks.values())

    def _share_out(self, tracks: list[Track]) -> None:
        owner_of_task: dict[str, Track] = {}
        for generation in self.generations.values():
            owner = _owner_by_text(generation.created.facts, tracks) or self._owner_by_cause(
                generation.created, tracks, owner_of_task
            )
            if owner is None:
                continue
            owner_of_task[generation.task_id] = owner
            (owner.images if generation.created.facts["what"] == "image" else owner.music).append(generation)

    def _owner_by_cause(self, entry: Entry, tracks: list[Track], owners: dict[str, Track]) -> Track | None:
        for cause in self.journal.causes(entry):
            if cause.kind == "callback.attempt" and str(cause.facts["task_id"]) in owners:
                return owners[str(cause.facts["task_id"])]
            if cause.kind == "track.submitted":
                return next((track for track in tracks if track.index == cause.facts["track"]), None)
        return tracks[0] if len(tracks) == 1 else None

    @cached_property
    def probes(self) -> dict[str, list[Entry]]:
        """What a browser got from each URL, in the order of looking."""
        probes: dict[str, list[Entry]] = {}
        for entry in self.of("picture.probed"):
            probes.setdefault(entry.facts["url"], []).append(entry)
        return probes

    def probe(self, url: str | None, when: str) -> Entry | None:
        """The look at `url` at a time ("write", "end", "day", "retention")."""
        return next((entry for entry in self.probes.get(url or "", ()) if entry.facts["when"] == when), None)

    def ever_2k(self, url: str | None) -> bool:
        """Whether any look at `url` before the retention showed a sound picture of 2K size."""
        return any(is_2k(entry.facts) for entry in self.probes.get(url or "", ()) if entry.facts["when"] not in LATER)

    def ever_truly_2k(self, url: str | None) -> bool:
        """The same, for a picture that was also made at that size, as far as its pixels tell."""
        looks = [entry.facts for entry in self.probes.get(url or "", ()) if entry.facts["when"] not in LATER]
        return any(is_2k(facts) and not is_enlarged(facts) for facts in looks)

    @cached_property
    def published(self) -> dict[str, Entry]:
        """The providers' pictures by URL: what was really put there."""
        return {entry.facts["url"]: entry for entry in self.of("picture.published")}

    def was_good(self, generation: Generation) -> bool:
        """Whether a generation yielded a picture that is truly 2K, by its pixels, or as it was published."""
        if not generation.succeeded or generation.ended is None:
            return False
        urls = generation.ended.facts.get("urls", ())
        return any(self.ever_truly_2k(url) or self._published_good(url) for url in urls)

    def _published_good(self, url: str) -> bool:
        """For a picture that nobody but the implementation may have opened."""
        entry = self.published.get(url)
        if entry is None or url in self.probes:
            return False
        (width, height), (made_width, made_height) = entry.facts["size"], entry.facts["made"]
        big = width >= WIDTH_2K and height >= HEIGHT_2K and is_16_9(width, height)
        return bool(big and made_width >= width and made_height >= height and entry.facts["flaw"] is None)

    @cached_property
    def false_urls(self) -> frozenset[str]:
        """URLs that stand in forged callbacks and in no genuine one."""
        if all(attempt.genuine for attempt in self.attempts):
            return frozenset()
        urls: dict[bool, set[str]] = {True: set(), False: set()}
        for attempt in self.attempts:
            urls[attempt.genuine].update(urls_in(attempt.sent.facts.get("body")))
        return frozenset(urls[False] - urls[True])

    def is_forged(self, mark: Facts) -> bool:
        """Whether only forged callbacks offer the picture that carries `mark`, wherever a copy of it lies."""
        names = ("kind", "number", "part")
        forged = [self.published[url].facts["mark"] for url in self.false_urls if url in self.published]
        return any(all(mark.get(name) == other.get(name) for name in names) for other in forged)

    def task_of_mark(self, mark: Facts) -> Generation | None:
        """The task whose picture carries `mark`."""
        provider = "kie" if mark["kind"] == "picture" else "suno"
        for generation in self.generations.values():
            facts = generation.created.facts
            if facts["provider"] == provider and facts["number"] == mark["number"]:
                return generation
        return None

    def chain_of(self, entry: Entry) -> list[Entry]:
        """The entry's causes and itself, earliest first."""
        return [*reversed(list(self.journal.causes(entry))), entry]


def _owner_by_text(facts: Facts, tracks: list[Track]) -> Track | None:
    """Prompts tell tracks of the same title apart; of titles the longest counts, because it may contain another."""
    text = f"{facts.get('title') or ''}\n{facts.get('prompt') or ''}"

    def fit(track: Track) -> tuple[bool, int]:
        named = bool(track.title) and track.title in text
        return bool(track.prompt) and track.prompt in text, len(track.title) if named else 0

    fits = [fit(track) for track in tracks]
    best = max(fits, default=(False, 0))
    return tracks[fits.index(best)] if best > (False, 0) and fits.count(best) == 1 else None


_FIRST_OF_A_URL = ("h", "H")


def urls_in(message: Any) -> list[str]:
    """Every http(s) URL in a message, also inside the JSON strings that some fields of these providers are."""
    found: list[str] = []
    to_see = [message]
    while to_see:
        value = to_see.pop()
        if isinstance(value, str):
            if value[:1] in _FIRST_OF_A_URL and value[:8].lower().startswith(("http://", "https://")):
                found.append(value)
            elif value[:1] in ("{", "["):
                with contextlib.suppress(ValueError):
                    to_see.append(json.loads(value))
        elif isinstance(value, dict):
            to_see.extend(reversed(value.values()))
        elif isinstance(value, list):
            to_see.extend(reversed(value))
    return found


@lru_cache(maxsize=1024)
def host_of(url: str) -> str | None:
    """The host that a URL names; None where it names none, or is no URL at all."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def usable_url(value: Any) -> str | None:
    """`value` if it can be a URL: text, and not one of the words that stand for "no value"."""
    return value if isinstance(value, str) and value.strip().lower() not in NOT_A_URL else None


def is_2k(probe: Facts) -> bool:
    """Whether a look showed a decoded picture of at least 2048x1152, landscape, 16:9 within one per cent."""
    width, height = probe["width"], probe["height"]
    if not probe["decodes"] or width is None or height is None:
        return False
    return width >= WIDTH_2K and height >= HEIGHT_2K and is_16_9(width, height)


def is_enlarged(probe: Facts) -> bool:
    """Whether the picture's pixels say that it was made smaller than it is; a turned one is no smaller."""
    mark = probe["mark"]
    if mark is None:
        return False
    made = sorted((mark["made_width"], mark["made_height"]))
    shown = sorted((probe["width"], probe["height"]))
    return bool(made[0] < shown[0] or made[1] < shown[1])


def is_16_9(width: int, height: int) -> bool:
    """Landscape 16:9 within one per cent."""
    return abs(width / height - 16 / 9) <= ASPECT_TOLERANCE * 16 / 9


def size_text(probe: Facts) -> str:
    """`2048x1152`."""
    return f"{probe['width']}x{probe['height']}"
