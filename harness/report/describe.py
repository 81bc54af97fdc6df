"""Tells a journal's entries in words, one line each, for people who look for what happened."""

import json
from typing import Any

from harness.terminal import visible
from harness.trace.journal import Entry, Facts

LINES_MAX = 12
TEXT_MAX = 96
LOG_MAX = 240
DAY_S = 86_400
ENDINGS = {
    "quiescent": "nothing can happen any more",
    "deadline": "the scenario's deadline",
    "deadlock": "deadlock: nothing can happen any more, and requests are unanswered",
    "livelock": "livelock: the implementation runs in circles without time passing",
    "refused": "the run was given up",
}
"""Why a run ended, in words."""
SHOWN_FIELDS = ("status", "image_url", "image_resolution", "image_label", "failure_reason", "audio_url")


def narrate(entry: Entry) -> str:
    """One entry as a sentence fragment: who did what."""
    teller = _TELLERS.get(entry.kind)
    return visible(entry.kind if teller is None else teller(entry.facts))


def clock(at_s: float) -> str:
    """Virtual seconds since the run began, as `75.000 s`, `16:45.000 m`, `1:02:03 h` or `15.0 days`."""
    if at_s < 600:
        return f"{at_s:.3f} s"
    if at_s >= 2 * DAY_S:
        return f"{at_s / DAY_S:.1f} days"
    minutes, seconds = divmod(at_s, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{int(seconds):02d} h" if hours else f"{minutes}:{seconds:06.3f} m"


def span(seconds_s: float) -> str:
    """A length of virtual time in words: `90 s`, `16 min 45 s`, `1 h 2 min`."""
    if seconds_s < 600:
        return f"{round(seconds_s, 3):g} s"
    minutes, seconds = divmod(round(seconds_s), 60)
    hours, minutes = divmod(minutes, 60)
    large, small = (f"{hours} h", f"{minutes} min") if hours else (f"{minutes} min", f"{seconds} s")
    return large if small.startswith("0 ") else f"{large} {small}"


def short(value: Any, limit: int = TEXT_MAX) -> str:
    """A value in as many characters as there is room for."""
    text = visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _request(facts: Facts) -> str:
    return f"{facts['by']} → {facts['host']}  {facts['method']} {short(facts['path'], 60)}"


def _response(facts: Facts) -> str:
    after = f" after {facts['latency_s']:g} s" if facts["latency_s"] else ""
    if facts["outcome"] == "too-late":
        return f"the answer to #{facts['request']}, HTTP {facts['status']}, comes{after}, when nobody waits any more"
    if facts["outcome"] != "answered":
        return f"the answer to #{facts['request']} broke off{after}"
    body = facts["body"]
    code = f" {{code: {body['code']}}}" if isinstance(body, dict) and "code" in body else ""
    return f"answer to #{facts['request']}: HTTP {facts['status']}{code}{after}"


def _attempt(facts: Facts) -> str:
    which = f", attempt {facts['attempt']} of {facts['attempts']}" if facts["attempt"] > 1 else ""
    return f'{facts["provider"]} delivers the "{facts["callback"]}" callback{which}'


def _answered(facts: Facts) -> str:
    result = f"HTTP {facts['status']}" if facts["status"] else facts["outcome"]
    again = facts.get("retry_in_s")
    then = f"; it will be delivered again in {again:g} s" if again is not None and not facts["accepted"] else ""
    return f"{facts['provider']} sees: {result} after {facts['latency_s']:g} s{then}"


def _write(facts: Facts) -> str:
    before, after = facts["before"] or {}, facts["after"]
    if after is None:
        return "the track is deleted"
    changed = [name for name in SHOWN_FIELDS if before.get(name) != after.get(name)]
    told = [f"{name} {_change(before.get(name), after.get(name), bool(facts['before']))}" for name in changed]
    return "stored: " + ("; ".join(told) if told else "nothing that shows")


def _store_answer(facts: Facts) -> str:
    problem = f" {facts['code']}, {short(facts['message'], 80)}" if facts["code"] else ""
    return f"HTTP {facts['status']}{problem}"


def _change(before: Any, after: Any, existed: bool) -> str:
    now = "null" if after is None else short(str(after), 60)
    return f"{'null' if before is None else short(str(before), 40)} → {now}" if existed else f"= {now}"


def _probe(facts: Facts) -> str:
    if not facts["decodes"]:
        return f"a browser opens {short(facts['url'], 50)}: {facts['problem']}"
    mark = facts["mark"]
    made = f", made at {mark['made_width']}x{mark['made_height']}" if mark else ""
    return f"a browser opens {short(facts['url'], 50)}: {facts['format']} {facts['width']}x{facts['height']}{made}"


def _ended(facts: Facts) -> str:
    ending = str(facts["ending"])
    return f"the run ends: {ENDINGS.get(ending, ending)}"


_TELLERS: dict[str, Any] = {
    "track.submitted": lambda f: f'a user asks for track {f["track"]}, "{short(f["title"], 40)}"',
    "track.accepted": lambda f: f"the user gets track id {short(str(f['id']), 40)}",
    "track.refused": lambda f: f"the user gets no track: {f['problem']}",
    "track.final": lambda f: f"track {f['track']} at the end: {short(_final(f), 90)}",
    "request": _request,
    "response": _response,
    "request.abandoned": lambda f: f"nobody waits for the answer to #{f['request']} any more, after {f['after_s']:g} s",
    "fault": lambda f: f"fault: {f['harm']} on the way to {f['link']}",
    "task.created": lambda f: (
        f"{f['provider']} accepts {f['what']} task {str(f['task_id'])[:8]} for {f['charged']} credits"
    ),
    "task.refused": lambda f: f"{f['provider']} refuses: {f['code']} {short(str(f['message']), 60)}",
    "task.ended": lambda f: f"{f['provider']} task {str(f['task_id'])[:8]}: {f['outcome']}",
    "contract.broken": lambda f: (
        f"{f['provider']}: the request breaks the contract: {short(str(f['problems'][0]['field']))}"
    ),
    "rate.limited": lambda f: f"{f['provider']}: too many requests, {f['allowed']} are allowed in {f['window_s']:g} s",
    "callback.attempt": _attempt,
    "callback.answered": _answered,
    "callback.given-up": lambda f: f"{f['provider']} gives up after {f['attempts']} attempts",
    "store.watched": lambda f: f"the tracks are seen by {f['source']}, {f['how']}",
    "store.request": lambda f: f"the store answers {f['method']} {short(f['path'], 50)}: {_store_answer(f)}",
    "store.write": _write,
    "log": lambda f: f"log {f['level']}: {short(f['text'], LOG_MAX)}",
    "picture.probed": _probe,
    "connection.stranger": lambda f: f"{f['by']} tries to connect to {f['host']}:{f['port']}",
    "instance.started": lambda f: f"instance {f['instance']} starts",
    "instance.killed": lambda f: f"the platform kills instance {f['instance']}",
    "instance.frozen": lambda f: f"the platform freezes instance {f['instance']}",
    "instance.exited": lambda f: f"the implementation ends its process with code {short(str(f['code']), 20)}",
    "cron": lambda f: f"the platform calls the periodic route {short(f['path'], 50)}",
    "instance.thawed": lambda f: f"the platform thaws instance {f['instance']}",
    "invocation.ended": lambda f: f"the platform ends the handler of {f['path']} after {f['limit_s']:g} s: 504",
    "credits": lambda f: f"{f['provider']} credits {f['change']:+g}, balance {f['balance']:g}",
    "run.refused": lambda f: f"cannot be simulated: {f['sentence']}",
    "run.ended": _ended,
}


def _final(facts: Facts) -> str:
    fields = facts["fields"]
    return "no row" if fields is None else ", ".join(f"{name} {fields.get(name)}" for name in SHOWN_FIELDS[:3])
