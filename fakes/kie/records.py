"""The records of picture tasks: one task, and its representation in recordInfo and the callback."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.responses import Response

from harness.fakes.kie import contract
from harness.fakes.published_files import put_url
from harness.fakes.responses import success
from harness.fakes.script import Image, ImageCallbackShape, RecordStyle
from harness.fakes.tasks import in_full_seconds

RUNNING_FLAG, SUCCESS_FLAG, FAILED_FLAG = 0, 1, 3
"""A record's successFlag; 1 has been seen, the others are those of the provider's other records [inferred]."""
ENDED = "ended"
"""Not a state of the contract: `success`, `fail` or an unknown one, as the script wants."""
Mode = Literal["synchronous", "callback", "jobs"]


@dataclass(slots=True)
class ImageTask:
    """One picture generation."""

    task_id: str
    number: int
    image: Image
    mode: Mode
    request: dict[str, Any]
    size: tuple[int, int]
    """Requested width and height in pixels."""
    count: int
    """Number of requested pictures."""
    began_s: float
    created_ms: int
    takes_s: float
    """Without the script's waiting time before."""
    style: RecordStyle = "live"
    urls: list[str] = field(default_factory=list)
    failure: tuple[int, str] | None = None
    ended_ms: int | None = None
    _param: str | None = None
    _reported: tuple[str, Response] | None = None
    """The latest response of recordInfo, and its state."""

    @property
    def price(self) -> int:
        """Return the credits for all its pictures."""
        return contract.PRICE_CREDITS * self.count

    @property
    def param(self) -> str:
        """Return the request as its records show it: serialised once, and read many times."""
        if self._param is None:
            self._param = _text_of(_param_of(self.request) if "input" in self.request else self.request)
        return self._param

    @property
    def credits_consumed(self) -> float:
        """Return what it costs in the end: nothing if it failed."""
        return 0.0 if self.failure is not None else float(self.price)

    @property
    def ends_s(self) -> float:
        """Return when it is finished, on the loop's clock."""
        return self.began_s + self.image.waits_s + self.takes_s

    @property
    def callback_url(self) -> str | None:
        """Return its callback URL, if one was given; an empty one is none."""
        return self.request.get("callBackUrl") or None

    def record(self, now_s: float) -> Response:
        """Respond to a query: with the previous response if nothing has changed since."""
        state = self._state(now_s)
        if self._reported is None or self._reported[0] != state:
            self._reported = state, success(job_record(self, state))
        return self._reported[1]

    def _state(self, now_s: float) -> str:
        lag_s = self.image.record_lags_s
        if self.ended_ms is not None and not (lag_s and now_s < self.ends_s + lag_s):
            return ENDED
        waited_s = now_s - self.began_s - self.image.waits_s
        return "waiting" if waited_s < 0 else _STATES[self.style](waited_s, self.takes_s)


_STATES: dict[RecordStyle, Callable[[float, float], str]] = {
    "live": contract.live_state,
    "documented": contract.state,
}


def job_record(task: ImageTask, state: str) -> dict[str, Any] | None:
    """Return recordInfo's `data` in a state of a running task, or in ENDED. Times are epoch milliseconds."""
    data = _RECORDS[task.style](task, state)
    succeeded = state == ENDED and task.failure is None
    return contract.around_result(task.image, data) if succeeded else data


def _live_record(task: ImageTask, state: str) -> dict[str, Any]:
    """Return what recordInfo really has: resultJson is "" while there is no result, and the response comes with it."""
    data: dict[str, Any] = {
        "taskId": task.task_id,
        "model": task.request["model"],
        "state": state,
        "param": task.param,
        "resultJson": "",
        "failCode": None,
        "failMsg": None,
        "costTime": None,
        "completeTime": None,
        "createTime": task.created_ms,
        "creditsConsumed": task.credits_consumed,
        "operationType": task.request["model"],
        "successFlag": RUNNING_FLAG,
        "paramJson": task.param,
    }
    if state != ENDED:
        return data
    _put_end(data, task)
    if task.failure is not None:
        return {**data, "successFlag": FAILED_FLAG}
    return {**data, "successFlag": SUCCESS_FLAG, "response": contract.job_result(task.image, task.urls, task.size)}


def _documented_record(task: ImageTask, state: str) -> dict[str, Any]:
    """Return what the documentation's examples have: empty texts, costTime in milliseconds, and an updateTime."""
    after_s = task.image.waits_s + contract.begins_after_s(state, task.takes_s) if state != "waiting" else 0.0
    data: dict[str, Any] = {
        "taskId": task.task_id,
        "model": task.request["model"],
        "state": state,
        "param": task.param,
        "resultJson": None,
        "failCode": "",
        "failMsg": "",
        "costTime": None,
        "completeTime": None,
        "createTime": task.created_ms,
        "updateTime": task.ended_ms if state == ENDED else task.created_ms + round(after_s * 1000),
        "creditsConsumed": task.price if task.failure is None else 0,
    }
    if state == ENDED:
        _put_end(data, task)
    return data


_RECORDS: dict[RecordStyle, Callable[[ImageTask, str], dict[str, Any]]] = {
    "live": _live_record,
    "documented": _documented_record,
}


def image_callback(task: ImageTask, remained_credits: int) -> dict[str, Any]:
    """Return the body sent to callBackUrl when a task has ended, in the shape that the script wants."""
    data = _SHAPES[task.image.callback_shape](task, remained_credits)
    on_top: dict[str, Any] = {"taskId": data.pop("taskId")} if task.image.task_id_on_top else {}
    if task.failure is not None:
        return {**on_top, "code": contract.FAILED_CALLBACK_CODE, "data": data, "msg": contract.FAILED_MESSAGE}
    reported = contract.around_result(task.image, data)
    return {**on_top, "code": 200, "data": reported, "msg": contract.SUCCEEDED_MESSAGE}


def _as_a_job(task: ImageTask, remained_credits: int) -> dict[str, Any]:
    """Return the shape of the query."""
    return _live_callback(task) if task.style == "live" else _documented_callback(task, remained_credits)


def _live_callback(task: ImageTask) -> dict[str, Any]:
    """Return what callbacks really have: keys in alphabetical order, and times of creation in full seconds."""
    created_ms = in_full_seconds(task.created_ms)
    data: dict[str, Any] = {
        "taskId": task.task_id,
        "model": task.request["model"],
        "param": task.param,
        "createTime": created_ms,
        "updateTime": created_ms,
        "creditsConsumed": task.credits_consumed,
    }
    _put_end(data, task)
    return dict(sorted(data.items()))


def _documented_callback(task: ImageTask, remained_credits: int) -> dict[str, Any]:
    """Return what older pages have: the account's balance as well."""
    data: dict[str, Any] = {
        "taskId": task.task_id,
        "model": task.request["model"],
        "state": None,
        "param": task.param,
        "resultJson": None,
        "consumeCredits": task.price if task.failure is None else 0,
        "remainedCredits": remained_credits,
        "costTime": None,
        "createTime": task.created_ms,
        "completeTime": None,
        "updateTime": task.ended_ms,
    }
    _put_end(data, task)
    return data


def _with_result_urls(task: ImageTask, remained_credits: int) -> dict[str, Any]:
    """Return the shape of Kie.ai's other picture models."""
    if task.failure is not None:
        return {"taskId": task.task_id, "info": None}
    return {"taskId": task.task_id, "info": {"result_urls": contract.listed_urls(task.image, task.urls)}}


def _flat(task: ImageTask, remained_credits: int) -> dict[str, Any]:
    """Return the shape with the picture's URL as a field."""
    data: dict[str, Any] = {"taskId": task.task_id}
    if task.failure is None:
        put_url(data, "imageUrl", task.urls[0], task.image.picture_url)
    return data


_SHAPES: dict[ImageCallbackShape, Callable[[ImageTask, int], dict[str, Any]]] = {
    "result-json": _as_a_job,
    "result-urls": _with_result_urls,
    "flat": _flat,
}


def _param_of(job: dict[str, Any]) -> dict[str, Any]:
    """Return a createTask request as records have it: its input is a text inside the text."""
    shown = {**job, "input": _text_of(job["input"])}
    return {key: shown[key] for key in ("input", "callBackUrl", "model") if key in shown}


def _text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _put_end(data: dict[str, Any], task: ImageTask) -> None:
    """Add the fields that only an ended task has."""
    assert task.ended_ms is not None
    data["completeTime"] = task.ended_ms
    took_ms = task.ended_ms - task.created_ms
    data["costTime"] = took_ms // 1000 if task.style == "live" else took_ms
    if task.failure is not None:
        code, message = task.failure
        data |= {"state": "fail", "failCode": str(code), "failMsg": message}
    else:
        data["state"] = contract.UNKNOWN_STATE if task.image.answer == "unknown-state" else "success"
        result = contract.job_result(task.image, task.urls, task.size)
        data["resultJson"] = contract.result_text(task.image, result)
