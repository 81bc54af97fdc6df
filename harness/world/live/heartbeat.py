"""Measures by how much this process is late, by a timer that is due every few milliseconds."""

import asyncio

from harness.world.live.event_loop import LiveLoop
from harness.world.live.timing_uncertainty import BEAT_REAL_S, Late

LATE_S_MIN = 0.1
"""Scenario seconds of lateness that are worth recording."""


class Heartbeat:
    """Beats from its start until it is stopped. A timer's callback costs a third of a task that sleeps."""

    def __init__(self, loop: LiveLoop) -> None:
        self._loop = loop
        self._pause_s = BEAT_REAL_S * loop.speed
        self._next: asyncio.TimerHandle | None = None
        self.late: list[Late] = []

    def start(self) -> None:
        due_s = self._loop.time() + self._pause_s
        self._next = self._loop.call_at(due_s, self._beat, due_s)

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def _beat(self, due_s: float) -> None:
        late_s = self._loop.time() - due_s
        if late_s > LATE_S_MIN:
            self.late.append((self._loop.elapsed_s, late_s))
        self.start()
