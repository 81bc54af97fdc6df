"""The one fault of the store that a live application with an SQLite file can have: another process holds its lock.

The statements of the application's own database library are out of reach. But the harness may be that other process,
for the window of a rule.
"""

import asyncio
from collections.abc import Sequence

from harness.faults.rule import FaultRule
from harness.faults.stores import StoreLocked
from harness.stores.polling import Store
from harness.stores.sqlite_file import SqliteStore
from harness.trace.events import FaultTriggered
from harness.world.journal_writer import JournalWriter
from harness.world.live.event_loop import LiveLoop

RETRY_S = 0.01


def can_lock(rules: Sequence[FaultRule], store: Store) -> bool:
    """Return whether each rule is a lock on an SQLite file for a window of time, whatever is written meanwhile."""
    return isinstance(store, SqliteStore) and all(_is_plain(rule) for rule in rules)


def _is_plain(rule: FaultRule) -> bool:
    selects = (rule.path, rule.method, rule.containing, rule.nth)
    anything = all(each is None for each in selects) and rule.probability == 1.0
    return isinstance(rule.fault, StoreLocked) and rule.until_s is not None and anything


async def hold_lock(rule: FaultRule, store: SqliteStore, loop: LiveLoop, writer: JournalWriter) -> None:
    """Hold the lock from the beginning to the end of the rule's window; wait for the application to let go of it."""
    assert rule.until_s is not None
    await asyncio.sleep(max(0.0, rule.from_s - loop.elapsed_s))
    while not store.lock():
        if loop.elapsed_s >= rule.until_s:
            return
        await asyncio.sleep(RETRY_S)
    try:
        writer.record(FaultTriggered(harm=rule.fault.name, link=rule.link), 0)
        await asyncio.sleep(max(0.0, rule.until_s - loop.elapsed_s))
    finally:
        store.unlock()
