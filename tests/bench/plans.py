"""Small models and plans for tests."""

from typing import Any

from harness.bench.models import Model
from harness.bench.world import BenchPlan, BenchWorld, Chunk
from harness.engine.run import resolve
from harness.fakes.latency import Fixed, Lognormal
from harness.targets import Implementation

CALM: dict[str, Any] = {
    "music": Fixed(90.0),
    "image": Lognormal(8.0, 40.0),
    "answer": Fixed(0.0),
    "download": Fixed(0.0),
    "callback": Fixed(0.0),
    **dict.fromkeys(("music_fails", "image_fails", "image_refused", "image_small", "image_enlarged"), 0.0),
    **dict.fromkeys(("download_fails", "callback_lost", "callback_never", "callback_twice"), 0.0),
}


def model(**changed: Any) -> Model:
    """Return a model without failures in which only pictures take varying times, apart from the given changes."""
    return Model("test", "For tests.", **{**CALM, **changed})


def plan(tracks: int = 20, chunk: int = 50, per_minute: float = 20.0, seed: int = 1, **changed: Any) -> BenchPlan:
    return BenchPlan(model(**changed), seed, tracks, per_minute, chunk)


def played(name: str, planned: BenchPlan) -> list[Chunk]:
    """Return one implementation's results for all chunks."""
    implementation = resolve(name)
    assert isinstance(implementation, Implementation)
    return [BenchWorld(planned, tracks, implementation).run() for tracks in planned.chunks()]
