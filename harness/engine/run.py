"""One run: one implementation in one scenario, from the world and its journal to verdicts and metrics."""

import errno
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from harness import cell
from harness.causes.find import causes
from harness.cell.debugger import breakpoints_in_process
from harness.config.loader import surroundings_here
from harness.engine.interruption import interruption_deferred
from harness.engine.judging import Judging
from harness.errors import ImplementationError, UnknownNameError
from harness.image.thumbnail import Thumbnail, thumbnail
from harness.invariants.judge import judge
from harness.invariants.metrics import measure
from harness.results.redaction import Redaction, errors_redacted
from harness.results.result import Result
from harness.scenario.model import Scenario
from harness.strategies.registry import STRATEGIES
from harness.targets import (
    AnyImplementation,
    Implementation,
    LiveImplementation,
    Postponed,
    Unstarted,
    is_live,
    load,
    load_live,
)
from harness.targets.limits import limits
from harness.targets.modules import own_modules_set_aside
from harness.trace.events import NeverActed, Row, RunBegan, RunEnded, RunRefused, TrackFinal
from harness.trace.journal import Journal
from harness.trace.view import TraceView
from harness.world.run_header import keys, refused_journal
from harness.world.scratch import room_wanted
from harness.world.simulated.world import SimulatedWorld

DEFAULT_SEED = 1


def is_debugged() -> bool:
    """Return whether a debugger traces this process, other than to measure coverage."""
    tracer = sys.gettrace()
    return tracer is not None and not type(tracer).__module__.startswith("coverage")


def resolve(target: str, speed: float | None = 1.0) -> AnyImplementation:
    """Return the implementation that a target names, which runs `speed` times as fast as real time if it is live; at
    speeds that are found if that is None.

    A target is a strategy, `module:attribute`, `file.py:attribute`, a URL, or a `harness.toml` or its folder.

    Raise UnknownNameError for an unknown strategy, ImplementationError for a malformed target; whether the target can
    be imported or reached is only checked when it is started.
    """
    strategy = STRATEGIES.get(target)
    if strategy is not None:
        return load(strategy.target, strategy.name, shipped=strategy.shipped)
    if is_live(target):
        return load_live(target, speed)
    if target.endswith(".py"):
        raise ImplementationError(
            f'"{target}" names a file and nothing in it; write {target}:app, or in place of "app" the name of the '
            "application, of a factory that returns it, or of a callback function"
        )
    if ":" not in target:
        raise UnknownNameError(
            "strategy",
            target,
            STRATEGIES,
            "; expected a strategy, module:attribute, file.py:attribute, a harness.toml or a URL",
        )
    return load(target)


def configured(
    target: str, speed: float | None = 1.0, *, limit: Sequence[str] = (), debug: bool = False, clean: bool = False
) -> AnyImplementation:
    """Return the implementation that a target names, as the options and `[cell]` of harness.toml configure it.

    `limit`: changes of its cell's limits, `name=value`. `debug`: whether it runs in this process. `clean`: whether its
    environment is clean. Raise HarnessError as `resolve`, and for an invalid limit or table.
    """
    found = resolve(target, speed)
    if isinstance(found, LiveImplementation):
        surroundings = found.settings.surroundings
        surroundings = replace(surroundings, is_clean=clean or surroundings.is_clean)
        return replace(found, settings=replace(found.settings, surroundings=surroundings))
    if isinstance(found, Implementation) and not found.shipped:
        surroundings = surroundings_here()
        surroundings = replace(surroundings, is_clean=clean or surroundings.is_clean)
        return replace(found, limits=limits(limit), in_process=debug, surroundings=surroundings)
    return found


def run(
    scenario: Scenario,
    implementation: AnyImplementation,
    seed: int = DEFAULT_SEED,
    *,
    keep_journal: bool = True,
    keep_pictures: bool = False,
    judging: Judging | None = None,
) -> Result:
    """Run an implementation in a scenario, and return its result, redacted; nothing else leaves a run.

    Raise ImplementationError if it does not start.
    """
    began = time.perf_counter()
    own = implementation.settings.credentials if isinstance(implementation, LiveImplementation) else ()
    with errors_redacted((*keys(seed), *own)):
        journal, pictures, files = _play_with_room(scenario, implementation, seed, keep_pictures)
    redaction = Redaction.of(journal)
    view = TraceView(journal, redaction.text)
    how = judging or Judging()
    verdicts = judge(view, own=how.own, severities=how.severities, off=how.off)
    metrics = measure(view)
    ended = view.of(RunEnded)[0]
    finals = [entry.event.fields for entry in view.of(TrackFinal)]
    whole = Result(
        scenario=scenario.name,
        implementation=implementation.name,
        seed=seed,
        verdicts=verdicts,
        metrics=metrics,
        tracks=tuple(finals),
        ending=ended.event.ending,
        simulated_s=ended.at_s,
        never_acted=tuple(entry.event for entry in view.of(NeverActed)),
        wall_s=round(time.perf_counter() - began, 6),
        causes=causes(view, verdicts),
        journal=journal if keep_journal else None,
        pictures=pictures or _pictures(finals, files),
    )
    return redaction.result(whole)


def _play_with_room(
    scenario: Scenario, implementation: AnyImplementation, seed: int, keep_pictures: bool
) -> tuple[Journal, Mapping[str, Thumbnail], Mapping[str, bytes]]:
    """Return what `_play` returns; a run that fails for want of room for files is refused."""
    try:
        return _play(scenario, implementation, seed, keep_pictures)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return refused_journal(scenario, implementation.name, seed, room_wanted()), {}, {}


def _play(
    scenario: Scenario, implementation: AnyImplementation, seed: int, keep_pictures: bool
) -> tuple[Journal, Mapping[str, Thumbnail], Mapping[str, bytes]]:
    """Return a run's journal, and its pictures by URL, if they are to be kept: as thumbnails or as files."""
    files: dict[str, bytes] = {}
    keep = files.__setitem__ if keep_pictures else None
    if isinstance(implementation, LiveImplementation):
        return _live_journal(scenario, implementation, seed, keep), {}, files
    if isinstance(implementation, Unstarted):
        return refused_journal(scenario, implementation.name, seed, implementation.why), {}, files
    if implementation.shipped:
        return _journal_in_process(scenario, implementation, seed, keep), {}, files
    if implementation.in_process or is_debugged():
        with own_modules_set_aside(), breakpoints_in_process():
            return _journal_in_process(scenario, implementation, seed, keep), {}, files
    return *cell.play(scenario, implementation, seed, with_pictures=keep_pictures), files


def _pictures(finals: list[Row | None], files: Mapping[str, bytes]) -> dict[str, Thumbnail]:
    """Return thumbnails of the tracks' final pictures, by URL."""
    urls = dict.fromkeys(str(fields.get("image_url")) for fields in finals if fields)
    small = {url: thumbnail(files[url]) for url in urls if url in files}
    return {url: picture for url, picture in small.items() if picture is not None}


def _journal_in_process(
    scenario: Scenario, implementation: Implementation, seed: int, keep: Callable[[str, bytes], None] | None
) -> Journal:
    world = SimulatedWorld(scenario, implementation, seed)
    world.observer.on_picture = keep
    with interruption_deferred():
        return world.run()


def _live_journal(
    scenario: Scenario, implementation: LiveImplementation, seed: int, keep: Callable[[str, bytes], None] | None
) -> Journal:
    """Return the journal of a live run at the requested speed, or at a lower one that makes its verdicts certain.

    Raise Postponed if the implementation postpones slower runs.
    """
    from harness.world.live.world import LiveWorld

    while True:
        began_s = time.perf_counter()
        world = LiveWorld(
            scenario,
            implementation.settings,
            seed,
            1.0 if implementation.leaps else implementation.speed,
            implementation.name,
            implementation.uncertainties,
            leaps=implementation.leaps,
        )
        world.on_picture = keep
        journal = world.run()
        took_s = time.perf_counter() - began_s - world.waited_s
        if world.leaps is not None and world.leaps.problem:
            implementation = implementation.without_leaps(world.leaps.problem, took_s)
            if implementation.postpones:
                raise Postponed(implementation)
            continue
        uncertainty = world.uncertainty()
        if uncertainty is None:
            return journal
        end = journal.of(RunEnded)[0]
        slower = implementation.slower(uncertainty, took_s, end.at_s)
        if slower is None:
            patience_s = implementation.settings.patience_s
            sentence = (
                f"{uncertainty.why}; speed {uncertainty.speed:.3g} would probably decide it, but take more than the "
                f"{patience_s:g} s allowed per scenario (patience in harness.toml)"
            )
            journal.record(end.at_s, 0, RunRefused(sentence=sentence))
            return journal
        if implementation.postpones:
            raise Postponed(slower)
        implementation = slower


def judged_again(journal: Journal, judging: Judging | None = None) -> Result:
    """Return a result computed from a journal alone, redacted, as `harness judge` does."""
    redaction = Redaction.of(journal)
    view, how = TraceView(journal, redaction.text), judging or Judging()
    verdicts = judge(view, own=how.own, severities=how.severities, off=how.off)
    metrics = measure(view)
    began, ended = view.of(RunBegan)[0].event, view.of(RunEnded)
    whole = Result(
        scenario=began.scenario,
        implementation=began.implementation,
        seed=began.seed,
        verdicts=verdicts,
        metrics=metrics,
        tracks=tuple(entry.event.fields for entry in view.of(TrackFinal)),
        ending=ended[0].event.ending if ended else "cut off",
        simulated_s=ended[0].at_s if ended else journal.entries[-1].at_s,
        never_acted=tuple(entry.event for entry in view.of(NeverActed)),
        wall_s=0.0,
        causes=causes(view, verdicts),
        journal=journal,
    )
    return redaction.result(whole)
