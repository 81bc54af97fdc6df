"""Runs implementations side by side through the same scenarios, on several cores."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from harness.comparison import Comparison
from harness.errors import ImplementationError
from harness.implementations import AnyImplementation, LiveImplementation
from harness.result import Result
from harness.runner import run
from harness.scenario import Scenario
from harness.simulation.scratch import scratch_folder

COLLECT_AFTER = 50_000
"""Objects, in a worker process; some forty runs."""
CHUNK = 8
"""Runs that a worker takes at a time: few enough that none idles at the end, and in a comparison those of one scenario,
which share their pictures."""

Pair = tuple[Scenario, AnyImplementation]


def run_pairs(pairs: Sequence[Pair], seed: int, workers: int, keep_journals: bool = False) -> Iterator[Result]:
    """The results of all pairs, in the order in which they are ready.

    Raises ImplementationError when an implementation does not start, or ends the process that it runs in.
    """
    few = len(pairs) <= CHUNK and not any(isinstance(each, LiveImplementation) for _, each in pairs)
    if workers <= 1 or few:
        for scenario, implementation in pairs:
            yield run(scenario, implementation, seed, keep_journal=keep_journals)
        return
    _warm_up()
    longest_first = sorted(pairs, key=lambda pair: -pair[0].tracks)
    chunks = _chunks(longest_first)
    pool = ProcessPoolExecutor(min(workers, len(chunks)), mp_context=_start_method(), initializer=_prepare_worker)
    futures: list[Future[list[Result]]] = [
        pool.submit(_run_chunk, chunk, seed, keep_journals, sys.path) for chunk in chunks
    ]
    try:
        for future in as_completed(futures):
            yield from future.result()
    except BrokenProcessPool:
        raise ImplementationError(
            "an implementation ended the process that it ran in (a crash in native code, or out of memory); run it "
            "alone with --workers 1 to see which"
        ) from None
    except BaseException:
        for worker in multiprocessing.active_children():  # nobody waits for what they are doing
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def compare(
    scenarios: Sequence[Scenario],
    implementations: Sequence[AnyImplementation],
    seed: int,
    *,
    workers: int = 1,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Comparison:
    """Every implementation through every scenario."""
    pairs = [(scenario, implementation) for scenario in scenarios for implementation in implementations]
    results: dict[tuple[str, str], Result] = {}
    for result in run_pairs(pairs, seed, workers):
        results[result.scenario, result.implementation] = result
        on_result(result)
    return Comparison(
        tuple(scenario.name for scenario in scenarios),
        tuple(implementation.name for implementation in implementations),
        seed,
        results,
    )


def _chunks(pairs: Sequence[Pair]) -> list[Sequence[Pair]]:
    """What a worker takes at a time. Live runs wait most of the time, so each goes alone; but all those of an
    application that can run only once are for one worker."""
    chunks: list[Sequence[Pair]] = []
    alone: dict[str, list[Pair]] = {}
    simulated: list[Pair] = []
    for pair in pairs:
        if not isinstance(pair[1], LiveImplementation):
            simulated.append(pair)
        elif pair[1].slots > 1:
            chunks.append([pair])
        else:
            alone.setdefault(pair[1].name, []).append(pair)
    chunks += alone.values()
    return chunks + [simulated[start : start + CHUNK] for start in range(0, len(simulated), CHUNK)]


def _run_chunk(pairs: Sequence[Pair], seed: int, keep_journals: bool, path: list[str]) -> list[Result]:
    sys.path[:] = path
    return [run(scenario, implementation, seed, keep_journal=keep_journals) for scenario, implementation in pairs]


def _prepare_worker() -> None:
    """A worker does nothing but runs: what is imported is never garbage, and collections can be rare and large. An
    interruption is for the parent to handle, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def _start_method() -> "multiprocessing.context.BaseContext":
    """Forked workers start warm; with threads about, or without fork, they are spawned."""
    can_fork = "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    return multiprocessing.get_context("fork" if can_fork and threading.active_count() == 1 else "spawn")


def _warm_up() -> None:
    """Imports what every run needs, once, before the workers are forked."""
    import faker  # noqa: F401
    import PIL.Image
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin  # noqa: F401

    from fakes import words

    words.titles(0, 1)
    scratch_folder()


def workers_for(implementations: Sequence[AnyImplementation]) -> int:
    """As many as there are cores, or as applications can run side by side."""
    slots = [each.slots for each in implementations if isinstance(each, LiveImplementation)]
    return max([_cores(), *slots])


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
