"""The durable queue: a job for each unfinished track, its pending callbacks, and the worker that executes it.

The state of a job is in its row, so any process can continue it, also after a restart. The worker sleeps until the next
job is due or it is woken; without jobs it sleeps forever.
"""

import asyncio
import contextlib
import logging
import sqlite3
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextvars import copy_context
from dataclasses import astuple, dataclass, fields
from typing import Literal

from harness.strategies.pictures import FetchedPicture

JobStep = Literal["create-music", "await-music", "create-picture", "await-picture", "fall-back", "keep-audio"]
AFTER_THE_RESPONSE_S = 0.01
"""The delay of work that a callback starts, so that the callback's response is sent first."""
AFTER_A_CRASH_S = 60.0
AFTER_A_FAILED_STORE_S = 5.0
"""The delay before another attempt when the queue cannot be read or written."""
LEASE_S, RENEWED_EVERY_S = 30.0, 10.0
"""A lease keeps the workers of other instances, which read the same queue, from a job; it is renewed during a step."""
LEASE_RETRY_S = 1.0
"""The delay before another attempt to lease a job that another worker holds."""
JOB_S_MAX = 45 * 60.0
"""The time after the track's request at which missing results are given up."""


@dataclass(slots=True)
class Job:
    """The remaining work for a track. Times are epoch seconds."""

    track_id: str
    step: JobStep
    due_s: float
    began_s: float
    step_began_s: float
    tries: int = 0
    requested_s: float | None = None
    """When a creation was requested whose response is missing; the provider may have accepted it."""
    orders: int = 0
    """How many creations of this step were paid for, or may have been."""
    image_task_id: str | None = None
    cover_url: str | None = None
    cover_fetches: int = 0
    reason: str | None = None
    """Why there is no 2K picture yet."""
    version: int = 0
    """The number of times it was saved, for optimistic locking."""

    def begin(self, step: JobStep, due_s: float) -> None:
        """Change to another step."""
        self.step, self.due_s, self.step_began_s = step, due_s, time.time()
        self.tries, self.requested_s = 0, None

    def is_late(self, within_s: float = JOB_S_MAX) -> bool:
        """Return whether the step has taken longer than `within_s`, or the whole job longer than JOB_S_MAX."""
        return time.time() > min(self.step_began_s + within_s, self.began_s + JOB_S_MAX)


COLUMNS = [field.name for field in fields(Job)]


@dataclass(frozen=True, slots=True)
class QueuedDelivery:
    """An acknowledged callback: its task and its unverified contents."""

    track_id: str
    provider: str
    task_id: str
    received_s: float
    state: str
    audio_url: str | None = None
    image_url: str | None = None
    """The URL of the cover (music callback) or of the picture (image callback)."""


class OvertakenError(Exception):
    """Another worker has continued the job, because this one was frozen for longer than its lease."""


class JobQueue:
    """The tables `jobs`, `deliveries`, `pictures` and `recordings` beside the tracks."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.execute(f"CREATE TABLE IF NOT EXISTS jobs ({', '.join(COLUMNS)}, PRIMARY KEY (track_id))")
        db.execute(
            "CREATE TABLE IF NOT EXISTS deliveries (track_id, provider, task_id, received_s, state,"
            " audio_url, image_url, PRIMARY KEY (track_id, provider, task_id, state))"
        )
        db.execute("CREATE TABLE IF NOT EXISTS leases (track_id PRIMARY KEY, holder, until_s)")
        db.execute("CREATE TABLE IF NOT EXISTS pictures (track_id PRIMARY KEY, format, width, height, content BLOB)")
        db.execute("CREATE TABLE IF NOT EXISTS recordings (track_id PRIMARY KEY, content BLOB)")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Execute a block as one transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def save(self, job: Job) -> None:
        """Save a job. Raise OvertakenError if another worker has saved it since it was read.

        A lease alone does not suffice: an instance frozen in the middle of a step resumes it after the lease expired.
        """
        before, job.version = job.version, job.version + 1
        values = [getattr(job, name) for name in COLUMNS]
        if before == 0:
            self._db.execute(f"INSERT INTO jobs VALUES ({', '.join('?' * len(COLUMNS))})", values)
            return
        changes = ", ".join(f"{name} = ?" for name in COLUMNS)
        saved = self._db.execute(
            f"UPDATE jobs SET {changes} WHERE track_id = ? AND version = ?", [*values, job.track_id, before]
        )
        if saved.rowcount == 0:
            raise OvertakenError(job.track_id)

    def put_off(self, job: Job, due_s: float) -> None:
        """Save the job with the time of its next step."""
        job.due_s = due_s
        self.save(job)

    def remove(self, job: Job) -> None:
        """Delete a finished job and its deliveries. Raise OvertakenError as `save` does."""
        removed = self._db.execute("DELETE FROM jobs WHERE track_id = ? AND version = ?", (job.track_id, job.version))
        if removed.rowcount == 0:
            raise OvertakenError(job.track_id)
        self._db.execute("DELETE FROM deliveries WHERE track_id = ?", (job.track_id,))

    def forget(self, track_id: str) -> None:
        """Delete everything about a track, whatever its job is doing."""
        for table in ("jobs", "deliveries", "pictures"):
            self._db.execute(f"DELETE FROM {table} WHERE track_id = ?", (track_id,))

    def due(self) -> list[tuple[str, float]]:
        """Return the tracks that have a job and when it is due, the earliest first."""
        rows = self._db.execute("SELECT track_id, due_s FROM jobs ORDER BY due_s, track_id")
        return [(track_id, due_s) for track_id, due_s in rows]

    def job(self, track_id: str) -> Job | None:
        row = self._db.execute("SELECT * FROM jobs WHERE track_id = ?", (track_id,)).fetchone()
        return None if row is None else Job(*row)

    def lease(self, track_id: str, holder: str) -> bool:
        """Lease a job to a worker and return whether that succeeded. The statement is atomic, so of two workers that
        try at the same time one succeeds."""
        now_s = time.time()
        taken = self._db.execute(
            "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT (track_id) DO UPDATE"
            " SET holder = excluded.holder, until_s = excluded.until_s WHERE until_s <= ? OR holder = excluded.holder",
            (track_id, holder, now_s + LEASE_S, now_s),
        )
        return taken.rowcount == 1

    def release(self, track_id: str, holder: str) -> None:
        self._db.execute("DELETE FROM leases WHERE track_id = ? AND holder = ?", (track_id, holder))

    def receive(self, delivery: QueuedDelivery) -> None:
        self._db.execute("INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?)", astuple(delivery))

    def deliveries(self, track_id: str, provider: str) -> list[QueuedDelivery]:
        sql = "SELECT * FROM deliveries WHERE track_id = ? AND provider = ? ORDER BY received_s, rowid"
        return [QueuedDelivery(*row) for row in self._db.execute(sql, (track_id, provider))]

    def keep_picture(self, track_id: str, picture: FetchedPicture) -> None:
        """Store a picture of a track; it replaces an earlier one."""
        values = (track_id, picture.format, picture.width, picture.height, picture.content)
        self._db.execute("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?)", values)

    def picture(self, track_id: str) -> FetchedPicture | None:
        sql = "SELECT content, format, width, height FROM pictures WHERE track_id = ?"
        row = self._db.execute(sql, (track_id,)).fetchone()
        return None if row is None else FetchedPicture(*row)

    def keep_recording(self, track_id: str, content: bytes) -> None:
        """Store the audio of a track."""
        self._db.execute("INSERT OR REPLACE INTO recordings VALUES (?, ?)", (track_id, content))

    def recording(self, track_id: str) -> bytes | None:
        row = self._db.execute("SELECT content FROM recordings WHERE track_id = ?", (track_id,)).fetchone()
        return None if row is None else bytes(row[0])


class Worker:
    """Executes the due step of each job: different jobs concurrently, the steps of one job one at a time."""

    def __init__(self, queue: JobQueue, advance: Callable[[Job], Awaitable[None]], log: logging.Logger) -> None:
        self._queue = queue
        self._advance = advance
        self._log = log
        self._wake = asyncio.Event()
        self._nudged: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._context = copy_context()
        self._name = str(uuid.uuid4())

    def nudge(self, track_id: str, after_s: float = AFTER_THE_RESPONSE_S) -> None:
        """Make the job due after `after_s`, whatever its row says."""
        self._nudged.setdefault(track_id, time.time() + after_s)
        self._wake.set()

    async def run(self) -> None:
        """Work until the application stops."""
        while True:
            self._wake.clear()
            due_s = self._start_or_try_again()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), None if due_s is None else max(0.0, due_s - time.time()))

    def lease(self, track_id: str) -> bool:
        """Lease a job to this worker and return whether that succeeded."""
        return self._queue.lease(track_id, self._name)

    def begin(self, job: Job) -> "asyncio.Task[None]":
        """Start a step of a leased job as a task, which outlives the request that started it."""
        task = asyncio.get_running_loop().create_task(self._step(job), context=self._context)
        self._running[job.track_id] = task
        return task

    async def run_until_idle(self, longest_s: float) -> None:
        """Return when nothing is running and nothing is due, or after `longest_s`."""
        until_s = time.time() + longest_s
        while (left_s := until_s - time.time()) > 0:
            due_s = self._start_or_try_again()
            if self._running:
                await asyncio.wait(set(self._running.values()), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            elif due_s is None or due_s > until_s:
                return
            else:
                await asyncio.sleep(min(left_s, max(0.0, due_s - time.time())))

    def _start_or_try_again(self) -> float | None:
        """Start the steps that are due, and return when the next one will be; soon if the store fails."""
        try:
            return self._start_what_is_due()
        except sqlite3.Error:
            self._log.exception("the queue cannot be read or written")
            return time.time() + AFTER_A_FAILED_STORE_S

    def _start_what_is_due(self) -> float | None:
        """Start the steps that are due, and return when the next one will be."""
        now_s, next_s = time.time(), None
        for track_id, due_s in self._queue.due():
            if track_id in self._running:
                continue
            due_s = min(due_s, self._nudged.get(track_id, due_s))
            if due_s <= now_s and not self.lease(track_id):
                due_s = now_s + LEASE_RETRY_S
            if due_s <= now_s:
                self._nudged.pop(track_id, None)
                job = self._queue.job(track_id)  # read now: another worker may have executed a step in between
                if job is not None:
                    self.begin(job)
                else:
                    self._queue.release(track_id, self._name)
            elif next_s is None or due_s < next_s:
                next_s = due_s
        return next_s

    def _renew(self, track_id: str) -> None:
        """Renew the lease of a job until its step has ended."""
        if track_id in self._running:
            with contextlib.suppress(sqlite3.Error):
                self.lease(track_id)
            asyncio.get_running_loop().call_later(RENEWED_EVERY_S, self._renew, track_id)

    async def _step(self, job: Job) -> None:
        renewal = asyncio.get_running_loop().call_later(RENEWED_EVERY_S, self._renew, job.track_id)
        try:
            await self._advance(job)
        except OvertakenError:
            self._log.warning("another instance has gone on with track %s", job.track_id)
        except Exception:
            self._log.exception("the step %s of track %s broke off", job.step, job.track_id)
            with contextlib.suppress(OvertakenError, sqlite3.Error):
                self._queue.put_off(job, time.time() + AFTER_A_CRASH_S)
        finally:
            renewal.cancel()
            with contextlib.suppress(sqlite3.Error):  # the lease expires by itself
                self._queue.release(job.track_id, self._name)
            del self._running[job.track_id]
            self._wake.set()
