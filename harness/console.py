"""The terminal: where reports meet a screen, a pipe, or a reader without colours."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress

PIPED_COLUMNS = 100


def screen(*, stderr: bool = False) -> "Console":
    """A console on stdout (data) or stderr (messages); NO_COLOR, FORCE_COLOR, COLUMNS and TERM=dumb are honoured."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    piped = not stream.isatty() and "COLUMNS" not in os.environ
    width = PIPED_COLUMNS if piped else None
    return Console(stderr=stderr, width=width, highlight=False, soft_wrap=False, emoji=False)


def show(*parts: "RenderableType") -> None:
    """Prints reports to stdout."""
    console = screen()
    for part in parts:
        console.print(part)


def complain(message: str) -> None:
    """Prints an error message to stderr."""
    from rich.text import Text

    screen(stderr=True).print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)


@contextmanager
def progress(total: int, what: str, *, quiet: bool = False) -> "Iterator[Progress | None]":
    """A progress bar on stderr while something works; nothing where nobody watches."""
    console = screen(stderr=True)
    if quiet or not console.is_terminal or total < 2:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bar:
        bar.add_task(what, total=total)
        yield bar
