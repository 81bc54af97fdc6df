"""Progress of a live session, which takes minutes: each bad result as it comes, the rate, the speed and the time left.

On a terminal they are beside a progress bar; elsewhere a line says so every now and then.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.terminal import screen, visible
from harness.trace.events import RunBegan

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from harness.results.result import Result

LINE_EVERY_S = 30.0
"""Real seconds between two lines where there is no terminal."""
FEW = 3
"""From so many ended runs on their rate says something about the rest."""
MINUTE_S = 60


class LiveProgress:
    """What is known of a session's progress."""

    def __init__(self, whole: int, clock: Callable[[], float]) -> None:
        self._whole = whole
        self._clock = clock
        self._began_s = self._said_s = clock()
        self._ended = 0
        self._speed = ""

    def count(self, result: "Result") -> None:
        """Take note of a run that has ended."""
        self._ended += 1
        if result.journal is not None:
            began = result.journal.of(RunBegan)[0].event
            self._speed = "idle time skipped" if began.leaps else f"speed {began.speed or 1:.3g}"

    @property
    def pace(self) -> str:
        """Return the rate, the time left and the speed of the newest run, such as "12/min, 3 min left, speed 50"."""
        parts = []
        elapsed_s = self._clock() - self._began_s
        if self._ended >= FEW and elapsed_s > 0:
            rate = self._ended / elapsed_s
            parts += [f"{rate * MINUTE_S:.0f}/min", f"{_roughly((self._whole - self._ended) / rate)} left"]
        if self._speed:
            parts.append(self._speed)
        return ", ".join(parts)

    def line(self) -> str | None:
        """Return a line about the progress if it is time for one."""
        now_s = self._clock()
        if now_s - self._said_s < LINE_EVERY_S or self._ended == self._whole:
            return None
        self._said_s = now_s
        return f"{self._ended} of {self._whole} runs after {_roughly(now_s - self._began_s)}: {self.pace}"


def _roughly(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < MINUTE_S else f"{math.ceil(seconds / MINUTE_S)} min"


def result_line(result: "Result") -> "Text | None":
    """Return one line about a run with violated or inconclusive verdicts."""
    from rich.text import Text

    where = visible(f"{result.scenario}  {result.implementation}")
    if result.violated:
        return Text.assemble(("✗ ", "bold red"), where, ": ", (", ".join(result.violated), "red"))
    return Text.assemble(("? ", "yellow"), where, ": ", ("inconclusive", "yellow")) if result.unknown else None


@contextmanager
def live_progress(whole: int, what: str) -> "Iterator[tuple[Console, Callable[[Result], None]]]":
    """Yield the console of a live session's messages, on stderr, and a function for each result."""
    console = screen(stderr=True)
    known = LiveProgress(whole, console.get_time)
    with _bar(console, what, whole) as bar:

        def take(result: "Result") -> None:
            known.count(result)
            line = result_line(result)
            if line is not None:
                console.print(line, overflow="ellipsis", no_wrap=True)
            if bar is not None:
                bar.update(bar.task_ids[0], advance=1, pace=known.pace)
            elif (said := known.line()) is not None:
                console.print(said, style="dim", soft_wrap=True)

        yield console, take


@contextmanager
def _bar(console: "Console", what: str, whole: int) -> "Iterator[Any]":
    if not console.is_terminal or whole == 1:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    name = TextColumn("{task.description}", style="bold", markup=False, table_column=Column(no_wrap=True))
    bar = Progress(
        name,
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[pace]}", table_column=Column(no_wrap=True)),
        console=console,
        transient=True,
    )
    with bar:
        bar.add_task(what, total=whole, pace="")
        yield bar
