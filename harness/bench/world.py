"""A bench world: one chunk of tracks that arrive open-loop at one new application, in virtual time.

It combines the simulated world's loop, clocks and randomness with the same fakes and the same application code, without
what would cost too much for a thousand tracks: no journal, and no picture probes before the end. It reports the same
figures of a track as the metrics of a single run; a test compares the two.
"""

import asyncio
import contextlib
import gc
import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from harness.bench import store
from harness.bench.models import Model
from harness.bench.providers import DIFFERENT_PICTURES, BenchFakes, prompt_of, title_of
from harness.bench.sampling import arrivals_s
from harness.errors import ImplementationError
from harness.fakes.http_client import BadResponseError, post
from harness.fakes.pictures import PictureSpec
from harness.faults.exchange import App
from harness.image.inspect import examine
from harness.invariants import images
from harness.invariants.metrics import TrackOutcome
from harness.scenario.model import Platform
from harness.targets import Implementation
from harness.trace.events import Event
from harness.trace.tracks import TERMINAL
from harness.trace.urls import usable_url
from harness.world.client import USER_PATIENCE_S
from harness.world.clock import START_S
from harness.world.hosts import APPLICATION_HOST, KIE_HOST, MEDIA_HOSTS, SUNO_HOST
from harness.world.image_probe import look
from harness.world.scope import CAUSE, SCOPE, ExecutionScope
from harness.world.scratch import scratch_folder
from harness.world.simulated import tls
from harness.world.simulated.environment import first_line, surroundings
from harness.world.simulated.error_origin import is_of
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.instances import Instances
from harness.world.simulated.network import Listener, Network
from harness.world.simulated.patches import draw_anew, takeover
from harness.world.simulated.server import APPLICATION_KEEP_ALIVE_S, PORTS, PROVIDER_KEEP_ALIVE_S, protocol_factory
from harness.world.simulated.watchdog import OutOfPatience, patience

SETTLE_S = 2 * 3600.0
"""Virtual seconds after the last arrival; a track not settled by then counts as unfinished."""
PATIENCE_S = 60.0
"""Real seconds for one chunk; an ordinary one takes less than one."""
JSON = {"Content-Type": "application/json"}

_chunks: Iterator[int] = count(1)


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


class _Silence:
    """A journal that records nothing."""

    def record(self, event: Event, cause: int | None = None) -> int:
        return 0


class BenchWorld:
    """One chunk of one implementation; make a new object for each."""

    def __init__(self, plan: BenchPlan, tracks: Sequence[int], implementation: Implementation) -> None:
        self._plan = plan
        self._tracks = tracks
        self._implementation = implementation
        self._seed = int.from_bytes(Random(f"bench {plan.seed} {tracks[0]}").randbytes(4), "big")
        self._network = Network()
        self._loop = SimulatedLoop(self._network)
        self._folder = f"{scratch_folder()}/bench-{os.getpid()}-{next(_chunks)}"
        self._database = f"{self._folder}/tracks.db"
        self._key = f"key-{Random(f'keys {plan.seed}').getrandbits(96):024x}"
        self._place = ExecutionScope(APPLICATION_HOST)
        self._ids: dict[int, str] = {}
        self._written: dict[str, list[tuple[float, str | None]]] = {}
        """By track id: the time and URL of each picture written."""
        self._failure: BaseException | None = None

    def run(self) -> Chunk:
        """Run the chunk to its end. Raises ImplementationError if the application does not start or cannot be
        watched."""
        collecting = gc.isenabled()
        gc.disable()
        disabled = logging.root.manager.disable
        os.mkdir(self._folder)
        environment = {
            "SUNO_BASE_URL": f"http://{SUNO_HOST}",
            "SUNO_API_KEY": self._key,
            "KIE_BASE_URL": f"http://{KIE_HOST}",
            "KIE_API_KEY": self._key,
            "PUBLIC_URL": f"http://{APPLICATION_HOST}",
            "DATABASE_PATH": self._database,
            "SSL_CERT_FILE": tls.trust_file(),
        }
        try:
            with (
                takeover(self._loop, self._seed),
                surroundings(environment, lambda level, logger, text: None),
                store.watched(self._database, self._wrote),
            ):
                logging.disable(logging.CRITICAL)  # log records are not read, so they need no formatting
                try:
                    with patience(self._lose_patience, PATIENCE_S):
                        return self._play()
                except OutOfPatience:
                    raise ImplementationError(self._refusal()) from None
                finally:
                    self._loop.dissolve()
        finally:
            logging.disable(disabled)
            shutil.rmtree(self._folder, ignore_errors=True)
            if collecting:
                gc.enable()

    def _lose_patience(self) -> None:
        self._loop.refuse(f"{len(self._tracks)} tracks have not finished within {PATIENCE_S:g} real seconds")

    def _refusal(self) -> str:
        return f"{self._implementation.name} cannot be timed: {self._loop.refusal}"

    # Hosts

    def _build_hosts(self) -> dict[str, App]:
        self._providers = BenchFakes(self._plan.model, self._plan.seed, self._seed, self._key)
        instances = Instances(self._start_app, self._place, Platform(), self._loop, _Silence())  # type: ignore[arg-type]
        self._instances = instances
        hosts: dict[str, App] = {}
        for names, app in (
            ((SUNO_HOST, KIE_HOST), self._providers.app),
            (MEDIA_HOSTS, self._providers.files),
            ((APPLICATION_HOST,), instances),
        ):
            own = APPLICATION_HOST in names
            context = copy_context()
            context.run(SCOPE.set, self._place if own else ExecutionScope(names[0]))
            keep_alive_s = APPLICATION_KEEP_ALIVE_S if own else PROVIDER_KEEP_ALIVE_S
            served = self._providers.around(app) if own else app
            make = protocol_factory(served, self._loop, keep_alive_s)
            for name in names:
                self._network.listen(name, PORTS, Listener(make, context))
                hosts[name] = app
        return hosts

    def _start_app(self) -> Any:
        try:
            app = self._implementation.start()
        except ImplementationError:
            raise
        except (Exception, SystemExit) as error:
            raise ImplementationError(
                f"{self._implementation.name} raises an exception when it is started: {first_line(error)}"
            ) from error
        draw_anew(self._seed)
        return app

    # Events of the world

    def _play(self) -> Chunk:
        self._hosts = self._build_hosts()
        self._loop.set_exception_handler(self._loop_exception)
        arrivals = arrivals_s(self._plan.seed, self._tracks, self._plan.per_minute)
        self._loop.create_task(self._drive(arrivals), context=Context())
        self._loop.run_until(arrivals[-1] + SETTLE_S)
        self._check()
        simulated_s = self._loop.elapsed_s
        rows = store.rows(self._database)
        if rows is None:
            raise ImplementationError(
                f'{self._implementation.name} cannot be timed: a bench needs a table "tracks" in the SQLite '
                "file named by DATABASE_PATH, and there is none; use `harness run`, which also reads GET /tracks/{id}"
            )
        self._loop.forget_everything()
        looking = self._loop.create_task(self._outcomes(rows), context=Context())
        self._loop.run_until(simulated_s + SETTLE_S)
        self._check()
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

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._loop.refusal is not None:
            raise ImplementationError(self._refusal())

    async def _drive(self, arrivals: Sequence[float]) -> None:
        try:
            await self._instances.start()
        except ImplementationError as error:
            self._failure = error
            self._loop.stop()
            return
        for track, at_s in zip(self._tracks, arrivals, strict=True):
            self._loop.call_at(START_S + at_s, self._arrive, track)

    def _arrive(self, track: int) -> None:
        self._loop.create_task(self._wish(track))

    async def _wish(self, track: int) -> None:
        """Request a track as a user does."""
        CAUSE.set(track)
        requested = json.dumps({"title": title_of(track), "prompt": prompt_of(track)}).encode()
        with contextlib.suppress(TimeoutError, OSError, BadResponseError, ValueError):
            async with asyncio.timeout(USER_PATIENCE_S):
                answer = await post(f"http://{APPLICATION_HOST}/tracks", requested, JSON)
            if answer.status in (200, 201, 202):
                track_id = json.loads(answer.body).get("id")
                if isinstance(track_id, str | int) and track_id != "":
                    self._ids[track] = str(track_id)

    def _wrote(self, track_id: str, url: str | None) -> None:
        writes = self._written.setdefault(track_id, [])
        if not writes or writes[-1][1] != url:
            writes.append((self._loop.time() - START_S, url))

    def _loop_exception(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception) and not is_of(APPLICATION_HOST, context):
            self._failure = error  # a bug of ours: the bench must not report a figure

    # Results

    async def _outcomes(self, rows: dict[str, dict[str, Any]]) -> dict[int, TrackOutcome]:
        return {track: await self._outcome(track, rows.get(self._ids.get(track, ""))) for track in self._tracks}

    async def _outcome(self, track: int, row: dict[str, Any] | None) -> TrackOutcome:
        if track not in self._ids:
            return "none"
        if row is None:
            return "unseen"
        if row.get("status") not in TERMINAL:
            return "unfinished"
        url = usable_url(row.get("image_url"))
        if url is None:
            return "none"
        published = self._providers.pictures.get(url)
        is_2k = _is_true_2k(published, track) if published else await self._shows_true_2k(url, track)
        if is_2k is None:
            return "broken"
        if is_2k:
            return "2k"
        return "small-labelled" if images.is_labelled(row) else "small-unlabelled"

    async def _shows_true_2k(self, url: str, track: int) -> bool | None:
        """Return whether a URL that is not a provider's shows a true 2K picture; None unless it is complete and the
        track's."""
        context_place = SCOPE.set(self._place)
        sight = await look(url, self._hosts, f"http://{APPLICATION_HOST}/")
        SCOPE.reset(context_place)
        seen = examine(sight.content) if sight.problem is None and sight.status == 200 else None
        if seen is None or not seen.decodes or seen.width is None or seen.height is None:
            return None
        size = (seen.width, seen.height)
        if seen.mark is None:
            return images.is_true_2k(size, None)
        if seen.mark.number != track % DIFFERENT_PICTURES:
            return None
        return images.is_true_2k(size, (seen.mark.made_width, seen.mark.made_height))

    def _record(
        self, track: int, at_s: float, rows: dict[str, dict[str, Any]], outcomes: dict[int, TrackOutcome]
    ) -> TrackRecord:
        ledger, track_id = self._providers.ledger(track), self._ids.get(track, "")
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


def _is_true_2k(published: PictureSpec, track: int) -> bool | None:
    """Return the same for a published picture."""
    mark = published.mark
    if published.flaw is not None or mark.number != track % DIFFERENT_PICTURES:
        return None
    return images.is_true_2k((published.width, published.height), (mark.made_width, mark.made_height))
