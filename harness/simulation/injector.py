"""Applies a scenario's faults at the fake's own end of the wire: before a connection stands, and to its exchanges."""

import asyncio
from collections.abc import Callable
from random import Random

from harness.faults import ConnectHarm, ExchangeHarm, Fault
from harness.faults.exchange import App, Exchange, Receive, Scope, Send
from harness.simulation.loop import START_S
from harness.simulation.network import Gate
from harness.simulation.notebook import Notebook


class Injector:
    """The faults of one scenario, and how often each of them has been met."""

    def __init__(self, faults: tuple[Fault, ...], notebook: Notebook, seed: int) -> None:
        self._faults = faults
        self._met = [0] * len(faults)
        self._note = notebook.note
        self._random = Random(f"faults {seed}")

    def around(self, app: App, link: Callable[[str], str]) -> App:
        """`app` with the faults on its exchanges."""
        if not any(isinstance(fault.harm, ExchangeHarm) for fault in self._faults):
            return app

        async def harmed(scope: Scope, receive: Receive, send: Send) -> None:
            observer = scope["state"].get("observer", False)
            fault = self._due(link(scope["path"]), scope["method"], scope["path"], observer)
            if fault is None:
                await app(scope, receive, send)
                return
            assert isinstance(fault.harm, ExchangeHarm)
            if not observer:
                self._note("fault", harm=fault.harm.name, link=fault.link)
            await fault.harm.on_exchange(Exchange(app, scope, receive, send, scope["state"]["wire"]))

        return harmed

    def gate(self, links: frozenset[str]) -> Gate | None:
        """What a connection to a host that serves `links` has to pass; None when no fault is about connections."""
        if not any(isinstance(fault.harm, ConnectHarm) and fault.link in links for fault in self._faults):
            return None

        async def pass_gate() -> None:
            for link in sorted(links):
                fault = self._due(link, None, None, False)
                if fault is not None:
                    assert isinstance(fault.harm, ConnectHarm)
                    self._note("fault", harm=fault.harm.name, link=link)
                    await fault.harm.on_connect()

        return pass_gate

    def _due(self, link: str, method: str | None, path: str | None, observer: bool) -> Fault | None:
        """The first fault that befalls this message. An observer's own look counts for no fault and meets only those
        that befall every message."""
        at_s = asyncio.get_running_loop().time() - START_S
        due: Fault | None = None
        for index, fault in enumerate(self._faults):
            in_window = fault.from_s <= at_s and (fault.until_s is None or at_s < fault.until_s)
            if not in_window or not self._matches(fault, link, method, path):
                continue
            if observer:
                every_time = fault.nth is None and fault.probability == 1.0
                hit = every_time
            else:
                self._met[index] += 1
                lucky = fault.probability < 1.0 and self._random.random() >= fault.probability
                hit = not lucky and fault.nth in (None, self._met[index])
            if hit and due is None:
                due = fault
        return due

    def _matches(self, fault: Fault, link: str, method: str | None, path: str | None) -> bool:
        if fault.link != link or isinstance(fault.harm, ConnectHarm) != (path is None):
            return False
        if path is None:
            return True
        return (fault.path is None or path.startswith(fault.path)) and fault.method in (None, method)
