"""Idempotent orders: paid requests to a provider that are not repeated if a response is lost.

A creation whose response was lost may have been accepted, so it is not simply repeated: the callback URL contains the
track's id, and the first callback with an unknown task has the id of the lost response. The request is only repeated
if there is no such callback.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from harness.strategies.job_queue import Job, JobQueue
from harness.strategies.parsing import ApiResponse

CREATION_WITHIN_S = 16 * 60.0
"""How long a temporarily rejected creation is retried: longer than an outage of ten minutes."""
UNCLEAR_S = 5 * 60.0
"""How long to wait for the callback of a creation whose response was lost."""
WAIT_S_MAX = 60.0
FINAL_CODES = frozenset({400, 401, 402, 404, 405, 409, 413, 422, 433, 451, 505})
"""Rejections that are permanent: content, key, credits, validation. The others may be temporary."""
FINAL_TRIES_MAX = 1
"""They are retried once nevertheless: it costs nothing, and gateways can be wrong."""
CREATIONS_MAX, CREATIONS_WINDOW_S = 18, 10.0
"""Two below the documented 20 creations per 10 s, because clocks differ."""


class RefusedError(Exception):
    """The order was given up; the message is the reason."""


class RateLimit:
    """The provider's limit of creations per time."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._not_before_s = 0.0

    async def wait(self) -> None:
        """Wait until the limit permits another creation."""
        while True:
            now_s = time.time()
            while self._recent and self._recent[0] <= now_s - CREATIONS_WINDOW_S:
                self._recent.popleft()
            free_s = self._recent[0] + CREATIONS_WINDOW_S if len(self._recent) >= CREATIONS_MAX else now_s
            free_s = max(free_s, self._not_before_s)
            if free_s <= now_s:
                self._recent.append(now_s)
                return
            await asyncio.sleep(free_s - now_s + 0.001)

    def hold(self, seconds: float) -> None:
        """Delay every creation, as the provider requested."""
        self._not_before_s = max(self._not_before_s, time.time() + seconds)


class Orders:
    """Places the orders of jobs with one provider."""

    def __init__(self, queue: JobQueue, provider: str, thing: str) -> None:
        """`thing` is the name of what is ordered, for messages: "the music"."""
        self._queue = queue
        self._provider = provider
        self._thing = thing
        self._rate_limit = RateLimit()

    async def place(
        self, job: Job, request: Callable[[], Awaitable[ApiResponse]], most: int | None = None
    ) -> str | None:
        """Return the id of the ordered task, or None if the job was put off because there is none yet.

        Raise RefusedError if the provider refused for too long, or if `most` orders may already have been paid for.
        """
        task_id = self._adopted(job)
        if task_id is not None:
            return task_id
        if job.requested_s is not None and time.time() < job.requested_s + UNCLEAR_S:
            self._queue.put_off(job, job.requested_s + UNCLEAR_S)
            return None
        if time.time() < job.due_s:  # a callback woke the job, which does not shorten the wait after a refusal
            self._queue.put_off(job, job.due_s)
            return None
        if job.is_late(CREATION_WITHIN_S) or (most is not None and job.orders >= most):
            raise RefusedError(job.reason or f"{self._thing} could not be ordered")
        await self._rate_limit.wait()
        job.requested_s = time.time()
        job.orders += 1
        self._queue.save(job)  # before the request, so that the row shows that it may have been sent
        response = await request()
        task_id = response.task_id or self._adopted(job)
        if task_id is None:
            self._retry_later(job, response)
        return task_id

    def _adopted(self, job: Job) -> str | None:
        """Return the task of an order whose response was lost: the unknown one in its first callback."""
        if job.requested_s is None:
            return None
        received = self._queue.deliveries(job.track_id, self._provider)
        known = job.image_task_id  # the failed generation before this one
        return next((d.task_id for d in received if d.received_s >= job.requested_s and d.task_id != known), None)

    def _retry_later(self, job: Job, response: ApiResponse) -> None:
        """Handle a response without a task id."""
        job.reason = f"{self._thing} was refused: {response.problem or 'no taskId'}"
        if response.unclear:
            self._queue.put_off(job, (job.requested_s or time.time()) + UNCLEAR_S)
            return
        job.requested_s = None
        job.orders -= 1
        job.tries += 1
        if response.code in FINAL_CODES and job.tries > FINAL_TRIES_MAX:
            raise RefusedError(job.reason)
        wait_s = response.retry_after_s or min(5.0 * 2**job.tries, WAIT_S_MAX)
        if response.retry_after_s is not None:
            self._rate_limit.hold(wait_s)
        self._queue.put_off(job, time.time() + wait_s)
