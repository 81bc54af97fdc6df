"""Playing a session with a progress bar, and printing what changed since the baseline."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.engine.session import Session
    from harness.results.baseline import Changes
    from harness.results.result import Result


def play(session: "Session", what: str, *, keep_journals: bool = False, quiet: bool = False) -> "list[Result]":
    """Play the session and return its results; show a progress bar titled `what` on a terminal."""
    from harness.terminal import notifier, progress

    with progress(len(session.plan.pairs()), what, quiet=quiet) as bar:
        return session.play(
            keep_journals=keep_journals,
            on_result=lambda result: None if bar is None else bar.advance(bar.task_ids[0]),
            notify=notifier(bar, quiet=quiet),
        )


def show_changes(session: "Session", path: str | None, changes: "Changes | None") -> None:
    """Print what changed since the baseline at `path`, if there is one; to stderr if a report goes to stdout."""
    if session.baseline is None or path is None or changes is None:
        return
    from harness.engine.session import scenarios_changed_since
    from harness.report.changes import changes_report, other_scenarios
    from harness.terminal import screen

    console = screen(stderr=session.outputs.take_stdout)
    console.print(changes_report(changes, path))
    changed = scenarios_changed_since(session.baseline, session.plan.scenarios)
    if changed:
        console.print(other_scenarios(changed))
