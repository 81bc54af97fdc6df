"""Runs all chunks of all strategies on several cores; the results do not depend on their number."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from harness.bench.figures import Bench, Figures
from harness.bench.world import BenchPlan, BenchWorld, Chunk, TrackRecord
from harness.cell.inside import Cell
from harness.cell.supervisor import supervised
from harness.engine.pool import play_pairs
from harness.errors import ImplementationError
from harness.scenario.model import Scenario
from harness.targets import AnyImplementation, Implementation, Unstarted


def bench(
    plan: BenchPlan,
    implementations: Sequence[AnyImplementation],
    workers: int,
    on_tracks: Callable[[int], None] = lambda count: None,
    on_measured: Callable[[Bench], None] = lambda found: None,
) -> Bench:
    """Run the same tracks through every implementation, one after the other. Raises ImplementationError for one that
    cannot be simulated.

    `on_tracks` is called with the number of tracks finished since the last call, `on_measured` with all implementations
    that have been measured, as there are more.
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
        for implementation in implementations
        for name, tracks in ranges.items()
    ]
    played: dict[str, list[Chunk]] = defaultdict(list)
    measured: dict[str, Figures] = {}
    for chunk in play_pairs(pairs, plan.seed, workers, partial(_play, plan=plan, ranges=ranges)):
        name, chunks = chunk.implementation, played[chunk.implementation]
        chunks.append(chunk)
        on_tracks(len(chunk.records))
        if len(chunks) == len(ranges):
            measured[name] = Figures(name, sorted(played.pop(name), key=lambda chunk: chunk.records[0].track))
            found = Bench(plan, tuple(measured[each.name] for each in implementations if each.name in measured))
            on_measured(found)
    return found


def _play(
    scenario: Scenario, implementation: AnyImplementation, seed: int, *, plan: BenchPlan, ranges: Mapping[str, range]
) -> Chunk:
    if isinstance(implementation, Unstarted):
        raise ImplementationError(implementation.why)
    assert isinstance(implementation, Implementation)
    tracks = ranges[scenario.name]
    if implementation.shipped:
        return BenchWorld(plan, tracks, implementation).run()
    _, ended, trouble = supervised(partial(_play_in_cell, plan, tracks), implementation)
    if trouble is not None:
        raise ImplementationError(f"{implementation.name} cannot be timed: it {trouble}")
    records = tuple(TrackRecord(**record) for record in ended["chunk"].pop("records"))
    return Chunk(**ended["chunk"], records=records)


def _play_in_cell(plan: BenchPlan, tracks: range, cell: Cell) -> dict[str, Any]:
    """Play a chunk of an implementation that is not ours, in its cell."""
    world = BenchWorld(plan, tracks, cell.request.implementation)
    cell.watched(world.simulation)
    return {"chunk": asdict(world.run())}
