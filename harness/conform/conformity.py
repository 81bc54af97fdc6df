"""The verdict on a recording: how the message of each exchange differs from the nearest one of the fakes."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from harness.conform.recordings import Exchange
from harness.conform.rehearsal import Rehearsal, Reply, failing, failing_extras, task_id_of, usual
from harness.conform.shapes import Difference, differences, word_at
from harness.fakes.paths import CREATE_IMAGE_TASK, CREATING_PATHS, EXTRA_PATHS, GENERATE_MUSIC, OWN_COVER
from harness.fakes.registry import KIE, SUNO
from harness.fakes.script import CALLBACKS, Failure

HOSTS = (*KIE.hosts, *SUNO.hosts)
SITUATION = (("data", "state"), ("data", "status"), ("data", "callbackType"), ("data", "successFlag"), ("code",))
"""The places of the word that says what a message is about; the first that is there counts."""
RECORD_OF_JOBS = "/api/v1/jobs/recordInfo"
STATES = ("data", "state"), ("data", "status")
USUAL_REQUESTS: dict[str, dict[str, Any]] = {
    CREATE_IMAGE_TASK: {
        "model": "bytedance/seedream-v4-text-to-image",
        "input": {"prompt": "p", "image_size": "landscape_16_9", "image_resolution": "2K"},
    },
    GENERATE_MUSIC: {"prompt": "p", "customMode": False, "instrumental": False, "model": "V5"},
}
FAILED_MIN = 400
CALLBACK_URL = "http://app.test/callback"
CONTAINERS = {"an object", "a list"}
CONTENT_TYPE = re.compile(r"(application|text|image)/[a-z.+-]{1,30}( ?; ?charset=[A-Za-z0-9-]{1,12})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference, the messages that it is in, and how to recognise them."""

    of: str
    """The method and path of an endpoint, or `callback`."""
    when: tuple[tuple[str, str | int], ...]
    """The place and the word that says what the messages are about."""
    difference: Difference


@dataclass(slots=True)
class Conformity:
    """What a recording says about the fakes."""

    exchanges: int = 0
    compared: dict[str, int] = field(default_factory=dict)
    """The compared messages by endpoint."""
    differing: dict[str, int] = field(default_factory=dict)
    """Those of them with a difference."""
    found: dict[Finding, list[int]] = field(default_factory=dict)
    """The numbers of the exchanges with each difference."""
    not_reproduced: dict[str, list[int]] = field(default_factory=dict)
    """Exchanges with endpoints that the fakes do not have."""
    elsewhere: int = 0
    """Exchanges with other hosts."""


def conformity(exchanges: Sequence[Exchange]) -> Conformity:
    """Compare the messages of a recording with those of the fakes. Sends nothing."""
    report, stages = Conformity(len(exchanges)), _Stages(exchanges)
    states: dict[tuple[str, str], list[tuple[int, str]]] = {}
    try:
        for exchange in exchanges:
            if exchange.is_callback and exchange.host not in HOSTS:
                recorded = Reply(200, None, exchange.sent)
                _compare(report, CALLBACKS, exchange.number, recorded, stages.callbacks(exchange))
            elif exchange.host not in HOSTS:
                report.elsewhere += 1
            elif not stages.of(exchange.host).knows(exchange.path):
                shown = stages.of(exchange.host).shown(exchange.path)
                report.not_reproduced.setdefault(f"{exchange.method} {shown}", []).append(exchange.number)
            else:
                recorded = Reply(exchange.status, exchange.content_type, exchange.received)
                nearest = _compare(report, _endpoint(exchange), exchange.number, recorded, stages.replies(exchange))
                stages.of(exchange.host).learn(exchange.received, nearest)
                state = next((word for keys in STATES if (word := word_at(exchange.received, *keys))), None)
                if exchange.task_id is not None and isinstance(state, str):
                    states.setdefault((_endpoint(exchange), exchange.task_id), []).append((exchange.number, state))
        for (endpoint, task_id), recorded_states in states.items():
            _compare_order(report, endpoint, recorded_states, stages.states(task_id))
    finally:
        stages.close()
    return report


def _endpoint(exchange: Exchange) -> str:
    return f"{exchange.method} {exchange.path}"


def _compare(report: Conformity, of: str, number: int, recorded: Reply, candidates: list[Reply]) -> Any:
    """Compare a message with the nearest one of the fakes, and note it. Return the body of that one."""
    if not candidates:
        report.not_reproduced.setdefault(of, []).append(number)
        return None
    report.compared[of] = report.compared.get(of, 0) + 1
    each = [(list(_of_replies(recorded, candidate)), candidate) for candidate in candidates]
    found, nearest = min(each, key=lambda pair: sum(map(_weight, pair[0])))
    if found:
        report.differing[of] = report.differing.get(of, 0) + 1
    when = _situation(nearest.body)
    for difference in dict.fromkeys(found):
        report.found.setdefault(Finding(of, when, difference), []).append(number)
    return nearest.body


def _situation(body: Any) -> tuple[tuple[str, str | int], ...]:
    """Return the place and the word that says what a message is about."""
    for keys in SITUATION:
        if (word := word_at(body, *keys)) is not None:
            return ((".".join(keys), word),)
    return ()


def _of_replies(recorded: Reply, sent: Reply) -> Iterator[Difference]:
    if recorded.status != sent.status:
        yield Difference("header", "(HTTP status)", str(sent.status), str(recorded.status))
    if recorded.content_type is not None and _plain(recorded.content_type) != _plain(sent.content_type):
        yield Difference("header", "content-type", sent.content_type or "none", _known_type(recorded.content_type))
    yield from differences(recorded.body, sent.body)


def _plain(content_type: str | None) -> str:
    return (content_type or "").replace(" ", "").lower()


def _known_type(content_type: str) -> str:
    return content_type if CONTENT_TYPE.fullmatch(content_type) else "another"


def _weight(difference: Difference) -> int:
    """Return how much a difference says against a message of the fakes being the one that was recorded."""
    if difference.place == "code":
        return 1_000
    if difference.kind == "type" and {difference.fakes, difference.provider} & CONTAINERS:
        return 100
    return 10 if difference.kind == "value" and not difference.place.endswith("msg") else 1


def _compare_order(report: Conformity, of: str, recorded: list[tuple[int, str]], known: list[str]) -> None:
    """Note a state that comes after one that the fakes reach later."""
    for (_, before), (number, after) in pairwise(recorded):
        if before in known and after in known and known.index(before) > known.index(after):
            shown = f"{after} before {before}", f"{after} after {before}"
            finding = Finding(of, (), Difference("states", "data.state", *shown))
            report.found.setdefault(finding, []).append(number)


class _Stages:
    """The rehearsals of a recording: one of healthy providers for each host, others for each kind of failure."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._rehearsals: dict[tuple[str, Failure | None, bool], Rehearsal] = {}
        self._created: dict[str, Exchange] = {
            task_id: exchange
            for exchange in exchanges
            if exchange.host in HOSTS and exchange.method == "POST" and (task_id := task_id_of(exchange.received))
        }

    def close(self) -> None:
        for rehearsal in self._rehearsals.values():
            rehearsal.close()

    def of(self, host: str, failure: Failure | None = None, path: str = "") -> Rehearsal:
        """Return the rehearsal of a host, or that in which tasks fail which are created at such a path."""
        key = host, failure, failure is not None and path in EXTRA_PATHS
        if key not in self._rehearsals:
            script = failing_extras if key[2] else failing
            self._rehearsals[key] = Rehearsal(host, usual(host) if failure is None else script(host, failure))
        return self._rehearsals[key]

    def replies(self, exchange: Exchange) -> list[Reply]:
        """Return what the fakes may answer to a request: of a record every stage, and its failure."""
        rehearsal = self.of(exchange.host)
        task_id = exchange.task_id
        if task_id is None or exchange.method != "GET":
            replies = [rehearsal.answer(exchange)]
            code = word_at(exchange.received, "code")
            if isinstance(code, int) and code >= FAILED_MIN and word_at(replies[0].body, "code") != code:
                refusal = Failure(code, str(exchange.received.get("msg")))
                replies.append(self.of(exchange.host, refusal).answer(exchange))
            return replies
        unknown = rehearsal.answer(replace(exchange, query=(("taskId", "0" * 32),)))
        if task_id_of(exchange.received) is None:
            return [unknown]
        return [*self._records(exchange, task_id), unknown]

    def _records(self, exchange: Exchange, task_id: str) -> list[Reply]:
        rehearsals = [self._create(exchange, task_id, exchange.received)]
        if (failure := _failure_in(exchange.received)) is not None:
            rehearsals.append(self._create(exchange, task_id, exchange.received, failure))
        return [reply for each in rehearsals for reply in each.records.get(task_id, [])]

    def callbacks(self, exchange: Exchange) -> list[Reply]:
        """Return the callbacks that the fakes send for the task of a recorded one."""
        task_id = task_id_of(exchange.sent) or ""
        rehearsals = [self._create(exchange, task_id, exchange.sent)]
        if (failure := _failure_in(exchange.sent)) is not None:
            rehearsals.append(self._create(exchange, task_id, exchange.sent, failure))
        return [reply for each in rehearsals for reply in each.callbacks_of(task_id)]

    def states(self, task_id: str) -> list[str]:
        """Return the states of a task in the order in which the fakes reach them."""
        found: dict[str, None] = {}
        for rehearsal in self._rehearsals.values():
            for reply in rehearsal.records.get(task_id, []):
                found.update({word: None for keys in STATES if isinstance(word := word_at(reply.body, *keys), str)})
        return list(found)

    def _create(self, exchange: Exchange, task_id: str, message: Any, failure: Failure | None = None) -> Rehearsal:
        """Create a task at the fakes, unless it was: as in the recording, as its record says, or a usual one. Return
        where."""
        created = self._created.get(task_id)
        host = created.host if created is not None else exchange.host if exchange.host in HOSTS else KIE.hosts[0]
        path = created.path if created is not None else _creating_path(exchange, message)
        as_recorded = _request_in(message) if created is None else created.sent
        rehearsal = self.of(host, failure, path)
        if isinstance(as_recorded, dict) and task_id not in rehearsal.records:
            url = {"callBackUrl": CALLBACK_URL} if exchange.is_callback else {}
            rehearsal.create(path, {**url, **as_recorded}, task_id)
        if task_id not in rehearsal.records:
            rehearsal.create(path, {**_usual_request(path, rehearsal), "callBackUrl": CALLBACK_URL}, task_id)
        return rehearsal


def _failure_in(message: Any) -> Failure | None:
    """Return the failure that a record or a callback reports."""
    for keys in (("data", "failCode"), ("data", "errorCode"), ("code",)):
        word = word_at(message, *keys)
        if isinstance(word, int | str) and str(word).isdecimal() and int(word) >= FAILED_MIN:
            return Failure(int(word), str(message.get("msg")), when="after-generating")
    return None


def _usual_request(path: str, rehearsal: Rehearsal) -> dict[str, Any]:
    """Return a request with which a task can be created."""
    if path in USUAL_REQUESTS:
        return USUAL_REQUESTS[path]
    task_id, song_id = rehearsal.song({**USUAL_REQUESTS[GENERATE_MUSIC], "callBackUrl": CALLBACK_URL})
    return {"prompt": "p", "size": "1:1", "taskId": task_id, "audioId": song_id}


def _creating_path(exchange: Exchange, message: Any) -> str:
    """Return the endpoint that creates such a task."""
    if exchange.is_callback:
        if word_at(message, "data", "callbackType") is not None:
            return GENERATE_MUSIC
        return OWN_COVER if "images" in message["data"] else CREATE_IMAGE_TASK
    path = exchange.path.removesuffix("/record-info")
    if exchange.path == RECORD_OF_JOBS:
        return CREATE_IMAGE_TASK
    return path if path in CREATING_PATHS else f"{path}/generate"


def _request_in(message: Any) -> dict[str, Any] | None:
    """Return the request that a record repeats in its `param`."""
    try:
        request = json.loads(message["data"]["param"])
        if isinstance(request.get("input"), str):
            request["input"] = json.loads(request["input"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return request if isinstance(request, dict) else None
