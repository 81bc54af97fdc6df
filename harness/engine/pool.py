"""Running implementations in scenarios on several cores."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeAlias, TypeVar

from harness.engine.judging import Judging
from harness.engine.pace import Notify, Pace, Pair, at_fitting_speeds, expected_s
from harness.engine.run import run
from harness.engine.workers import ChunkEnded, Outcome, Workers
from harness.errors import ImplementationError
from harness.results.comparison import Comparison
from harness.results.result import Result
from harness.scenario.model import Scenario
from harness.scenario.platform import Platform
from harness.targets import AnyImplementation, LiveImplementation, Unstarted, cores
from harness.world.scratch import scratch_folder

CHUNK = 8
"""Runs per chunk: few enough that no worker idles at the end; in a comparison those of one scenario, which share their
pictures."""
LOST = "a worker process was ended from outside, perhaps for lack of memory (--workers 1 needs the least)"

T = TypeVar("T")
Play = Callable[[Scenario, AnyImplementation, int], T]
"""Runs a pair with a seed and returns what to keep of it; it is pickled."""


def run_pairs(
    pairs: Sequence[Pair],
    seed: int,
    workers: int,
    keep_journals: bool = False,
    notify: Notify = lambda sentence: None,
    judging: Judging | None = None,
) -> Iterator[Result]:
    """Yield the results of all pairs as they complete; raise and notify as `play_pairs` does."""
    return play_pairs(pairs, seed, workers, partial(run, keep_journal=keep_journals, judging=judging), notify)


def play_pairs(
    pairs: Sequence[Pair], seed: int, workers: int, play: Play[T], notify: Notify = lambda sentence: None
) -> Iterator[T]:
    """Yield what `play` returns for all pairs, as they complete.

    A live run with uncertain verdicts is repeated at a lower speed, and `notify` receives the reason. It precedes runs
    that have not started, because it takes longer and is mostly idle; for the same reason the longest live runs start
    first. Many uncertain runs mean a busy machine, so later runs start at a lower speed, too; see `pace`.
    An implementation that does not start does not keep the others from it: its runs are inconclusive. Raise
    ImplementationError if none starts.
    """
    pairs = at_fitting_speeds(pairs, seed, notify)
    starts = _Starts(pairs)
    few = len(pairs) <= CHUNK and not any(isinstance(each, LiveImplementation) for _, each in pairs)
    here = workers <= 1 or few
    played = _here(pairs, seed, play, starts) if here else _in_workers(pairs, seed, workers, play, starts, notify)
    for scenario, implementation, outcome in played:
        yield starts.learn(play, scenario, implementation, seed, outcome)
    starts.check()


def _here(pairs: Sequence[Pair], seed: int, play: Play[T], starts: "_Starts") -> "Iterator[_Played[T]]":
    """Yield each pair with what came of it, from this process."""
    for scenario, implementation in pairs:
        yield scenario, implementation, _play_one(play, scenario, starts.given(implementation), seed)


def _in_workers(
    pairs: Sequence[Pair], seed: int, count: int, play: Play[T], starts: "_Starts", notify: Notify
) -> "Iterator[_Played[T]]":
    """Yield each pair with what came of it, from `count` worker processes.

    If a worker is ended from outside, its runs are played again. The one that it was playing is inconclusive if that
    ends another worker.
    """
    is_live = any(isinstance(each, LiveImplementation) for _, each in pairs)
    _warm_up(is_live=is_live)
    chunks = deque(_chunks(sorted(pairs, key=_length, reverse=True)))
    count = min(count, len(chunks))
    pace = Pace()
    losses = _Losses()
    with Workers[Pair](count, partial(_play_pair, play, seed)) as workers:
        while chunks or workers.busy:
            while chunks and workers.busy < (pace.at_a_time(count, chunks[0]) if is_live else count):
                workers.begin([pace.given((scenario, starts.given(each))) for scenario, each in chunks.popleft()])
            for event in workers.events():
                if isinstance(event, Outcome):
                    yield (*event.item, event.value)
                elif isinstance(event, ChunkEnded):
                    chunks.extendleft(pace.ended(event.error, event.chunk, notify))
                elif event.left:
                    chunks.appendleft(losses.again(event.left, notify))


class _Losses:
    """Which runs have ended the worker that was playing them."""

    def __init__(self) -> None:
        self._once: set[tuple[str, str]] = set()

    def again(self, left: Sequence[Pair], notify: Notify) -> Sequence[Pair]:
        """Return what to play of the rest of a chunk whose worker was lost while it played the first pair.

        That one is inconclusive if it has ended a worker before.
        """
        scenario, implementation = left[0]
        key = scenario.name, implementation.name
        if key in self._once:
            return [(scenario, Unstarted(implementation.name, LOST)), *left[1:]]
        self._once.add(key)
        notify(f"running {scenario.name} again: {LOST}")
        return left


class _NotStarted(NamedTuple):
    """What a run gives whose implementation does not start."""

    why: str


_Played: TypeAlias = tuple[Scenario, AnyImplementation, T | _NotStarted]


class _Starts:
    """Which implementations start, learned from their runs."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._names = {implementation.name for _, implementation in pairs}
        self._started: set[str] = set()
        self._failed: dict[str, str] = {}

    def given(self, implementation: AnyImplementation) -> AnyImplementation:
        """Return the implementation, or why it did not start before and need not be tried again."""
        name = implementation.name
        failed = name in self._failed and name not in self._started
        return Unstarted(name, self._failed[name]) if failed else implementation

    def learn(
        self, play: Play[T], scenario: Scenario, implementation: AnyImplementation, seed: int, played: "T | _NotStarted"
    ) -> T:
        """Return the result of a run; an inconclusive one if its implementation did not start."""
        if not isinstance(played, _NotStarted):
            if not isinstance(implementation, Unstarted):
                self._started.add(implementation.name)
            return played
        self._failed.setdefault(implementation.name, played.why)
        if len(self._names) == 1 and not self._started:
            self.check()
        return play(scenario, Unstarted(implementation.name, played.why), seed)

    def check(self) -> None:
        """Raise ImplementationError if implementations were tried and none started."""
        if self._failed and not self._started:
            raise ImplementationError(next(iter(self._failed.values())))


def _play_pair(play: Play[T], seed: int, pair: Pair) -> "T | _NotStarted":
    """Play a pair in a worker."""
    return _play_one(play, *pair, seed)


def _play_one(play: Play[T], scenario: Scenario, implementation: AnyImplementation, seed: int) -> "T | _NotStarted":
    try:
        return play(scenario, implementation, seed)
    except ImplementationError as error:
        return _NotStarted(str(error))


def side_by_side(
    scenarios: Sequence[Scenario], implementations: Sequence[AnyImplementation], seed: int, results: Iterable[Result]
) -> Comparison:
    """Return results in any order as a comparison."""
    return Comparison(
        tuple(scenario.name for scenario in scenarios),
        tuple(implementation.name for implementation in implementations),
        seed,
        {(result.scenario, result.implementation): result for result in results},
    )


def _length(pair: Pair) -> tuple[float, bool]:
    """Return a sort key for the length of a run: a live one takes time, a simulated one work for tracks, callbacks and
    restarts."""
    scenario, implementation = pair
    if isinstance(implementation, LiveImplementation):
        return expected_s(scenario) / implementation.speed, False
    return scenario.tracks * max(1.0, scenario.apart_s), scenario.platform != Platform()


def _chunks(pairs: Sequence[Pair]) -> list[Sequence[Pair]]:
    """Return the pairs in chunks. Each live run is its own chunk, since it is mostly idle; but all runs of an
    application that can only run once at a time form one."""
    chunks: list[Sequence[Pair]] = []
    alone: dict[str, list[Pair]] = {}
    simulated: list[Pair] = []
    for pair in pairs:
        if not isinstance(pair[1], LiveImplementation):
            simulated.append(pair)
        elif pair[1].slots > 1:
            chunks.append([(pair[0], replace(pair[1], postpones=True))])
        else:
            alone.setdefault(pair[1].name, []).append(pair)
    chunks += alone.values()
    return chunks + [simulated[start : start + CHUNK] for start in range(0, len(simulated), CHUNK)]


def _warm_up(*, is_live: bool) -> None:
    """Import what every run needs once, before the workers are forked."""
    import faker  # noqa: F401
    import PIL.Image
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin  # noqa: F401

    from harness.fakes import sample_text

    if is_live:
        import harness.world.live.world  # noqa: F401

    sample_text.titles(0, 1)
    scratch_folder()


def workers_for(implementations: Sequence[AnyImplementation]) -> int:
    """Return the number of workers: the number of cores, or of applications that can run concurrently."""
    slots = [each.slots for each in implementations if isinstance(each, LiveImplementation)]
    return max([cores(), *slots])
