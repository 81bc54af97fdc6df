"""Runs while somebody waits for them: with a progress bar, and kept where reports are wanted of them."""

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.engine.pool import Pair
    from harness.results.archive import Run
    from harness.results.result import Result


def play_all(
    pairs: "Sequence[Pair]",
    seed: int,
    workers: int | None,
    what: str,
    runs: "list[Run] | None",
    *,
    keep_journals: bool = False,
    quiet: bool = False,
) -> "list[Result]":
    """The results of all pairs, in the order in which they are ready; raises as `engine.pool.play_pairs` does.
    Into `runs`, if it is a list, goes what reports are made of."""
    from harness.engine.pool import workers_for
    from harness.terminal import progress, teller

    workers = workers or workers_for([implementation for _, implementation in pairs])
    results = []
    with progress(len(pairs), what, quiet=quiet) as bar:
        for result in _played(pairs, seed, workers, runs, keep_journals, teller(bar, quiet=quiet)):
            results.append(result)
            if bar is not None:
                bar.advance(bar.task_ids[0])
    return results


def _played(
    pairs: "Sequence[Pair]",
    seed: int,
    workers: int,
    runs: "list[Run] | None",
    keep_journals: bool,
    tell: "Callable[[str], None]",
) -> "Iterator[Result]":
    from harness.engine.pool import play_pairs, run_pairs

    if runs is None:
        yield from run_pairs(pairs, seed, workers, keep_journals=keep_journals, tell=tell)
        return
    from harness.engine.session import stored_run

    for each in play_pairs(pairs, seed, workers, stored_run, tell):
        runs.append(each)
        yield replace(each.result, journal=each.journal) if keep_journals else each.result
