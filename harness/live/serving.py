"""The fakes alone on ports, for a developer with their own application and debugger.

Nothing is started and nothing is judged: the developer's application is pointed at the fakes by its environment, and
each exchange and each attempt to deliver a callback is told as it happens.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Mapping
from typing import Any

from fakes.delivery import Callback
from fakes.post import post
from harness.journal import Entry, Journal
from harness.live.callbacks import recorded
from harness.live.clock import LiveLoop, wall_clock
from harness.live.providers import LOOPBACK, Providers
from harness.scenario import Scenario
from harness.simulation.beginning import beginning
from harness.simulation.hosts import APPLICATION_HOST, KIE_HOST
from harness.simulation.notebook import Notebook

OnEntry = Callable[[Entry], None]
"""Hears of everything that goes into the journal, as it happens."""


class _TellingNotebook(Notebook):
    """Tells of each entry when it is written."""

    __slots__ = ("_tell",)

    def __init__(self, loop: LiveLoop, journal: Journal, tell: OnEntry) -> None:
        super().__init__(loop, journal)
        self._tell = tell

    def note(self, kind: str, cause: int | None = None, /, **facts: Any) -> int:
        number = super().note(kind, cause, **facts)
        if number:
            self._tell(self.journal[number])
        return number


class Serving:
    """The fakes of one scenario, served until somebody stops them."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        *,
        speed: float = 1.0,
        api_key: str = "test-key",
        signing_key: str | None = None,
        on_entry: OnEntry = lambda entry: None,
    ) -> None:
        self.scenario = scenario
        self.seed = seed
        self.api_key = api_key
        self.signing_key = signing_key if scenario.signing else None
        self.journal = Journal()
        self.loop = LiveLoop(speed)
        self._notebook = _TellingNotebook(self.loop, self.journal, on_entry)
        self._over: asyncio.Future[None] | None = None
        self._last: Entry | None = None
        self.providers = Providers(
            scenario,
            seed,
            self._notebook,
            api_key=api_key,
            signing_key=self.signing_key,
            elapsed_s=lambda: self.loop.elapsed_s,
            post=recorded(self._notebook, KIE_HOST, APPLICATION_HOST, post),
        )

    def environment(self) -> dict[str, str]:
        """What the application needs to reach the fakes; known once they listen."""
        known = {
            "SUNO_BASE_URL": self.providers.url("suno"),
            "SUNO_API_KEY": self.api_key,
            "KIE_BASE_URL": self.providers.url("kie"),
            "KIE_API_KEY": self.api_key,
        }
        return known if self.signing_key is None else {**known, "WEBHOOK_SIGNING_KEY": self.signing_key}

    def run(self, ports: Mapping[str, int], on_ready: Callable[[], None]) -> Journal:
        """Serves until `stop` is called or the process is interrupted. Raises OSError when a port is taken."""
        try:
            with wall_clock(self.loop), contextlib.suppress(KeyboardInterrupt):
                self.loop.run_until_complete(self._serve(ports, on_ready))
        finally:
            self._notebook.note("run.ended", 0, ending="stopped", unanswered=[], waiting=[])
            self._notebook.closed = True
            self.providers.close()
            with contextlib.suppress(Exception):
                self.loop.run_until_complete(self.providers.finish())
            self.loop.hang_up()
            self.loop.close()
        return self.journal

    async def _serve(self, ports: Mapping[str, int], on_ready: Callable[[], None]) -> None:
        self._over = self.loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ValueError, RuntimeError):  # only a main thread hears of signals
                self.loop.add_signal_handler(number, self.stop)
        await self.providers.listen(ports)
        self.loop.begin()
        secrets = (self.api_key, self.signing_key)
        facts = beginning(self.scenario, "(served)", self.seed, secrets, files_at=[LOOPBACK])
        unasked: dict[str, Any] = {"tracks": 0, "limit_s": None, "freezes": False, "impossible": {}}
        self._notebook.note("run.began", 0, world="live", speed=self.loop.speed, **(facts | unasked))
        on_ready()
        await self._over

    def stop(self) -> None:
        """Ends `run`."""
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def deliver_again(self) -> bool:
        """Sends the newest callback once more, as a provider may at any time; whether there is one."""
        attempts = [entry.facts for entry in self.journal.of("callback.attempt") if entry.facts["genuine"]]
        if not attempts:
            return False
        newest = attempts[-1]
        fake = self.providers.gateway.suno if newest["provider"] == "suno" else self.providers.gateway.kie
        callback = Callback(newest["url"], newest["task_id"], newest["callback"], newest["body"])
        fake.state.fake.courier.send(callback)
        return True
