"""Terminal input and output: consoles, progress bars, key presses, error messages."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from rich.console import Console, RenderableType
    from rich.progress import Progress

PIPED_COLUMNS = 100
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What moves the cursor, breaks a line or turns its direction, except newlines and tabs."""
COMMAND = re.compile(
    r":(?=:(?:add-mask|add-matcher|add-path|debug|echo|endgroup|error|group|internal-set-repo-path|notice|"
    r"remove-matcher|save-state|set-env|set-output|stop-commands|warning)\b)"
    r"|#(?=#(?:\[|vso\[|teamcity\[))|(?<=section_start):|(?<=section_end):",
    re.IGNORECASE,
)
"""The character without which a text is no command of GitHub Actions, Azure Pipelines, TeamCity or GitLab; they look
for some of these anywhere in a line, and a line may be broken anywhere."""
TRAILING_BLANKS = re.compile(r"[ \t]+(?=\n)")


class _Trimmed:
    """A stream to a file or a pipe that strips the trailing blanks of table rows."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        written: int = self._stream.write(TRAILING_BLANKS.sub("", text))
        return written


def screen(*, stderr: bool = False) -> "Console":
    """Return a console on stdout (data) or stderr (messages) that honours NO_COLOR, FORCE_COLOR, COLUMNS, TERM=dumb."""
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would exit with 1, but a closed pipe is no failure

    stream = sys.stderr if stderr else sys.stdout
    requested = os.environ.get("COLUMNS", "")
    is_requested = requested.isdecimal() and len(requested) < 6 and int(requested) > 0
    if stream.isatty():
        width = None if is_requested or not requested else shutil.get_terminal_size().columns
        return Screen(stderr=stderr, width=width, highlight=False, emoji=False)
    width = None if is_requested else PIPED_COLUMNS
    trimmed: Any = _Trimmed(stream)
    return Screen(file=trimmed, width=width, highlight=False, emoji=False)


def show(*parts: "RenderableType") -> None:
    """Print reports to stdout."""
    console = screen()
    for part in parts:
        console.print(part)


@contextmanager
def key_presses(loop: "AbstractEventLoop", on_key: "Callable[[str], None]") -> Iterator[bool]:
    """Call `on_key` for each key pressed while `loop` runs; yield whether there is a keyboard."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield False
        return
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard)
    loop.add_reader(keyboard, lambda: on_key(os.read(keyboard, 1).decode(errors="replace")))
    try:
        yield True
    finally:
        if not loop.is_closed():
            loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def visible(text: str) -> str:
    """Return text that neither a terminal nor a CI system obeys: with control characters (`\\x1b`), except newlines and
    tabs, and the first character of commands escaped."""
    return COMMAND.sub(_escape, CONTROL.sub(_escape, text))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def inert(json: str) -> str:
    """Return the same JSON without anything that a CI system obeys."""
    return COMMAND.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


def complain(message: str) -> None:
    """Print an error message to stderr."""
    _say_on_stderr("error: ", "bold red", message)


def warn(message: str) -> None:
    """Print a warning to stderr."""
    _say_on_stderr("warning: ", "yellow", message)


def _say_on_stderr(label: str, style: str, message: str) -> None:
    from rich.text import Text

    screen(stderr=True).print(Text.assemble((label, style), visible(message)), soft_wrap=True)


@contextmanager
def progress(total: int, what: str, *, quiet: bool = False) -> "Iterator[Progress | None]":
    """Show a progress bar on stderr, or nothing if stderr is not a terminal."""
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


def notifier(of_bar: "Console | None", *, quiet: bool = False) -> "Callable[[str], None]":
    """Return a function that prints a sentence to stderr, above the progress bar if there is one on that console."""
    console = of_bar or screen(stderr=True)
    return lambda sentence: None if quiet else console.print(visible(sentence), style="dim", markup=False)
