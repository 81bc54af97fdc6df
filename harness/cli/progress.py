"""Playing a session with a progress bar, what is said if it is interrupted, and what changed since the baseline."""

from typing import TYPE_CHECKING, Any

import click

from harness.cli import termination
from harness.errors import EXIT_USAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from harness.engine.outputs import Outputs
    from harness.engine.session import Session
    from harness.errors import HarnessError
    from harness.results.archive import Results
    from harness.results.baseline import Changes
    from harness.results.result import Result


def play(session: "Session", what: str, *, keep_journals: bool = False, quiet: bool = False) -> "list[Result]":
    """Play the session and return its results; show a progress bar titled `what` on a terminal.

    The results of a live session are shown as they come.
    """
    from harness.targets import LiveImplementation
    from harness.terminal import notifier, progress

    whole = len(session.plan.pairs())
    termination.say(lambda: _what_ended(session, whole))
    if not quiet and whole > 1 and any(isinstance(who, LiveImplementation) for who in session.plan.implementations):
        from harness.cli.live_progress import live_progress

        with live_progress(whole, what) as (console, take):
            return session.play(keep_journals=keep_journals, on_result=take, notify=notifier(console))
    with progress(whole, what, quiet=quiet) as bar:
        return session.play(
            keep_journals=keep_journals,
            on_result=lambda result: None if bar is None else bar.advance(bar.task_ids[0]),
            notify=notifier(None if bar is None else bar.console, quiet=quiet),
        )


def _what_ended(session: "Session", whole: int) -> str:
    """Return the summary of a session that is ended from outside."""
    ended = f"{len(session.results)} of {whole} runs have ended"
    if session.kept_in is None:
        return f"{ended}; --save FILE keeps them"
    return f"{ended}, and are in {session.kept_in}; --resume {session.outputs.save} plays the rest"


def show_warning(console: "Console", line: str) -> None:
    """Print a line of warning, if there is one."""
    from harness.terminal import visible

    if line:
        console.print(f"! {visible(line)}", style="yellow", markup=False)


class Growing:
    """The file of `--json` of a bench, which has the implementations that have been measured."""

    def __init__(self, outputs: "Outputs", whole: int, done: str) -> None:
        """`whole` is the number of implementations, `done` the word for what is done to them."""
        self._outputs = outputs
        self._file = outputs.growing_json()
        self._ended = 0
        self._is_kept = False
        self._whole = whole
        self._done = done
        termination.say(self._what_ended)

    def keep(self, ended: int, known: "Callable[[], Any]") -> None:
        """Write what is known of this number of implementations; what goes wrong is reported at the end."""
        from harness.engine.outputs import failures

        file = self._file
        with termination.postponed():
            if file is not None:
                self._is_kept = not failures([lambda: file.write(known())])
            self._ended = ended

    def end(self, value: Any) -> "list[HarnessError]":
        """Write everything; return what went wrong."""
        problems = self._outputs.write_json(value)
        if self._file is not None and not problems:
            self._file.close()
        return problems

    def _what_ended(self) -> str:
        ended = f"{self._ended} of {self._whole} implementations have been {self._done}"
        if self._file is None:
            return f"{ended}; --json FILE keeps them"
        return f"{ended}, and are in {self._file.kept_in}" if self._is_kept else ended


def code_of_problems(problems: "Sequence[HarnessError]", code: int) -> int:
    """Print what could not be written, after everything else; return the exit code."""
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    return EXIT_USAGE if problems else code


def say_if_cut_off(path: str, results: "Results") -> None:
    """Say on stderr that an archive is of a session that was ended from outside."""
    if not results.is_whole:
        click.echo(f"note: {path} was cut off; it has {len(results.runs)} whole runs", err=True)


def show_changes(session: "Session", path: str | None, changes: "Changes | None") -> None:
    """Print what changed since the baseline at `path`, if there is one; to stderr if a report goes to stdout."""
    if session.baseline is None or path is None or changes is None:
        return
    from harness.engine.session import scenarios_changed_since
    from harness.report.changes import changes_report, other_scenarios
    from harness.terminal import screen

    say_if_cut_off(path, session.baseline)
    console = screen(stderr=session.outputs.take_stdout)
    console.print(changes_report(changes, path))
    changed = scenarios_changed_since(session.baseline, session.plan.scenarios)
    if changed:
        console.print(other_scenarios(changed))
