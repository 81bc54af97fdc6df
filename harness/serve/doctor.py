"""What does not fit between an application and its `harness.toml`, found by one short run, in order of likelihood."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.config.app_config import TRACK_FIELDS, Settings
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
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
from harness.world.hosts import APPLICATION_HOST

CHECKUP = Scenario(
    "doctor/checkup",
    "Everything is well and takes two seconds.",
    deadline_s=30.0,
    script=Script(
        SunoScript(music=(Music(takes=Fixed(1.0)),), delivery=DeliveryRules(retries_after_s=(1.0,))),
        KieScript(images=(Image(takes=Fixed(0.5)),)),
    ),
)
SETTLED_AFTER_S, QUIET_AFTER_S = 1.0, 8.0
"""A checkup is at speed 1, and nothing in it takes longer than two seconds."""
GENERATE = "/api/v1/generate"
SAYS_WHY = re.compile(r"\s*(?:Uncaught |throw )?[\w.]*(?:Error|Exception)\b")
"""A line that names an error, as Python and Node end or begin a traceback."""
LAST_WORDS = 200
OWN_ADDRESS = 'its callback URL has to be its own address here: PUBLIC_URL = "{app}", or as it calls that variable'
NEEDED_FIELDS = ("id", "status", "image_url")


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that was looked at: whether it fits, what was seen, and what to do about it."""

    fits: bool
    seen: str
    advice: str = ""


def hurried(settings: Settings) -> Settings:
    """The settings with which a checkup is played."""
    return replace(settings, settled_after_s=SETTLED_AFTER_S, quiet_after_s=QUIET_AFTER_S)


def diagnose(journal: Journal, settings: Settings) -> list[Sign]:
    """What a checkup's journal shows, up to the first thing that makes all others pointless."""
    signs: list[Sign] = []
    for sign in _signs(journal, settings):
        signs.append(sign)
        if not sign.fits and sign.advice.endswith(STOP):
            break
    return [Sign(sign.fits, sign.seen, sign.advice.removesuffix(STOP)) for sign in signs]


STOP = "\0"
"""At the end of an advice without which nothing else can be found out."""


def _signs(journal: Journal, settings: Settings) -> Iterator[Sign]:
    start = settings.start
    refused, accepted = journal.of(TrackRefused), journal.of(TrackAccepted)
    requested = [entry for entry in journal.of(Request) if entry.event.by == APPLICATION_HOST]
    strangers = dict.fromkeys(entry.event.host for entry in journal.of(ConnectionToUnknownHost))
    if accepted:
        yield Sign(True, f"{start.request} gives a track's id ({accepted[0].event.id})")
    else:
        problem = refused[0].event.problem if refused else f"{start.request} was not answered"
        answer = next((entry for entry in journal.of(Response) if _requested_by_us(journal, entry)), None)
        said = _last_words(journal)
        if answer is not None and answer.event.status is not None and answer.event.status >= 500 and said:
            variables = ", ".join(settings.application.environment) or "none"
            advice = f"its environment has {variables}: is something missing there?"
            yield Sign(False, f"{problem}; it said: {said}", advice + STOP)
        else:
            body = "" if answer is None else f"; the answer was {answer.event.body!r}"[:300]
            yield Sign(False, f"{problem}{body}", "set request, body and id of [start] to how a track is asked for")
    if requested:
        hosts = ", ".join(dict.fromkeys(entry.event.host for entry in requested))
        yield Sign(True, f"its requests reach the fakes ({len(requested)}, to {hosts})")
    else:
        yield Sign(False, "none of its requests has reached the fakes", _why_not_connected(settings) + STOP)
    for host in strangers:
        yield Sign(False, f"it asks {host}, for which nobody stands in", "such requests fail here; mock that service")
    generate = next((entry for entry in requested if entry.event.path == GENERATE), None)
    if generate is None:
        yield Sign(
            False, f"it asks for no music (POST {GENERATE})", f"does {start.request} really start a track?{STOP}"
        )
    else:
        yield from _callbacks(journal, generate)
    yield from _tracks(journal, settings)


def _last_words(journal: Journal) -> str:
    """The last error that the application has logged; of a traceback its last line, which says what was wrong."""
    errors = [entry.event.text for entry in journal.of(LogLine) if entry.event.level in ("error", "critical")]
    reporting = [text for text in errors if SAYS_WHY.match(text)]
    return str((reporting or errors or [""])[-1])[:LAST_WORDS]


def _requested_by_us(journal: Journal, response: Entry[Response]) -> bool:
    return journal.entry(response.event.request, Request).event.by == "harness"


def _why_not_connected(settings: Settings) -> str:
    application = settings.application
    if application.reach != "variables":
        on_node = application.reach == "preload"
        return "does it run on Node, with its own fetch?" if on_node else "does its HTTP client honour HTTPS_PROXY?"
    given = [name for name, value in application.environment.items() if "{kie}" in value or "{suno}" in value]
    if given:
        return f"does it read {', '.join(given)} for its base URLs? else set reach to preload (Node) or proxy"
    return 'give it base URLs (KIE_BASE_URL = "{kie}"), or set reach to preload (Node) or proxy (any client)'


def _callbacks(journal: Journal, generate: Entry[Request]) -> Iterator[Sign]:
    body = generate.event.body if isinstance(generate.event.body, dict) else {}
    url = body.get("callBackUrl")
    attempts = journal.of(CallbackAttempt)
    answers = {entry.cause: entry.event for entry in journal.of(CallbackAnswered)}
    if not attempts:
        answer = next((entry for entry in journal.of(Response) if entry.event.request == generate.number), None)
        reported = "nothing" if answer is None else str(answer.event.body)[:200]
        wrong_url = "callBackUrl" in reported
        advice = OWN_ADDRESS if wrong_url else "the fakes check requests as the provider does"
        yield Sign(False, f"its request for music was answered {reported}", advice)
        return
    outcomes = [answers[each.number].outcome if each.number in answers else "unanswered" for each in attempts]
    if all(outcome in ("refused", "unreachable", "reset") for outcome in outcomes):
        yield Sign(
            False,
            f"the callbacks to {url} reach nobody ({outcomes[0]})",
            OWN_ADDRESS,
        )
        return
    statuses = [answers[entry.number].status for entry in attempts if entry.number in answers]
    if any(status == 200 for status in statuses):
        yield Sign(True, f"it answers callbacks at {url}")
    else:
        yield Sign(False, f"it answers no callback with 200 ({statuses})", "is that the route of its callbacks?")


def _only_object(fields: Mapping[str, Any]) -> str | None:
    """The only key, if an object stands there: it is wrapped in another one."""
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
        yield Sign(False, f"no track can be read ({where}){why}", "set [track] to where it is and how it is read")
        return
    yield Sign(True, f"its track is read ({where})")
    missing = [name for name in NEEDED_FIELDS if name not in fields]
    inside = _only_object(fields)
    if inside is not None and reading.sqlite is None and reading.postgres is None:
        path = f"{reading.inside}.{inside}" if reading.inside else inside
        yield Sign(False, f'the track is an object inside of "{path}"', f'set inside = "{path}" in [track]')
        return
    for name in missing:
        others = ", ".join(key for key in fields if key not in TRACK_FIELDS)
        yield Sign(False, f'the track has no "{name}"', f"name it under [track.fields]; there are: {others}")
    status = fields.get("status")
    if "status" not in missing and status not in ("complete", "failed"):
        yield Sign(
            False,
            f'the track ends with the status "{status}"',
            f'if that is an end, list it: complete = ["{status}"] in [track]',
        )
    elif "status" not in missing:
        yield Sign(True, f"the track ends as {status}, image_url {fields.get('image_url')!r}")
