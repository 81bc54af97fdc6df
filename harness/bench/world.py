"""A bench world: one chunk of tracks that arrive open-loop at one new application, in virtual time.

It is the simulation of single runs with the same fakes and the same application code, without what would cost too much
for a thousand tracks: no journal, and no picture probes before the end. It reports the same figures of a track as the
metrics of a single run; a test compares the two.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from harness.bench import store
from harness.bench.models import Model
from harness.bench.providers import DIFFERENT_PICTURES, BenchFakes, prompt_of, title_of
from harness.bench.sampling import arrivals_s
from harness.errors import ImplementationError
from harness.fakes.pictures import PictureSpec
from harness.fakes.registry import KIE, MEDIA, PROVIDERS, SUNO, fake_of
from harness.image.inspect import Examination
from harness.invariants import images
from harness.invariants.metrics import TrackOutcome
from harness.scenario.platform import Platform
from harness.targets import Implementation
from harness.trace.events import Row
from harness.trace.tracks import TERMINAL
from harness.trace.urls import usable_url
from harness.world.client import asking
from harness.world.clock import START_S
from harness.world.hosts import APPLICATION_HOST
from harness.world.probe import look
from harness.world.scope import CAUSE
from harness.world.simulated.simulation import Simulation

SETTLE_S = 2 * 3600.0
"""Virtual seconds after the last arrival; a track not settled by then counts as unfinished."""


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """The conditions for every strategy: the provider model, the number of tracks, and their arrivals."""

    model: Model
    seed: int
    tracks: int
    per_minute: float
    chunk: int
    """Tracks for one application, which begins with an empty store."""

    def chunks(self) -> list[range]:
        """Return the numbers, from 1, of the tracks of each chunk."""
        return [
            range(first, min(first + self.chunk, self.tracks + 1)) for first in range(1, self.tracks + 1, self.chunk)
        ]


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """The results of one track. Times are in virtual seconds; None if there is none."""

    track: int
    outcome: TrackOutcome
    wish_s: float | None
    """From the moment when it was to be requested to its final picture, if that is true 2K."""
    picture_s: float | None
    """From the moment when the music was finished at the provider to the same picture; 0 if that came earlier."""
    answer_s: float | None
    """The time until the "complete" callback was answered on its first arrival."""
    arrived: int
    """The number of its arrivals."""
    generations: int
    """Pictures that were paid for."""
    credits: int
    given_up: int
    """Callbacks that the provider gave up delivering."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """All tracks of a chunk, in order, and the counts that belong to no single track."""

    implementation: str
    records: tuple[TrackRecord, ...]
    simulated_s: float
    strangers: int = 0
    throttled: int = 0
    broken_contracts: int = 0


class BenchWorld:
    """One chunk of one implementation; make a new object for each."""

    def __init__(self, plan: BenchPlan, tracks: Sequence[int], implementation: Implementation) -> None:
        self._plan = plan
        self._tracks = tracks
        self._implementation = implementation
        self._seed = int.from_bytes(Random(f"bench {plan.seed} {tracks[0]}").randbytes(4), "big")
        self.simulation = Simulation(implementation, self._seed, Platform())
        self._loop = self.simulation.loop
        self._ask = asking(f"http://{APPLICATION_HOST}")
        self._ids: dict[int, str | None] = {}
        self._written: dict[str, list[tuple[float, str | None]]] = {}
        """By track id: the time and URL of each picture written."""

    def run(self) -> Chunk:
        """Run the chunk to its end. Raises ImplementationError if the application does not start or cannot be
        watched."""
        disabled = logging.root.manager.disable
        with self.simulation.running(store.watched(self.simulation.database, self._wrote)):
            logging.disable(logging.CRITICAL)  # log records are not read, so they need no formatting
            try:
                return self._play()
            finally:
                logging.disable(disabled)

    def _build_hosts(self) -> None:
        simulation = self.simulation
        self._providers = BenchFakes(self._plan.model, self._plan.seed, self._seed, simulation.api_key)
        shipped = {SUNO.name: self._providers.app, KIE.name: self._providers.app, MEDIA.name: self._providers.files}
        for provider in PROVIDERS.values():
            app = shipped.get(provider.name) or fake_of(provider, self._seed)
            simulation.serve(provider.hosts, app, app)
        application = simulation.instances
        simulation.serve((APPLICATION_HOST,), application, self._providers.around(application))

    def _play(self) -> Chunk:
        self._build_hosts()
        arrivals = arrivals_s(self._plan.seed, self._tracks, self._plan.per_minute)
        self.simulation.begin(partial(self._drive, arrivals))
        self._run_until(arrivals[-1] + SETTLE_S)
        simulated_s = self._loop.elapsed_s
        rows = store.rows(self.simulation.database)
        if rows is None:
            raise ImplementationError(
                f'{self._implementation.name} cannot be timed: a bench needs a table "tracks" in the SQLite '
                "file named by DATABASE_PATH, and there is none; use `harness run`, which also reads GET /tracks/{id}"
            )
        self._loop.forget_everything()
        looking = self._loop.create_task(self._outcomes(rows))
        self._run_until(simulated_s + SETTLE_S)
        outcomes = looking.result()
        records = tuple(
            self._record(track, at_s, rows, outcomes) for track, at_s in zip(self._tracks, arrivals, strict=True)
        )
        providers = self._providers
        return Chunk(
            self._implementation.name,
            records,
            simulated_s,
            providers.strangers,
            providers.throttled,
            providers.broken_contracts,
        )

    def _run_until(self, elapsed_s: float) -> None:
        self.simulation.run_until(elapsed_s)
        if self._loop.refusal is not None:
            raise ImplementationError(f"{self._implementation.name} cannot be timed: {self._loop.refusal}")

    async def _drive(self, arrivals: Sequence[float]) -> None:
        await self.simulation.instances.start()
        for track, at_s in zip(self._tracks, arrivals, strict=True):
            self._loop.call_at(START_S + at_s, self.simulation.begin, partial(self._wish, track))

    async def _wish(self, track: int) -> None:
        """Request a track as a user does."""
        CAUSE.set(track)
        self._ids[track], _ = await self._ask({"title": title_of(track), "prompt": prompt_of(track)})

    def _wrote(self, track_id: str, url: str | None) -> None:
        writes = self._written.setdefault(track_id, [])
        if not writes or writes[-1][1] != url:
            writes.append((self._loop.time() - START_S, url))

    # Results

    async def _outcomes(self, rows: dict[str, Row]) -> dict[int, TrackOutcome]:
        return {track: await self._outcome(track, rows.get(self._ids.get(track) or "")) for track in self._tracks}

    async def _outcome(self, track: int, row: Row | None) -> TrackOutcome:
        if self._ids.get(track) is None:
            return "none"
        if row is None:
            return "unseen"
        if row.get("status") not in TERMINAL:
            return "unfinished"
        url = usable_url(row.get("image_url"))
        if url is None:
            return "none"
        published = self._providers.pictures.get(url)
        is_2k = _shows_true_2k(_as_published(published) if published else await self._seen(url), track)
        if is_2k is None:
            return "broken"
        if is_2k:
            return "2k"
        return "small-labelled" if images.is_labelled(row) else "small-unlabelled"

    async def _seen(self, url: str) -> Examination:
        """Open a URL that is not a provider's."""
        return (await look(url, self.simulation.hosts, f"http://{APPLICATION_HOST}/")).examined()

    def _record(self, track: int, at_s: float, rows: dict[str, Row], outcomes: dict[int, TrackOutcome]) -> TrackRecord:
        ledger, track_id = self._providers.ledger(track), self._ids.get(track) or ""
        picture_at_s = None
        if outcomes[track] == "2k":
            final = rows[track_id].get("image_url")
            moments = [moment_s for moment_s, url in self._written.get(track_id, ()) if url == final]
            picture_at_s = moments[-1] if moments else None
        done_s = ledger.music_done_s
        since_s = None if picture_at_s is None or done_s is None else round(max(0.0, picture_at_s - done_s), 6)
        return TrackRecord(
            track,
            outcomes[track],
            None if picture_at_s is None else round(picture_at_s - at_s, 6),
            since_s,
            ledger.answer_s,
            ledger.arrived,
            ledger.generations,
            ledger.credits,
            ledger.given_up,
        )


def _as_published(picture: PictureSpec) -> Examination:
    """Return what an examination of a published picture would find, without the work."""
    return Examination(picture.flaw is None, width=picture.width, height=picture.height, mark=picture.mark)


def _shows_true_2k(seen: Examination, track: int) -> bool | None:
    """Return whether a picture is a true 2K picture; None unless it is complete and the track's."""
    if not seen.decodes or seen.width is None or seen.height is None:
        return None
    if seen.mark is None:
        return images.is_true_2k((seen.width, seen.height), None)
    if seen.mark.number != track % DIFFERENT_PICTURES:
        return None
    return images.is_true_2k((seen.width, seen.height), (seen.mark.made_width, seen.mark.made_height))
