"""The doctor: problems between an application and its `harness.toml`, found in one short run, likeliest first."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.causes.find import ABOUT_THE_PICTURE, causes
from harness.config.app_config import TRACK_FIELDS, Settings
from harness.fakes.latency import Fixed
from harness.fakes.paths import GENERATE_MUSIC
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.invariants.judge import judge
from harness.scenario.model import Scenario
from harness.trace.events import (
    CallbackAnswered,
    CallbackAttempt,
    ConnectionToUnknownHost,
    LogLine,
    Request,
    Response,
    RunEnded,
    TrackAccepted,
    TrackFinal,
    TrackRefused,
)
from harness.trace.journal import Entry, Journal
from harness.trace.view import TraceView
from harness.world.hosts import APPLICATION_HOST

CHECKUP = Scenario(
    "doctor/checkup",
    "Everything works and takes two seconds.",
    deadline_s=30.0,
    script=Script(
        SunoScript(music=(Music(takes=Fixed(1.0)),), delivery=DeliveryRules(retries_after_s=(1.0,))),
        KieScript(images=(Image(takes=Fixed(0.5)),)),
    ),
)
SETTLED_AFTER_S, QUIET_AFTER_S = 1.0, 8.0
"""A checkup runs at speed 1, and nothing in it takes longer than two seconds."""
ERROR_LINE = re.compile(r"\s*(?:Uncaught |throw )?[\w.]*(?:Error|Exception)\b")
"""A line that names an error, as Python and Node end or begin a traceback."""
ERROR_LENGTH_MAX = 200
MOMENT = re.compile(r" at [\d.]+ s\b")
"""When something happened, which is of no use where nothing takes long."""
OWN_ADDRESS = (
    'its callback URL must be its address in this run: set PUBLIC_URL = "{app}", or its name for that variable'
)
NEEDED_FIELDS = ("id", "status", "image_url")


@dataclass(frozen=True, slots=True)
class Sign:
    """One check: whether it passed, what was found, and what to do."""

    fits: bool
    seen: str
    advice: str = ""
    warns: bool = False
    """Whether it fits, but what was found is hardly what its users expect."""


def hurried(settings: Settings) -> Settings:
    """Return the settings for a checkup."""
    return replace(settings, settled_after_s=SETTLED_AFTER_S, quiet_after_s=QUIET_AFTER_S)


def diagnose(journal: Journal, settings: Settings) -> list[Sign]:
    """Return the checks of a checkup's journal, up to the first failure that makes the rest meaningless."""
    signs: list[Sign] = []
    for sign in _signs(journal, settings):
        signs.append(sign)
        if not sign.fits and sign.advice.endswith(STOP):
            break
    return [replace(sign, advice=sign.advice.removesuffix(STOP)) for sign in signs]


STOP = "\0"
"""Ends the advice for a problem that prevents all further checks."""


def _signs(journal: Journal, settings: Settings) -> Iterator[Sign]:
    start = settings.start
    refused, accepted = journal.of(TrackRefused), journal.of(TrackAccepted)
    requested = [entry for entry in journal.of(Request) if entry.event.by == APPLICATION_HOST]
    unknown_hosts = dict.fromkeys(entry.event.host for entry in journal.of(ConnectionToUnknownHost))
    if accepted:
        yield Sign(True, f"{start.request} returns a track id ({accepted[0].event.id})")
    else:
        problem = refused[0].event.problem if refused else f"{start.request} was not answered"
        response = next((entry for entry in journal.of(Response) if _requested_by_us(journal, entry)), None)
        said = _last_error(journal)
        if response is not None and response.event.status is not None and response.event.status >= 500 and said:
            variables = ", ".join(settings.application.environment) or "none"
            advice = f"check its environment variables; it has {variables}"
            yield Sign(False, f"{problem}; it logged: {said}", advice + STOP)
        else:
            body = "" if response is None else f"; the response was {response.event.body!r}"[:300]
            status = None if response is None else response.event.status
            needed = "headers" if status in (401, 403) else "request, body and id"
            advice = f"set {needed} in [start] to how the application starts a track"
            yield Sign(False, f"{problem}{body}", advice)
    if requested:
        hosts = ", ".join(dict.fromkeys(entry.event.host for entry in requested))
        yield Sign(True, f"its requests reach the fakes ({len(requested)}, to {hosts})")
    else:
        yield Sign(False, "none of its requests reached the fakes", _why_not_connected(settings) + STOP)
    for host in unknown_hosts:
        yield Sign(
            False,
            f"it sends requests to {host}, which no fake serves",
            "such requests fail in a run; mock that service",
        )
    generate = next((entry for entry in requested if entry.event.path == GENERATE_MUSIC), None)
    if generate is None:
        yield Sign(
            False,
            f"it does not request music (POST {GENERATE_MUSIC})",
            f"check that {start.request} starts a track{STOP}",
        )
    else:
        yield from _callbacks(journal, generate)
    yield from _tracks(journal, settings)


def _last_error(journal: Journal) -> str:
    """Return the last error in the application's log; of a traceback the line with the error."""
    errors = [entry.event.text for entry in journal.of(LogLine) if entry.event.level in ("error", "critical")]
    reporting = [text for text in errors if ERROR_LINE.match(text)]
    return str((reporting or errors or [""])[-1])[:ERROR_LENGTH_MAX]


def _requested_by_us(journal: Journal, response: Entry[Response]) -> bool:
    return journal.entry(response.event.request, Request).event.by == "harness"


def _why_not_connected(settings: Settings) -> str:
    application = settings.application
    if application.reach != "variables":
        on_node = application.reach == "preload"
        return (
            "check that it runs on Node and uses the built-in fetch"
            if on_node
            else "check that its HTTP client honours HTTPS_PROXY"
        )
    given = [name for name, value in application.environment.items() if "{kie}" in value or "{suno}" in value]
    if given:
        return f"check that it reads its base URLs from {', '.join(given)}; else set reach to preload (Node) or proxy"
    return 'set base URLs (KIE_BASE_URL = "{kie}"), or set reach to preload (Node) or proxy (any client)'


def _callbacks(journal: Journal, generate: Entry[Request]) -> Iterator[Sign]:
    body = generate.event.body if isinstance(generate.event.body, dict) else {}
    url = body.get("callBackUrl")
    attempts = journal.of(CallbackAttempt)
    answers = {entry.cause: entry.event for entry in journal.of(CallbackAnswered)}
    if not attempts:
        response = next((entry for entry in journal.of(Response) if entry.event.request == generate.number), None)
        reported = "nothing" if response is None else str(response.event.body)[:200]
        wrong_url = "callBackUrl" in reported
        advice = OWN_ADDRESS if wrong_url else "fix the request: the fakes validate requests as the provider does"
        yield Sign(False, f"its request for music got the response {reported}", advice)
        return
    outcomes = [answers[each.number].outcome if each.number in answers else "unanswered" for each in attempts]
    if all(outcome in ("refused", "unreachable", "reset") for outcome in outcomes):
        yield Sign(
            False,
            f"the callbacks to {url} are not received ({outcomes[0]})",
            OWN_ADDRESS,
        )
        return
    statuses = [answers[entry.number].status for entry in attempts if entry.number in answers]
    if any(status == 200 for status in statuses):
        yield Sign(True, f"it answers callbacks at {url}")
    else:
        yield Sign(False, f"it answers no callback with 200 ({statuses})", "check that this is its callback route")


def _only_object(fields: Mapping[str, Any]) -> str | None:
    """Return the only key if its value is an object, which means that the track is wrapped."""
    given = [name for name in fields if fields[name] is not None]
    return given[0] if len(given) == 1 and isinstance(fields[given[0]], Mapping) else None


def _tracks(journal: Journal, settings: Settings) -> Iterator[Sign]:
    reading = settings.track
    where = f'table "{reading.table}" of {reading.sqlite}' if reading.sqlite else reading.read or reading.command
    where = where or "its store"
    finals = [entry.event.fields for entry in journal.of(TrackFinal)]
    fields = next((each for each in finals if each), None)
    if fields is None:
        problem = next((entry.event.store_problem for entry in journal.of(RunEnded)), "")
        why = f": {problem}" if problem else ""
        yield Sign(False, f"no track can be read ({where}){why}", "set [track] to where and how tracks are read")
        return
    yield Sign(True, f"its track is read ({where})")
    missing = [name for name in NEEDED_FIELDS if name not in fields]
    inside = _only_object(fields)
    if inside is not None and reading.sqlite is None and reading.postgres is None:
        path = f"{reading.inside}.{inside}" if reading.inside else inside
        yield Sign(False, f'the track is wrapped in "{path}"', f'set inside = "{path}" in [track]')
        return
    for name in missing:
        others = ", ".join(key for key in fields if key not in TRACK_FIELDS)
        yield Sign(False, f'the track has no "{name}"', f"map it in [track.fields]; the track has {others}")
    status = fields.get("status")
    if "status" not in missing and status not in ("complete", "failed"):
        yield Sign(
            False,
            f'the track ends with the status "{status}"',
            f'if that is a final status, add complete = ["{status}"] to [track]',
        )
    elif "status" not in missing:
        yield Sign(True, f"the track ends as {status}, image_url {fields.get('image_url')!r}")
        yield from _picture(journal)


def _picture(journal: Journal) -> Iterator[Sign]:
    """Yield a warning with the reason if the track has no true 2K picture, although all went well."""
    view = TraceView(journal)
    for cause in causes(view, judge(view)):
        if not ABOUT_THE_PICTURE.isdisjoint(cause.invariants):
            violated = ", ".join(name for name in cause.invariants if name in ABOUT_THE_PICTURE)
            why = MOMENT.sub("", cause.sentence)
            yield Sign(True, f"nothing was slow and nothing failed, and yet: {violated}", why, warns=True)
