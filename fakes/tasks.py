"""What both providers' generations share: ids, their entry in a script, records, the rate window, credits, scheduled
work."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from random import Random
from typing import Any, Generic, NamedTuple, TypeVar

from harness.fakes.script import TaskIdShape

RATE_WINDOW_S = 10.0
TASKS_KEPT = 2_000
"""How many tasks that are over a provider knows if it is served without an end. Real ones forget after days."""
ScriptEntry = TypeVar("ScriptEntry")
Task = TypeVar("Task")


def task_id(random: Random, shape: TaskIdShape = "hex") -> str:
    """Return an id of this shape, made of 128 random bits."""
    return _TASK_IDS[shape](random.getrandbits(128))


def random_uuid(bits: int) -> str:
    """Return 128 random bits as a random UUID, as RFC 9562 writes it."""
    digits = f"{bits & _FREE_BITS | _VERSION_4:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_TASK_IDS: dict[TaskIdShape, Callable[[int], str]] = {
    "hex": "{:032x}".format,
    "uuid": random_uuid,
    "prefixed": "task_{:032x}".format,
}
_VERSION_4 = 4 << 76 | 0b10 << 62
_FREE_BITS = (1 << 128) - 1 & ~(0b1111 << 76 | 0b11 << 62)


def in_full_seconds(epoch_ms: int) -> int:
    """Return a time in milliseconds without its fraction of a second, as the providers report some of theirs."""
    return epoch_ms // 1000 * 1000


def below(random: Random, bound: int) -> int:
    """Return what `random.randrange(bound)` returns, three times as fast."""
    bits = bound.bit_length()
    drawn = random.getrandbits(bits)
    while drawn >= bound:
        drawn = random.getrandbits(bits)
    return drawn


def turn(entries: Sequence[ScriptEntry], index: int) -> ScriptEntry:
    """Return the script's entry for the task with this index (from 0); the last one applies to all later tasks."""
    return entries[min(index, len(entries) - 1)]


class UnreachedEntry(NamedTuple):
    """An entry of a script that says more than that all is well, and that no create request has reached."""

    of: str
    """The list in the scenario file."""
    number: int
    """From 1."""
    entry: Any
    requests: int
    """How many create requests have come."""


def unreached_entries(of: str, entries: Sequence[Any], requests: int) -> list[UnreachedEntry]:
    """Return the entries after the last one that `requests` create requests have used; healthy ones are none."""
    later = enumerate(entries[requests:], start=requests + 1)
    return [UnreachedEntry(of, number, entry, requests) for number, entry in later if entry != type(entry)()]


def unreached_entry(of: str, entry: Any, requests: int) -> list[UnreachedEntry]:
    """Return the only entry of its kind if no create request has used it; a healthy one is none."""
    return [UnreachedEntry(of, 1, entry, requests)] if requests == 0 and entry != type(entry)() else []


class TaskRecords(Generic[Task]):
    """A provider's tasks by id: all that are in progress, and of those that are over the newest `kept`."""

    __slots__ = ("_by_id", "_kept", "_over", "count")

    def __init__(self, kept: int | None = None) -> None:
        """`kept` is None for a provider that forgets no task."""
        self._kept = kept
        self._by_id: dict[str, Task] = {}
        self._over: deque[str] = deque()
        self.count = 0
        """How many tasks there have been."""

    def add(self, task_id: str, task: Task) -> None:
        """Remember a task that begins."""
        self.count += 1
        self._by_id[task_id] = task

    def get(self, task_id: str) -> Task | None:
        """Return a task; None for an id that is unknown or forgotten."""
        return self._by_id.get(task_id)

    def __iter__(self) -> Iterator[Task]:
        """Iterate over the tasks that are remembered."""
        return iter(self._by_id.values())

    def retire(self, task_id: str) -> None:
        """Let a task be forgotten, now that it has no step left, once `kept` later ones have none."""
        if self._kept is None:
            return
        self._over.append(task_id)
        if len(self._over) > self._kept:
            del self._by_id[self._over.popleft()]


class RateWindow:
    """A sliding window: at most `allowed` events in any `window_s` seconds. Refused ones do not count."""

    __slots__ = ("_at_s", "allowed", "window_s")

    def __init__(self, allowed: int, window_s: float = RATE_WINDOW_S) -> None:
        self.allowed = allowed
        self.window_s = window_s
        self._at_s: deque[float] = deque()

    def admits(self, now_s: float) -> bool:
        """Return whether one more event is allowed at `now_s`; if so, count it."""
        while self._at_s and self._at_s[0] <= now_s - self.window_s:
            self._at_s.popleft()
        if len(self._at_s) >= self.allowed:
            return False
        self._at_s.append(now_s)
        return True


BALANCE = 1_000
"""The credits of an account about which the script says nothing."""
BALANCE_FOR_A_TRACK = 100
"""Credits that cover a track's music and several attempts at its picture."""


def balance_for(tracks: int) -> int:
    """Return the credits of an account about which the script says nothing: they do not run out by themselves."""
    return max(BALANCE, BALANCE_FOR_A_TRACK * tracks)


class Credits:
    """The balance of one account, which several fakes may share, and the remaining quota of its key."""

    __slots__ = ("balance", "quota")

    def __init__(self, balance: int, quota: int | None = None) -> None:
        self.balance = balance
        self.quota = quota
        """None: the key may spend the whole balance."""

    def change(self, change: int) -> None:
        """Charge (negative) or refund (positive)."""
        self.balance += change
        if self.quota is not None:
            self.quota += change


class Chores:
    """Background work, kept alive until it is done.

    `start` and `at` are called from within a request's handler, so that the work inherits the handler's context
    variables.
    """

    __slots__ = ("_appointments", "_count", "_running")

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._appointments: dict[int, asyncio.TimerHandle] = {}
        self._count = 0

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run `work` concurrently with the handler."""
        chore = asyncio.get_running_loop().create_task(work)
        self._running.add(chore)
        chore.add_done_callback(self._running.discard)

    def at(self, moment_s: float, work: Callable[..., None], *given: Any) -> None:
        """Call `work(*given)` when the loop's clock reaches `moment_s`; never early. It costs less than a task."""
        self._count += 1
        loop = asyncio.get_running_loop()
        self._appointments[self._count] = loop.call_at(moment_s, come_due, self, self._count, work, given)

    def begin(self, appointment: int) -> None:
        """Drop a timer whose work is done."""
        del self._appointments[appointment]

    @property
    def busy(self) -> bool:
        """Return whether anything is still running or scheduled."""
        return bool(self._running or self._appointments)

    async def cancel(self) -> None:
        """Cancel what is still running or scheduled."""
        for timer in self._appointments.values():
            timer.cancel()
        self._appointments.clear()
        running = list(self._running)
        for chore in running:
            chore.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def come_due(chores: Chores, appointment: int, work: Callable[..., None], given: tuple[Any, ...]) -> None:
    """Run the work of a timer that is due; called by the loop."""
    chores.begin(appointment)
    work(*given)


async def sleep_until(moment_s: float) -> None:
    """Wait until the loop's clock shows at least `moment_s`; never early."""
    loop = asyncio.get_running_loop()
    remaining_s = moment_s - loop.time()
    if remaining_s > 0:
        await asyncio.sleep(remaining_s)
