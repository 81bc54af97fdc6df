"""Restarts of the application's instances: at times of the scenario, or after something has happened."""

from collections.abc import Callable

from harness.scenario.platform import RestartAfter, RestartEvent
from harness.trace.events import CallbackAnswered, CallbackAttempt, Event, TaskCreated

ORDERS: dict[str, RestartEvent] = {"music": "music-ordered", "image": "picture-ordered"}
CALLBACKS: dict[str, RestartEvent] = {
    "first": "first-callback",
    "complete": "complete-callback",
    "image": "image-callback",
}


class EventRestarts:
    """Watches what is recorded, and restarts some time after each of the given events has happened for the first
    time."""

    def __init__(self, restarts: tuple[float | RestartAfter, ...], restart_in: Callable[[float], None]) -> None:
        """`restart_in` is called with the seconds until a restart."""
        self._waiting = [restart for restart in restarts if isinstance(restart, RestartAfter)]
        self._restart_in = restart_in
        self._deliveries: dict[tuple[str, str], str] = {}

    @property
    def is_needed(self) -> bool:
        return bool(self._waiting)

    def see(self, event: Event) -> None:
        """Take note of an event."""
        happened: RestartEvent | None = None
        if isinstance(event, TaskCreated):
            happened = ORDERS.get(event.what)
        elif isinstance(event, CallbackAttempt) and event.genuine:
            self._deliveries[event.provider, event.delivery] = event.callback
        elif isinstance(event, CallbackAnswered):
            happened = CALLBACKS.get(self._deliveries.get((event.provider, event.delivery), ""))
        if happened is None:
            return
        due = [restart for restart in self._waiting if restart.event == happened]
        self._waiting = [restart for restart in self._waiting if restart.event != happened]
        for restart in due:
            self._restart_in(restart.delay_s)
