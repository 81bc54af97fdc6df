"""Times an implementation's own code in a process of its own, over sockets, in real time.

The providers take no time: pictures are finished when they are requested. Only callbacks come 50 ms after their event,
so that they do not overtake the response to the request. What remains is the time of the code, the machine and the
harness; a null implementation shows the last two, and is timed first. Tracks run one after the other, and no faster
than the providers allow (20 creations in 10 s), since some applications enforce that limit themselves. The first tracks
warm the application up.
"""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.bench.statistics import Estimate, median, quantile, spread_about
from harness.config.app_config import Application, Settings, TrackReading, environment_of, filled
from harness.errors import ImplementationError
from harness.fakes import sample_text
from harness.fakes.http_client import ClientResponse, post
from harness.fakes.latency import Fixed
from harness.fakes.pictures import render
from harness.fakes.published_files import picture_spec
from harness.fakes.registry import environment as provider_environment
from harness.fakes.script import COVER, Image, KieScript, Music, Picture, Script, SunoScript
from harness.scenario.model import Scenario
from harness.targets import AnyImplementation, Implementation, LiveImplementation
from harness.trace.journal import Journal
from harness.world.client import asking
from harness.world.hosts import MEDIA_HOSTS
from harness.world.journal_writer import JournalWriter
from harness.world.live.event_loop import LiveLoop
from harness.world.live.fakes import LOOPBACK, LiveFakes
from harness.world.live.instances import free_port
from harness.world.live.process import Process, wait_until_ready
from harness.world.live.proxy import Authority
from harness.world.scratch import new_folder

FORMAT = "harness-bench-real/1"
NULL = "null"
WARM_UPS = 5
ROUNDS_MIN = 3
CALLBACK_LATE_S = 0.05
ROUND_S_MAX = 30.0
"""Real seconds for one track."""
LOOK_EVERY_S = 0.001
TRACK_EVERY_S = 0.6
PICTURE_WITHIN_S = 1.0
ENOUGH = 10**9
API_KEY = "bench-key"
ENVIRONMENT = {
    **provider_environment(lambda provider: f"{{{provider.name}}}", "{api_key}"),
    "PUBLIC_URL": "{app}",
    "DATABASE_PATH": "{database}",
    "PYTHONHASHSEED": "0",
}


@dataclass(slots=True)
class Reality:
    """The measurements of one implementation, in real seconds."""

    name: str
    answers_s: list[float] = field(default_factory=list)
    """From the first byte of the "complete" callback to the last byte of its response."""
    accepted_s: list[float] = field(default_factory=list)
    """The same for the request for a track, which starts the music."""
    settled_s: list[float] = field(default_factory=list)
    """From that callback until the track was seen to be final in its SQLite file; empty for other stores."""
    own_cpu_s: list[float] = field(default_factory=list)
    """CPU time of the harness's own process for each track."""
    cpu_s: float | None = None
    """CPU time of the implementation's process for each track; None if the system does not report it."""
    warm_ups: int = 0
    without_picture: int = 0
    """Tracks that ended without a picture, so its cost was not measured."""
    unfinished: int = 0
    """Tracks that were abandoned after 30 s."""

    @property
    def rounds(self) -> int:
        return len(self.answers_s)


def time_all(
    implementations: Sequence[AnyImplementation],
    rounds: int,
    for_s: float,
    seed: int,
    notify: Callable[[str], None] = lambda name: None,
    on_timed: Callable[[Sequence[Reality]], None] = lambda found: None,
) -> list[Reality]:
    """Time the null implementation, then all others; each for so many tracks or seconds, but for three tracks at
    least.

    `notify` is called with the name of each, `on_timed` with all that have been timed, as there are more.
    """
    null = Implementation("harness.bench.null_app:create_app", NULL, shipped=True)
    found = []
    for each in (null, *implementations):
        notify(each.name)
        found.append(_timed(each, rounds, for_s, seed))
        on_timed(found)
    return found


def _timed(implementation: AnyImplementation, rounds: int, for_s: float, seed: int) -> Reality:
    loop = LiveLoop()
    scratch = new_folder("bench")
    bench = _Bench(implementation.name, _settings(implementation), loop, scratch, seed)
    try:
        loop.run_until_complete(bench.play(rounds, for_s))
    finally:
        bench.close()
        for task in (left := asyncio.all_tasks(loop)):
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=1.0))
        loop.hang_up()
        loop.close()
        shutil.rmtree(scratch, ignore_errors=True)
    return bench.reality


def _settings(implementation: AnyImplementation) -> Settings:
    if isinstance(implementation, LiveImplementation):
        if implementation.settings.supabase is not None:
            raise ImplementationError(
                f"{implementation.name} keeps its tracks in the Supabase stand-in, whose own time would be measured, "
                "too; `harness bench --real` needs an application with another store"
            )
        return implementation.settings
    assert isinstance(implementation, Implementation)
    command = f"{sys.executable} -m harness.bench.serve_process {implementation.target} {{port}}"
    application = Application(command=command, environment=ENVIRONMENT)
    return Settings(application, track=TrackReading(sqlite="{database}"), path=Path.cwd() / "harness.toml")


class _Bench:
    """The measurement of one implementation."""

    def __init__(self, name: str, settings: Settings, loop: LiveLoop, scratch: Path, seed: int) -> None:
        self.reality = Reality(name)
        self._settings = settings
        self._is_served = settings.application.environment is ENVIRONMENT
        self._scratch = scratch
        self._seed = seed
        self._process: Process | None = None
        self._last_s = 0.0
        self._answered: asyncio.Future[tuple[float, float]] | None = None
        self._api_key = settings.application.api_key or API_KEY
        music = Music(takes=Fixed(CALLBACK_LATE_S))
        image = Image(takes=Fixed(0.0), callback_late_s=CALLBACK_LATE_S)
        script = Script(
            SunoScript(music=(music,), credits=ENOUGH, creations_per_10_s=ENOUGH, queries_per_s=ENOUGH),
            KieScript(images=(image,), credits=ENOUGH, creations_per_10_s=ENOUGH),
        )
        self._providers = LiveFakes(
            Scenario("bench/real", "LiveFakes that take no time.", script=script),
            seed,
            JournalWriter(loop, Journal(), closed=True),
            api_key=self._api_key,
            signing_key=None,
            elapsed_s=lambda: loop.elapsed_s,
            post=self._post,
        )

    def close(self) -> None:
        if self._process is not None:
            self._process.stop()
        self._providers.close()

    async def play(self, rounds: int, for_s: float) -> None:
        """Start it, warm it up, and time tracks one after the other."""
        await self._start()
        for number in range(1, WARM_UPS + 1):
            began_s = time.perf_counter()
            await self._round(number, Reality(NULL))
            self.reality.warm_ups = number
            if time.perf_counter() - began_s > max(for_s / WARM_UPS, TRACK_EVERY_S):
                break  # tracks take so long that none is spent on warming up
        number, until_s = self.reality.warm_ups, time.perf_counter() + for_s
        before_s = self._cpu_s()
        while self.reality.rounds < rounds and (
            time.perf_counter() < until_s or self.reality.rounds + self.reality.unfinished < ROUNDS_MIN
        ):
            number += 1
            await self._round(number, self.reality)
            if self.reality.unfinished >= ROUNDS_MIN:
                break
        after_s = self._cpu_s()
        if before_s is not None and after_s is not None and self.reality.rounds:
            self.reality.cpu_s = (after_s - before_s) / self.reality.rounds
        await self._providers.finish()

    async def _start(self) -> None:
        await self._providers.listen()
        application = self._settings.application
        reach: dict[str, str] = {}
        if application.reach == "preload":
            reach = await self._providers.preload(application.environment.get("NODE_OPTIONS"))
        elif application.reach == "proxy":
            reach = await self._providers.proxy(Authority(self._scratch))
        if self._is_served:  # applications refuse a picture at an address of this machine
            self._providers.media.base_url = f"http://{MEDIA_HOSTS[0]}:{self._providers.ports['media']}"
        port = application.port or free_port()
        url = (application.url or f"http://{LOOPBACK}:{port}").rstrip("/")
        self._ask = asking(url, self._settings.start)
        self._values = {
            **{name: self._providers.url(name) for name in self._providers.ports},
            "app": url,
            "port": str(port),
            "api_key": self._api_key,
            "signing_key": "",
            "next_signing_key": "",
            "folder": str(self._settings.folder),
            "scratch": str(self._scratch),
            "database": str(self._scratch / "tracks.db"),
            "supabase": "",
            "supabase_key": "",
            "supabase_anon_key": "",
        }
        if application.command is None:
            return
        paths = os.pathsep.join(filter(None, (*sys.path, os.environ.get("PYTHONPATH", ""))))
        environment = environment_of(self._settings, self._values, {"PYTHONPATH": paths, **reach})
        command = filled(application.command, self._values)
        self._process = Process(command, self._settings.folder, environment, lambda stream, line: None)
        await wait_until_ready(self._process, (LOOPBACK, port), application.ready_s, 1.0)

    # One track

    async def _round(self, number: int, reality: Reality) -> None:
        """Run one track, from the request to the callback's response and the final row."""
        await asyncio.sleep(max(0.0, self._last_s + TRACK_EVERY_S - time.perf_counter()))
        self._last_s = time.perf_counter()
        _draw(number)
        self._answered = asyncio.get_running_loop().create_future()
        cpu_s = time.process_time()
        try:
            async with asyncio.timeout(ROUND_S_MAX):
                began_s = time.perf_counter()
                track_id = await self._wish(number)
                accepted_s = time.perf_counter() - began_s
                called_s, answered_s = await self._answered
                settled_s, has_picture = await self._settled(track_id)
        except TimeoutError:
            reality.unfinished += 1
            return
        reality.accepted_s.append(accepted_s)
        reality.answers_s.append(answered_s - called_s)
        if settled_s is not None:
            reality.settled_s.append(settled_s - called_s)
        reality.without_picture += not has_picture
        reality.own_cpu_s.append(time.process_time() - cpu_s)

    async def _wish(self, number: int) -> str:
        requested = {"title": f"Harbour no. {number}", "prompt": sample_text.prompt(self._seed, number)}
        track_id, problem = await self._ask(requested)
        if track_id is None:
            raise ImplementationError(f"{self.reality.name}: {problem}")
        return track_id

    async def _settled(self, track_id: str) -> tuple[float | None, bool]:
        """Return when the track's row was seen to be final, and whether it has a picture. Waits one more second for the
        picture: some applications mark a track complete before it has one."""
        reading = self._settings.track
        if reading.sqlite is None:
            return None, True
        path = self._settings.folder / filled(reading.sqlite, self._values)
        key, status, picture = (reading.fields.get(name, name) for name in ("id", "status", "image_url"))
        final = {*reading.complete, *reading.failed}
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            complete_s: float | None = None
            while complete_s is None or time.perf_counter() < complete_s + PICTURE_WITHIN_S:
                with contextlib.suppress(sqlite3.Error):
                    row = database.execute(f'SELECT * FROM "{reading.table}" WHERE "{key}" = ?', (track_id,)).fetchone()
                    if row is not None and row[status] in final:
                        if picture in row.keys() and row[picture] is not None:  # noqa: SIM118
                            return time.perf_counter(), True
                        complete_s = complete_s or time.perf_counter()
                await asyncio.sleep(LOOK_EVERY_S)
            return complete_s, False

    async def _post(self, url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
        """Deliver a callback; the one that delivers the music is timed."""
        waiting, began_s = self._answered, time.perf_counter()
        answer = await post(url, content, headers)
        brings_music = b'"callbackType":"complete"' in content
        if brings_music and waiting is not None and not waiting.done():
            waiting.set_result((began_s, time.perf_counter()))
        return answer

    def _cpu_s(self) -> float | None:
        """Return the CPU time of the implementation's process so far."""
        if self._process is None:
            return None
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _draw(number: int) -> None:
    """Draw the pictures before the timer starts: every track has pictures of its own, as in production."""
    render(picture_spec(COVER, "cover", number))
    render(picture_spec(Picture(), "picture", number))


# Results


@dataclass(frozen=True, slots=True)
class Timing:
    """A measured time in seconds: its median with interval, its typical deviation, and its tail."""

    median: Estimate
    spread: float | None
    p95: float | None
    count: int


def timing(values: Sequence[float]) -> Timing:
    """Return the timing of measured values."""
    return Timing(median(values), spread_about(values), quantile(sorted(values), 0.95).value, len(values))


def timings(reality: Reality) -> Iterator[tuple[str, Timing]]:
    """Yield all measured times by name."""
    yield "answer", timing(reality.answers_s)
    yield "accept", timing(reality.accepted_s)
    yield "settle", timing(reality.settled_s)


def reality_json(found: Sequence[Reality], seed: int) -> dict[str, Any]:
    """Return the JSON format `harness-bench-real/1`: milliseconds, rounded to the microsecond."""
    return {
        "format": FORMAT,
        "seed": seed,
        "machine": {"system": os.uname().sysname, "cores": os.cpu_count(), "python": sys.version.split()[0]},
        "implementations": [
            {
                "name": each.name,
                "rounds": each.rounds,
                "warm_ups": each.warm_ups,
                "unfinished": each.unfinished,
                "without_picture": each.without_picture,
                **{
                    name: {
                        "median_ms": _ms(reported.median.value),
                        "low_ms": _ms(reported.median.low),
                        "high_ms": _ms(reported.median.high),
                        "mad_ms": _ms(reported.spread),
                        "p95_ms": _ms(reported.p95),
                    }
                    for name, reported in timings(each)
                },
                "cpu_ms": _ms(each.cpu_s),
                "harness_cpu_ms": _ms(median(each.own_cpu_s).value),
            }
            for each in found
        ],
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
