"""A journal as a sequence diagram: who told whom what, in order, one step for what a reader sees as one thing.

A callback is one arrow, although the journal has an attempt and a request; what the provider makes of the answer shows
only when it is not content. Layout is for whoever draws: this is lanes, steps and their words.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

from harness.report.describe import SHOWN_FIELDS, narrate, short
from harness.trace.journal import Entry, Facts, Journal

Lane = Literal["user", "app", "store", "suno", "kie", "media", "other"]
Kind = Literal["request", "answer", "callback", "write", "look", "event", "log", "fault", "end"]

LANES: dict[Lane, str] = {
    "user": "User",
    "app": "Implementation",
    "store": "Store",
    "suno": "Suno",
    "kie": "Kie.ai",
    "media": "Media host",
    "other": "Elsewhere",
}
"""Every lane and its title, from left to right."""

DULL = frozenset(
    {
        "run.began",
        "implementation.loaded",
        "store.watched",
        "track.submitted",
        "track.accepted",
        "track.final",
        "credits",
        "picture.published",
        "callback.attempt",
        "store.request",
    }
)
"""Kinds that have no step of their own: they are said by another step, or by the rest of the report."""
TROUBLE = frozenset(
    {
        "contract.broken",
        "task.refused",
        "rate.limited",
        "callback.given-up",
        "connection.stranger",
        "request.abandoned",
        "instance.killed",
        "instance.exited",
        "invocation.ended",
        "track.refused",
        "run.refused",
    }
)
TROUBLE_LEVELS = frozenset({"error", "critical"})
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""What colours a line in a terminal; many servers log with it."""
LABEL = 64
"""Characters of a label, at most."""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the diagram."""

    entries: tuple[int, ...]
    """The numbers of the journal entries that it stands for, the one to open first."""
    at_s: float
    kind: Kind
    source: Lane
    target: Lane | None
    """Where an arrow goes to; None for something that happens on one lane."""
    text: str
    trouble: bool = False
    answers: int | None = None
    """For an answer: the number of the request that it answers."""


def steps(journal: Journal) -> list[Step]:
    """All steps of a run. Entries whose facts are not what their kind has become plain events."""
    told = []
    drawer = _Drawer(journal)
    for entry in journal:
        try:
            step = drawer.step(entry)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            step = Step((entry.number,), entry.at_s, "event", "app", None, short(entry.kind, LABEL))
        if step is not None:
            told.append(step)
    return told


def lanes_of(all_steps: list[Step]) -> list[Lane]:
    """The lanes that some steps need: the five that every run is about, and the others where they occur."""
    used = {lane for step in all_steps for lane in (step.source, step.target)}
    always = {"app", "store", "suno", "kie", "media"}
    return [lane for lane in LANES if lane in used or lane in always]


class _Drawer:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        began = journal.of("run.began")
        hosts = began[0].facts.get("hosts") if began else None
        self._hosts: Facts = hosts if isinstance(hosts, dict) else {}
        self._delivered = {
            entry.cause: entry.number for entry in journal.of("request") if entry.facts.get("link") == "app"
        }

    def step(self, entry: Entry) -> Step | None:
        facts, number = entry.facts, (entry.number,)
        match entry.kind:
            case "request":
                return self._request(entry)
            case "response":
                return self._response(entry)
            case "callback.attempt" if entry.number not in self._delivered:
                text = f"{_callback(facts)} does not arrive"
                return Step(number, entry.at_s, "callback", _lane(facts["provider"]), None, text, True)
            case "callback.answered":
                if facts["accepted"]:
                    return None
                again = facts.get("retry_in_s")
                then = "" if again is None else f"; again in {again:g} s"
                what = (
                    f"HTTP {facts['status']}"
                    if facts["status"]
                    else f"{facts['outcome']} after {facts['latency_s']:g} s"
                )
                return Step(number, entry.at_s, "event", _lane(facts["provider"]), None, f"sees: {what}{then}", True)
            case "store.write":
                return Step(number, entry.at_s, "write", "app", "store", short(_written(facts), LABEL))
            case "log":
                trouble = facts["level"] in TROUBLE_LEVELS
                return Step(number, entry.at_s, "log", "app", None, _line(facts["text"]), trouble)
            case "fault":
                lane = _lane(facts["link"])
                where: Lane = "app" if lane == "other" else lane
                return Step(number, entry.at_s, "fault", where, None, f"fault: {facts['harm']}", True)
            case "request.abandoned" if self._is_delivery(self._journal[facts["request"]]):
                return None
            case "picture.probed":
                return self._look(entry)
            case "run.ended":
                return Step(number, entry.at_s, "end", "app", None, narrate(entry))
            case kind if kind in DULL:
                return None
        lane = self._lane_of_event(entry)
        return Step(number, entry.at_s, "event", lane, None, short(narrate(entry), LABEL), entry.kind in TROUBLE)

    def _request(self, entry: Entry) -> Step:
        facts = entry.facts
        if self._is_delivery(entry):
            attempt = self._journal[entry.cause]
            provider = _lane(attempt.facts["provider"])
            text = _callback(attempt.facts)
            forged = not attempt.facts.get("genuine", True)
            return Step((entry.number, attempt.number), entry.at_s, "callback", provider, "app", text, forged)
        path = str(facts["path"]).partition("?")[0]
        text = short(f"{facts['method']} {path}", LABEL)
        return Step((entry.number,), entry.at_s, "request", self._asker(facts), self._asked(facts), text)

    def _response(self, entry: Entry) -> Step:
        facts = entry.facts
        asked = self._journal[facts["request"]]
        request = self._request(asked)
        took = f" after {round(facts['latency_s'], 3):g} s" if facts["latency_s"] else ""
        body = facts["body"]
        code = body.get("code") if isinstance(body, dict) else None
        said = f"{facts['status']}" + (f" code {code}" if code not in (None, 200) else "")
        outcome = facts["outcome"]
        text = {"answered": f"{said}{took}", "too-late": f"{said}{took}: too late"}.get(outcome, f"broken off{took}")
        trouble = outcome != "answered" or (facts["status"] or 0) >= 400 or code not in (None, 200)
        back = request.source
        return Step(
            (entry.number,), entry.at_s, "answer", request.target or "other", back, text, trouble, answers=asked.number
        )

    def _is_delivery(self, entry: Entry) -> bool:
        is_caused = bool(entry.cause) and self._journal[entry.cause].kind == "callback.attempt"
        return is_caused and self._side(entry.facts["host"]) == "app"

    def _look(self, entry: Entry) -> Step:
        facts = entry.facts
        when = {"write": "", "end": "at the end: ", "day": "a day later: ", "retention": "15 days later: "}
        saw = f"{facts['format']} {facts['width']}x{facts['height']}" if facts["decodes"] else facts["problem"]
        text = short(f"looks at the picture {when.get(facts['when'], '')}{saw}", LABEL)
        return Step((entry.number,), entry.at_s, "look", "user", "media", text, not facts["decodes"])

    def _asker(self, facts: Facts) -> Lane:
        side = self._side(facts["by"])
        return "user" if facts["by"] == "harness" else side

    def _asked(self, facts: Facts) -> Lane:
        lane = _lane(facts["link"])
        return self._side(facts["host"]) if lane == "other" else lane

    def _side(self, host: Any) -> Lane:
        if host in self._hosts.get("app", ()):
            return "app"
        if host in self._hosts.get("media", ()):
            return "media"
        return "kie" if host == "api.kie.ai" else "suno" if host in self._hosts.get("providers", ()) else "other"

    def _lane_of_event(self, entry: Entry) -> Lane:
        if entry.kind == "request.abandoned":
            return self._request(self._journal[entry.facts["request"]]).source
        provider = entry.facts.get("provider")
        return _lane(provider) if provider is not None else "user" if entry.kind.startswith("track.") else "app"


def _lane(name: Any) -> Lane:
    return name if name in LANES else "other"


def _line(text: str) -> str:
    return short(" ".join(ANSI.sub("", text).split()), LABEL)


def _written(facts: Facts) -> str:
    before, after = facts["before"] or {}, facts["after"]
    if after is None:
        return "deletes the track"
    changed = [name for name in SHOWN_FIELDS if before.get(name) != after.get(name)]
    told = ", ".join(f"{name} = {_brief(after.get(name))}" for name in changed)
    return told or ", ".join(str(name) for name in after if after[name] != before.get(name)) or "nothing new"


def _brief(value: Any) -> str:
    """A stored value in a few characters: of a URL the file's name."""
    text = "null" if value is None else str(value)
    return short(text.rpartition("/")[2] if "://" in text else text, 34)


def _callback(facts: Facts) -> str:
    which = f", attempt {facts['attempt']} of {facts['attempts']}" if facts["attempt"] > 1 else ""
    forged = "" if facts.get("genuine", True) else "forged "
    return short(f'{forged}callback "{facts["callback"]}"{which}', LABEL)
