"""Runs all chunks of all strategies on several cores; the results do not depend on their number."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from harness.bench.figures import Bench, Figures
from harness.bench.world import BenchPlan, BenchWorld, Chunk
from harness.engine.pool import play_pairs
from harness.errors import ImplementationError
from harness.scenario.model import Scenario
from harness.targets import AnyImplementation, Implementation


def bench(
    plan: BenchPlan,
    implementations: Sequence[AnyImplementation],
    workers: int,
    on_tracks: Callable[[int], None] = lambda count: None,
) -> Bench:
    """Run the same tracks through every implementation. Raises ImplementationError for one that cannot be simulated.

    `on_tracks` is called with the number of tracks finished since the last call.
    """
    for each in implementations:
        if not isinstance(each, Implementation):
            raise ImplementationError(
                f"{each.name} runs over real sockets, where thousands of tracks would take days; "
                "time its own code with `harness bench --real`, or run single scenarios with `harness run`"
            )
    ranges = {f"bench/{tracks[0]}": tracks for tracks in plan.chunks()}
    pairs = [
        (Scenario(name, plan.model.sentence, tracks=len(tracks)), implementation)
        for name, tracks in ranges.items()
        for implementation in implementations
    ]
    played: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in play_pairs(pairs, plan.seed, workers, partial(_play, plan=plan, ranges=ranges)):
        played[chunk.implementation].append(chunk)
        on_tracks(len(chunk.records))
    in_order = {name: sorted(chunks, key=lambda chunk: chunk.records[0].track) for name, chunks in played.items()}
    return Bench(plan, tuple(Figures(each.name, in_order[each.name]) for each in implementations))


def _play(
    scenario: Scenario, implementation: AnyImplementation, seed: int, *, plan: BenchPlan, ranges: Mapping[str, range]
) -> Chunk:
    assert isinstance(implementation, Implementation)
    return BenchWorld(plan, ranges[scenario.name], implementation).run()
