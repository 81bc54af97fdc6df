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
    """The order is given up; the message says why."""


class Pace:
    """When the next creation may be asked of a provider."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._not_before_s = 0.0

    async def turn(self) -> None:
        """Waits for room in the provider's window."""
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
    """Places a job's orders with one provider."""

    def __init__(self, queue: JobQueue, provider: str, thing: str) -> None:
        """`thing` is what is ordered, as a sentence calls it."""
        self._queue = queue
        self._provider = provider
        self._thing = thing
        self._pace = Pace()

    async def place(self, job: Job, ask: Callable[[], Awaitable[ApiResponse]], most: int | None = None) -> str | None:
        """The ordered task's id; None when the job has to come back later, which it is then put off for.

        Raises RefusedError when the provider goes on refusing, or when `most` orders may have been paid for.
        """
        task_id = self._adopted(job)
        if task_id is not None:
            return task_id
        if job.requested_s is not None and time.time() < job.requested_s + UNCLEAR_S:
            self._queue.put_off(job, job.requested_s + UNCLEAR_S)
            return None
        if time.time() < job.due_s:  # some callback has come, and does not shorten what a refusal made it wait
            self._queue.put_off(job, job.due_s)
            return None
        if job.is_late(CREATION_WITHIN_S) or (most is not None and job.orders >= most):
            raise RefusedError(job.reason or f"{self._thing} could not be ordered")
        await self._pace.turn()
        job.requested_s = time.time()
        job.orders += 1
        self._queue.save(job)  # before the request, so that the row shows that it may have been sent
        answer = await ask()
        task_id = answer.task_id or self._adopted(job)
        if task_id is None:
            self._ask_again_later(job, answer)
        return task_id

    def _adopted(self, job: Job) -> str | None:
        """The task of an order whose answer was not seen, as its first callback names it."""
        if job.requested_s is None:
            return None
        received = self._queue.deliveries(job.track_id, self._provider)
        known = job.image_task_id  # the failed generation before this one
        return next((d.task_id for d in received if d.received_s >= job.requested_s and d.task_id != known), None)

    def _ask_again_later(self, job: Job, answer: ApiResponse) -> None:
        """Handle a response without a task id."""
        job.reason = f"{self._thing} was refused: {answer.problem or 'no taskId'}"
        if answer.unclear:
            self._queue.put_off(job, (job.requested_s or time.time()) + UNCLEAR_S)
            return
        job.requested_s = None
        job.orders -= 1
        job.tries += 1
        if answer.code in FINAL_CODES and job.tries > FINAL_TRIES_MAX:
            raise RefusedError(job.reason)
        wait_s = answer.retry_after_s or min(5.0 * 2**job.tries, WAIT_S_MAX)
        if answer.retry_after_s is not None:
            self._pace.hold(wait_s)
        self._queue.put_off(job, time.time() + wait_s)
