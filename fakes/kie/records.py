"""The records of picture tasks: one task, and how recordInfo and the callback tell of it."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from fakes.kie import contract
from fakes.script import Image

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
    """Width and height in pixels that were asked for."""
    count: int
    """Pictures asked for."""
    began_s: float
    created_ms: int
    takes_s: float
    urls: list[str] = field(default_factory=list)
    failure: tuple[int, str] | None = None
    ended_ms: int | None = None

    @property
    def price(self) -> int:
        """Credits for all its pictures."""
        return contract.PRICE_CREDITS * self.count

    @property
    def callback_url(self) -> str | None:
        """Where its callback goes, if one was asked for."""
        url: str | None = self.request.get("callBackUrl")
        return url


def job_record(task: ImageTask, now_s: float, now_ms: int) -> dict[str, Any] | None:
    """Return recordInfo's `data`. Times are epoch milliseconds, costTime is seconds as live answers have it."""
    data: dict[str, Any] = {
        "taskId": task.task_id,
        "model": task.request["model"],
        "state": contract.state(now_s - task.began_s, task.takes_s),
        "param": json.dumps(task.request, ensure_ascii=False),
        "resultJson": None,
        "failCode": None,
        "failMsg": None,
        "costTime": None,
        "completeTime": None,
        "createTime": task.created_ms,
        "updateTime": task.ended_ms or now_ms,
        "creditsConsumed": task.price,
        "response": None,
    }
    if task.ended_ms is None:
        return data
    _put_end(data, task)
    if task.failure is not None:
        data["creditsConsumed"] = 0
        return data
    data["response"] = contract.job_result(task.image, task.urls)
    return contract.around_result(task.image, data)


def job_callback(task: ImageTask, remained_credits: int) -> dict[str, Any]:
    """Return the body sent to callBackUrl when a task has ended: the query's shape, with the account's balance."""
    data: dict[str, Any] = {
        "taskId": task.task_id,
        "model": task.request["model"],
        "state": None,
        "param": json.dumps(task.request, ensure_ascii=False),
        "resultJson": None,
        "consumeCredits": task.price if task.failure is None else 0,
        "remainedCredits": remained_credits,
        "costTime": None,
        "createTime": task.created_ms,
        "completeTime": None,
        "updateTime": task.ended_ms,
    }
    _put_end(data, task)
    if task.failure is not None:
        message = task.failure[1]
        return {"code": contract.FAILED_CALLBACK_CODE, "msg": message, "data": data}
    return {"code": 200, "msg": contract.SUCCEEDED_MESSAGE, "data": contract.around_result(task.image, data)}


def _put_end(data: dict[str, Any], task: ImageTask) -> None:
    """Fill in what an ended task has more than a running one."""
    assert task.ended_ms is not None
    data["completeTime"] = task.ended_ms
    data["costTime"] = (task.ended_ms - task.created_ms) // 1000
    if task.failure is not None:
        code, message = task.failure
        data |= {"state": "fail", "failCode": str(code), "failMsg": message}
    else:
        data["state"] = "success"
        data["resultJson"] = contract.result_text(task.image, contract.job_result(task.image, task.urls))
