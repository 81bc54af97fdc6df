"""The sequence of events behind a verdict: its evidence and related events, limited to a few lines."""

from collections.abc import Sequence

from harness.causes.cause import BECAUSE_MAX, Cause
from harness.invariants.verdict import Verdict
from harness.report.describe import LINES_MAX, clock, narrate, variables_read
from harness.results.result import SERVED
from harness.trace.events import (
    CallbackAnswered,
    CreditsChanged,
    EnvironmentRead,
    FaultTriggered,
    ImplementationLoaded,
    LogLine,
    Request,
    RequestAbandoned,
    Response,
    RunBegan,
)
from harness.trace.journal import AnyEntry, Entry, Journal

OMITTED_KINDS = (CreditsChanged, EnvironmentRead, ImplementationLoaded, RunBegan)
TROUBLE_LEVELS = frozenset({"error", "critical"})


def sequence(journal: Journal, verdict: Verdict) -> list[tuple[str, int, str, bool]]:
    """Return lines of (clock, entry number, description, whether it is evidence), earliest first.

    The evidence is always included. As far as there is room, so are its effects and causes, the responses to those
    requests, faults on them, the reason for a repeated callback, and related error lines of the log.
    """
    evidence = [journal[number] for number in verdict.evidence if 1 <= number <= len(journal)]
    chosen = {entry.number for entry in evidence}
    responses = {entry.event.request: entry for entry in journal.of(Response, RequestAbandoned)}
    for entry in [*evidence, *_effects(journal, chosen), *_causes(journal, evidence)]:
        if len(chosen) >= LINES_MAX:
            break
        chosen.add(entry.number)
        response = responses.get(entry.number)
        if response is not None and len(chosen) < LINES_MAX:
            chosen.add(response.number)
    for trouble in journal.of(FaultTriggered, CallbackAnswered):
        is_accepted = isinstance(trouble.event, CallbackAnswered) and trouble.event.accepted
        if len(chosen) < LINES_MAX and not is_accepted and trouble.cause in chosen:
            chosen.add(trouble.number)
    for line in journal.of(LogLine):
        is_about_them = any(cause.number in chosen for cause in journal.causes(line))
        if len(chosen) < LINES_MAX and line.event.level in TROUBLE_LEVELS and is_about_them:
            chosen.add(line.number)
    own = set(verdict.evidence)
    return [
        (clock(entry.at_s), entry.number, narrate(entry), entry.number in own)
        for entry in (journal[number] for number in sorted(chosen))
    ]


def because(journal: Journal, cause: Cause, evidence: Sequence[int]) -> list[tuple[str, int, str, bool]]:
    """Return the lines of `sequence` for a cause: the entries that show it, and as many of its violations' evidence,
    which is marked, as there is room for."""
    numbers = dict.fromkeys([*cause.because, *evidence])
    chosen = [number for number in numbers if 1 <= number <= len(journal)][:BECAUSE_MAX]
    entries = [journal[number] for number in sorted(chosen)]
    return [(clock(entry.at_s), entry.number, narrate(entry), entry.number in evidence) for entry in entries]


def _effects(journal: Journal, evidence: set[int]) -> list[Entry[Request]]:
    """Return the requests that the evidence caused: they show where the time went."""
    return [entry for entry in journal.of(Request) if entry.cause in evidence and entry.number not in evidence]


def _causes(journal: Journal, evidence: list[AnyEntry]) -> list[AnyEntry]:
    causes = [cause for entry in reversed(evidence) for cause in journal.causes(entry)]
    return [cause for cause in causes if not isinstance(cause.event, OMITTED_KINDS)]


def replay_command(implementation: str, scenario: str, seed: int, journal: Journal | None = None) -> str:
    """Return the command that replays a run: a live one at its recorded speed or skipping idle time, a served one with
    `harness serve`."""
    run = "serve" if implementation == SERVED else f"run {_quoted(implementation)}"
    command = f"harness {run} {_quoted(scenario)} --seed {seed}"
    began = journal.first(RunBegan) if journal is not None else None
    speed = None if began is None else began.event.speed
    if began is not None and began.event.leaps:
        command += " --speed auto"
    elif isinstance(speed, int | float) and speed != 1:
        command += f" --speed {speed:g}"
    return f"{command} --clean-environment" if began is not None and began.event.clean_environment else command


def dependence(journal: Journal | None) -> str:
    """Return what of the shell's environment a run depended on, as a sentence fragment; "" if nothing is known."""
    read = None if journal is None else journal.first(EnvironmentRead)
    variables = "" if read is None else variables_read(read.event)
    return f"depends on {variables}" if variables else ""


def _quoted(word: str) -> str:
    safe = all(character.isalnum() or character in "-_./:" for character in word)
    return word if safe else "'" + word.replace("'", "'\\''") + "'"
