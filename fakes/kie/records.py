"""The records of picture tasks: one task, and its representation in recordInfo and the callback."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from harness.fakes.kie import contract
from harness.fakes.kie.models import PRICE_CREDITS
from harness.fakes.kie.products import JOB, Mode, Product, ProductName
from harness.fakes.published_files import put_url
from harness.fakes.responses import success
from harness.fakes.script import Image, ImageCallbackShape, RecordStyle
from harness.fakes.tasks import in_full_seconds

RUNNING_FLAG, SUCCESS_FLAG, FAILED_FLAG = 0, 1, 3
"""A record's successFlag; 1 has been seen, the others are those of the provider's other records [inferred]."""
ENDED = "ended"
"""Not a state of the contract: `success`, `fail` or an unknown one, as the script wants."""


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
    product: Product = JOB
    urls: list[str] = field(default_factory=list)
    original_url: str | None = None
    """A second address of a Flux Kontext picture, which works for ten minutes."""
    failure: tuple[int, str] | None = None
    ended_ms: int | None = None
    _param: str | None = None
    _reported: tuple[str, Response] | None = None
    """The latest response of recordInfo, and its state."""

    @property
    def price(self) -> int:
        """Return the credits for all its pictures."""
        return PRICE_CREDITS * self.count

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
    dedicated = _DEDICATED.get(task.product.name)
    data = _RECORDS[task.style](task, state) if dedicated is None else dedicated.record(task, state)
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
    """Return the body sent to callBackUrl when a task has ended; of a job, in the shape that the script wants."""
    dedicated = _DEDICATED.get(task.product.name)
    if dedicated is not None:
        return _dedicated_callback(task, dedicated)
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


@dataclass(frozen=True, slots=True)
class _Dedicated:
    """How a product with endpoints of its own reports on its tasks, as its pages document it."""

    result: Callable[[ImageTask], dict[str, Any]]
    """Returns the record's `response`."""
    info: Callable[[ImageTask], dict[str, Any]]
    """Returns the callback's `info`."""
    failed_flag: int
    succeeded_message: str
    has_status: bool
    """Whether the record has a status and a progress; its times are epoch milliseconds then, else ISO texts."""

    def record(self, task: ImageTask, state: str) -> dict[str, Any]:
        """Return the record's `data` in a state of a running task, or in ENDED."""
        ended = state == ENDED
        code, message = task.failure if ended and task.failure is not None else (None, None)
        succeeded = ended and code is None
        time_of: Callable[[int], Any] = int if self.has_status else iso_time
        data: dict[str, Any] = {
            "taskId": task.task_id,
            "paramJson": task.param,
            "completeTime": time_of(task.ended_ms) if ended and task.ended_ms is not None else None,
            "response": self.result(task) if succeeded else None,
            "successFlag": SUCCESS_FLAG if succeeded else self.failed_flag if ended else RUNNING_FLAG,
        }
        if self.has_status:
            data["status"] = "SUCCESS" if succeeded else "GENERATE_FAILED" if ended else "GENERATING"
        data |= {"errorCode": code, "errorMessage": message, "createTime": time_of(task.created_ms)}
        return {**data, "progress": "1.00" if ended else "0.00"} if self.has_status else data


def _dedicated_callback(task: ImageTask, dedicated: _Dedicated) -> dict[str, Any]:
    if task.failure is not None:
        code, message = task.failure
        return {"code": code, "msg": message, "data": {"taskId": task.task_id, "info": None}}
    data = contract.around_result(task.image, {"taskId": task.task_id, "info": dedicated.info(task)})
    return {"code": 200, "msg": dedicated.succeeded_message, "data": data}


def iso_time(epoch_ms: int) -> str:
    """Return a time as the text that some records have."""
    return datetime.fromtimestamp(epoch_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_kontext(task: ImageTask) -> dict[str, Any]:
    found: dict[str, Any] = {"originImageUrl": task.original_url or task.urls[0]}
    put_url(found, "resultImageUrl", task.urls[0], task.image.picture_url)
    return found


_DEDICATED: dict[ProductName, _Dedicated] = {
    "gpt4o-image": _Dedicated(
        result=lambda task: {"resultUrls": contract.listed_urls(task.image, task.urls)},
        info=lambda task: {"result_urls": contract.listed_urls(task.image, task.urls)},
        failed_flag=2,
        succeeded_message="Gpt4o-image generated successfully.",
        has_status=True,
    ),
    "flux-kontext": _Dedicated(
        result=_of_kontext,
        info=_of_kontext,
        failed_flag=3,
        succeeded_message="BFL image generated successfully.",
        has_status=False,
    ),
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
