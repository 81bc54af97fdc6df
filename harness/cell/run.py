"""A run in a cell: one implementation in one scenario, and what the cell sends of it."""

import base64
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

from harness.cell.inside import Cell
from harness.cell.supervisor import supervised
from harness.errors import ImplementationError
from harness.image.thumbnail import Thumbnail, thumbnail
from harness.scenario.model import Scenario
from harness.targets.python import Implementation
from harness.trace.events import ImplementationLoaded, TrackFinal
from harness.trace.journal import Journal
from harness.world.run_header import refused_journal
from harness.world.simulated.world import SimulatedWorld


def play(
    scenario: Scenario, implementation: Implementation, seed: int, *, with_pictures: bool = False
) -> tuple[Journal, Mapping[str, Thumbnail]]:
    """Return the journal of a run in a cell, and thumbnails of the final pictures by URL if they are requested.

    A cell that ends before its time leaves the journal as far as it came: the run is inconclusive, with the cause. If
    that happens while the implementation is imported, it does not start: raise ImplementationError.
    """
    journal, ended, trouble = supervised(partial(_play, scenario, seed, with_pictures), implementation)
    if trouble is not None:
        if not ended and not journal.of(ImplementationLoaded):
            raise ImplementationError(f"{implementation.name} {trouble}")
        refused_journal(scenario, implementation.name, seed, f"the implementation {trouble}", journal)
    pictures = {
        url: Thumbnail(**{**made, "webp": base64.b64decode(made["webp"])})
        for url, made in ended.get("pictures", {}).items()
    }
    return journal, pictures


def _play(scenario: Scenario, seed: int, with_pictures: bool, cell: Cell) -> dict[str, object]:
    """Play the run, in the cell."""
    files: dict[str, bytes] = {}
    world = SimulatedWorld(scenario, cell.request.implementation, seed, cell.journal)
    cell.watched(world.simulation)
    if with_pictures:
        world.observer.on_picture = files.__setitem__
    world.run()
    finals = [entry.event.fields for entry in cell.journal.of(TrackFinal)]
    urls = dict.fromkeys(str(fields.get("image_url")) for fields in finals if fields)
    thumbnails = {url: thumbnail(files[url]) for url in urls if url in files}
    return {
        "pictures": {
            url: asdict(made) | {"webp": base64.b64encode(made.webp).decode()}
            for url, made in thumbnails.items()
            if made is not None
        }
    }
