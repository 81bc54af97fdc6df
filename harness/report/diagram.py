"""A journal as a sequence diagram: lanes, and steps with their texts, without layout.

A callback is one arrow, although the journal has an attempt and a request; the provider's view of the response is shown
only if it is not a success.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from harness.fakes.registry import ADDED, PROVIDERS
from harness.report.describe import SHOWN_FIELDS, narrate, short
from harness.trace import events as e
from harness.trace.journal import AnyEntry, Entry, Journal

Lane: TypeAlias = str
"""A key of `LANES`."""
StepKind = Literal["request", "answer", "callback", "write", "look", "event", "log", "fault", "end"]

LANES: dict[Lane, str] = {
    "user": "User",
    "app": "Implementation",
    "store": "Store",
    "suno": "Suno",
    "kie": "Kie.ai",
    "media": "Media host",
    **{provider.name: provider.title for provider in ADDED},
    "other": "Elsewhere",
}
"""Every lane and its title, from left to right."""

OMITTED: tuple[type[e.Event], ...] = (
    e.RunBegan,
    e.ImplementationLoaded,
    e.StoreWatched,
    e.BalanceWatched,
    e.TrackSubmitted,
    e.TrackRequestedAgain,
    e.TrackDeletionRequested,
    e.TrackDeletionAnswered,
    e.TrackAccepted,
    e.TrackFinal,
    e.CreditsChanged,
    e.ImagePublished,
    e.CallbackAttempt,
    e.StoreRequest,
)
"""Events without a step of their own: another step or the rest of the report shows them."""
WHEN = {"write": "", "end": "at the end: ", "day": "a day later: ", "retention": "15 days later: "}
"""Beginnings of what a probe found, by its time."""
TROUBLE: tuple[type[e.Event], ...] = (
    e.ContractBroken,
    e.EndpointNotReproduced,
    e.TaskRefused,
    e.RateLimited,
    e.CallbackGivenUp,
    e.ConnectionToUnknownHost,
    e.RequestAbandoned,
    e.InstanceKilled,
    e.InstanceExited,
    e.InvocationEnded,
    e.TrackRefused,
    e.RunRefused,
)
TROUBLE_LEVELS = frozenset({"error", "critical"})
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""Terminal colours, which many servers write to their log."""
LABEL = 64
"""Maximum length of a label in characters."""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the diagram."""

    entries: tuple[int, ...]
    """The numbers of its journal entries, the most relevant first."""
    at_s: float
    kind: StepKind
    source: Lane
    target: Lane | None
    """The target of an arrow; None for an event on one lane."""
    text: str
    trouble: bool = False
    answers: int | None = None
    """For a response: the number of its request."""


def steps(journal: Journal) -> list[Step]:
    """Return all steps of a run. Entries with facts of another shape become plain events."""
    reported = []
    drawer = _Drawer(journal)
    for entry in journal:
        try:
            step = drawer.step(entry)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            step = Step((entry.number,), entry.at_s, "event", "app", None, short(entry.kind, LABEL))
        if step is not None:
            reported.append(step)
    return reported


def lanes_of(all_steps: list[Step]) -> list[Lane]:
    """Return the lanes for some steps: five that are always shown, and the others that occur."""
    used = {lane for step in all_steps for lane in (step.source, step.target)}
    always = {"app", "store", "suno", "kie", "media"}
    return [lane for lane in LANES if lane in used or lane in always]


class _Drawer:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        began = journal.first(e.RunBegan)
        hosts: Any = None if began is None else began.event.hosts
        self._hosts: dict[str, Any] = hosts if isinstance(hosts, dict) else {}
        self._delivered = {entry.cause for entry in journal.of(e.Request) if entry.event.link == "app"}

    def step(self, entry: AnyEntry) -> Step | None:
        number, at_s = (entry.number,), entry.at_s
        match entry.event:
            case e.Request():
                return self._request(self._journal.entry(entry.number, e.Request))
            case e.Response() as response:
                return self._response(entry, response)
            case e.CallbackAttempt() as attempt if entry.number not in self._delivered:
                text = f"{_callback(attempt)} does not arrive"
                return Step(number, at_s, "callback", _lane(attempt.provider), None, text, True)
            case e.CallbackAnswered() as answered:
                return _answered(entry, answered)
            case e.StoreWrite() as write:
                return Step(number, at_s, "write", "app", "store", short(_written(write), LABEL))
            case e.LogLine() as line:
                return Step(number, at_s, "log", "app", None, _line(line.text), line.level in TROUBLE_LEVELS)
            case e.FaultTriggered() as fault:
                lane = _lane(fault.link)
                where: Lane = "app" if lane == "other" else lane
                return Step(number, at_s, "fault", where, None, f"fault: {fault.harm}", True)
            case e.RequestAbandoned() as gone if self._is_delivery(self._journal.entry(gone.request, e.Request)):
                return None
            case e.ImageProbed() as probed:
                return _look(entry, probed)
            case e.AudioProbed() as probed:
                return None if probed.plays else _listen(entry, probed)
            case e.RunEnded():
                return Step(number, at_s, "end", "app", None, narrate(entry))
            case event if isinstance(event, OMITTED):
                return None
        trouble = isinstance(entry.event, TROUBLE)
        return Step(number, at_s, "event", self._lane_of_event(entry), None, short(narrate(entry), LABEL), trouble)

    def _request(self, entry: Entry[e.Request]) -> Step:
        request = entry.event
        if self._is_delivery(entry):
            attempt = self._journal.entry(entry.cause, e.CallbackAttempt)
            provider = _lane(attempt.event.provider)
            numbers = (entry.number, attempt.number)
            forged = not attempt.event.genuine
            return Step(numbers, entry.at_s, "callback", provider, "app", _callback(attempt.event), forged)
        path = str(request.path).partition("?")[0]
        text = short(f"{request.method} {path}", LABEL)
        return Step((entry.number,), entry.at_s, "request", self._requester(request), self._receiver(request), text)

    def _response(self, entry: AnyEntry, response: e.Response) -> Step:
        requested = self._journal.entry(response.request, e.Request)
        request = self._request(requested)
        took = f" after {round(response.latency_s, 3):g} s" if response.latency_s else ""
        code = response.body.get("code") if isinstance(response.body, dict) else None
        said = f"{response.status}" + (f" code {code}" if code not in (None, 200) else "")
        outcome = response.outcome
        texts = {"answered": f"{said}{took}", "too-late": f"{said}{took}: too late"}
        text = texts.get(outcome, f"broken off{took}")
        trouble = outcome != "answered" or (response.status or 0) >= 400 or code not in (None, 200)
        back = request.source
        return Step(
            (entry.number,),
            entry.at_s,
            "answer",
            request.target or "other",
            back,
            text,
            trouble,
            answers=requested.number,
        )

    def _is_delivery(self, entry: Entry[e.Request]) -> bool:
        is_caused = bool(entry.cause) and isinstance(self._journal[entry.cause].event, e.CallbackAttempt)
        return is_caused and self._side(entry.event.host) == "app"

    def _requester(self, request: e.Request) -> Lane:
        side = self._side(request.by)
        return "user" if request.by in ("harness", "browser") else side

    def _receiver(self, request: e.Request) -> Lane:
        lane = _lane(request.link)
        return self._side(request.host) if lane == "other" else lane

    def _side(self, host: Any) -> Lane:
        if host in self._hosts.get("app", ()):
            return "app"
        if host in self._hosts.get("media", ()):
            return "media"
        known = next((provider.name for provider in PROVIDERS.values() if host in provider.hosts), None)
        return known or ("suno" if host in self._hosts.get("providers", ()) else "other")

    def _lane_of_event(self, entry: AnyEntry) -> Lane:
        event = entry.event
        if isinstance(event, e.RequestAbandoned):
            return self._request(self._journal.entry(event.request, e.Request)).source
        provider = getattr(event, "provider", None)
        return _lane(provider) if provider is not None else "user" if entry.kind.startswith("track.") else "app"


def _answered(entry: AnyEntry, answered: e.CallbackAnswered) -> Step | None:
    if answered.accepted:
        return None
    again = answered.retry_in_s
    then = "" if again is None else f"; again in {again:g} s"
    late = f"{answered.outcome} after {answered.latency_s:g} s"
    what = f"HTTP {answered.status}" if answered.status else late
    return Step((entry.number,), entry.at_s, "event", _lane(answered.provider), None, f"sees: {what}{then}", True)


def _look(entry: AnyEntry, probed: e.ImageProbed) -> Step:
    saw = f"{probed.format} {probed.width}x{probed.height}" if probed.decodes else probed.problem
    text = short(f"opens the picture {WHEN.get(probed.when, '')}{saw}", LABEL)
    return Step((entry.number,), entry.at_s, "look", "user", "media", text, not probed.decodes)


def _listen(entry: AnyEntry, probed: e.AudioProbed) -> Step:
    text = short(f"opens the audio {WHEN.get(probed.when, '')}{probed.problem}", LABEL)
    return Step((entry.number,), entry.at_s, "look", "user", "media", text, True)


def _lane(name: Any) -> Lane:
    return name if name in LANES else "other"


def _line(text: str) -> str:
    return short(" ".join(ANSI.sub("", text).split()), LABEL)


def _written(write: e.StoreWrite) -> str:
    before, after = write.before or {}, write.after
    if after is None:
        return "deletes the track"
    changed = [name for name in SHOWN_FIELDS if before.get(name) != after.get(name)]
    reported = ", ".join(f"{name} = {_brief(after.get(name))}" for name in changed)
    return reported or ", ".join(str(name) for name in after if after[name] != before.get(name)) or "no change"


def _brief(value: Any) -> str:
    """Return a stored value shortened; of a URL only the file name."""
    text = "null" if value is None else str(value)
    return short(text.rpartition("/")[2] if "://" in text else text, 34)


def _callback(attempt: e.CallbackAttempt) -> str:
    which = f", attempt {attempt.attempt} of {attempt.attempts}" if attempt.attempt > 1 else ""
    forged = "" if attempt.genuine else "forged "
    return short(f'{forged}callback "{attempt.callback}"{which}', LABEL)
