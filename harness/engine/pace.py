"""How fast live runs start, and in which order.

With `--speed auto` a first run of `baseline/healthy` measures the application's own work, and each run starts at the
highest speed at which that work leaves the limits of its scenario decided. All live runs learn from each other: many
undecided ones mean a busy machine.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from harness.engine.workers import Outcome, Workers
from harness.errors import ImplementationError
from harness.fakes.latency import Bimodal, Duration, Fixed, Lognormal, Uniform
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.scenario.platform import Platform
from harness.targets import AnyImplementation, LiveImplementation, Postponed, cores
from harness.world.live.timing_uncertainty import OwnWork, fitting_speed, own_work

Pair = tuple[Scenario, AnyImplementation]
Notify = Callable[[str], None]
"""Receives sentences about the progress of a session."""
PROBE = "baseline/healthy"
SLOWER, FASTER, SHARE_MIN = 0.85, 1.05, 0.2
"""Factors for the share of the speed after an uncertain live run and after a certain one, and its minimum."""
SETTLES_S = 90.0
WAITS_S_MAX = 600.0
"""Scenario seconds that a run goes on at its end, and that an application waits at most."""


class Pace:
    """The share of the requested speed at which a live run starts, learned from earlier runs."""

    def __init__(self) -> None:
        self.share = 1.0
        self._without_leaps: set[str] = set()
        """The applications whose idle time cannot be skipped."""

    def given(self, pair: Pair) -> Pair:
        """Return the pair at that speed; a repeated run keeps its own."""
        scenario, application = pair
        if not isinstance(application, LiveImplementation) or application.uncertainties or application.speed == 1:
            return pair
        if self._leaps(application):
            return pair
        return scenario, replace(application, leaps=False, speed=max(1.0, application.speed * self.share))

    def at_a_time(self, workers: int, chunk: Sequence[Pair]) -> int:
        """Return how many live runs are concurrent: half the workers at full speed, more at lower speeds. Runs that
        leap are never idle: two a core keep the cores busy, also while one is stopped or its database made."""
        if all(self._leaps(each) for _, each in chunk):
            return min(workers, 2 * cores())
        return min(workers, max(1, round(workers / 2 / self.share)))

    def _leaps(self, application: AnyImplementation) -> bool:
        return (
            isinstance(application, LiveImplementation)
            and application.leaps
            and application.name not in self._without_leaps
        )

    def ended(self, error: BaseException | None, chunk: Sequence[Pair], notify: Notify) -> list[Sequence[Pair]]:
        """Learn from a chunk that has ended, and return what of it has to be played again. Raise what it raised."""
        if isinstance(error, Postponed):
            ((scenario, before), *_) = chunk
            if isinstance(before, LiveImplementation) and before.leaps:
                is_known = before.name in self._without_leaps
                self._without_leaps.add(before.name)
                if is_known:
                    return [[(scenario, error.again)]]  # the reason is reported once
            else:
                self.learn(chunk, certain=False)
            notify(f"running {scenario.name} again at speed {error.again.speed:.3g}: {error}")
            return [[(scenario, error.again)]]
        if error is not None:
            raise error
        if not any(self._leaps(each) for _, each in chunk):
            self.learn(chunk, certain=True)
        return []

    def learn(self, chunk: Sequence[Pair], *, certain: bool) -> None:
        """Adapt the share to the outcome of a chunk; repeated runs do not count."""
        if any(isinstance(each, LiveImplementation) and each.uncertainties for _, each in chunk):
            return
        self.share = min(1.0, self.share * FASTER) if certain else max(SHARE_MIN, self.share * SLOWER)


def at_fitting_speeds(pairs: Sequence[Pair], seed: int, notify: Notify) -> list[Pair]:
    """Return the pairs, those of applications whose speed is to be found at speeds that fit; see `fitting`."""
    found: dict[str, OwnWork | None] = {}
    fitted: list[Pair] = []
    for scenario, application in pairs:
        if isinstance(application, LiveImplementation) and application.finds_speed and not application.leaps:
            name = application.name
            if name not in found:
                found[name] = work = _measured(application, seed)
                if work is not None:
                    notify(f"{name}: its own work is {work.cold_s:.2g} s cold and {work.warm_s:.2g} s warm")
            work = found[name]
            if work is not None:
                application = replace(application, speed=fitting(scenario, application.speed, work))
        fitted.append((scenario, application))
    return fitted


def fitting(scenario: Scenario, fastest: float, work: OwnWork) -> float:
    """Return the speed at which a run of the scenario starts: the highest at which it is probably decided."""
    limit = scenario.platform.answer_limit
    limits_s = [scenario.script.suno.delivery.answer_within_s]
    if limit is not None:
        limits_s += [each_s for each_s in (limit.after_s, limit.ends_s) if 0 < each_s < math.inf]
    waits_s = [_usual_s(image.takes) for image in scenario.script.kie.images]
    is_cold = scenario.platform != Platform()
    return fitting_speed(fastest, work.cold_s if is_cold else work.warm_s, limits_s, waits_s)


def expected_s(scenario: Scenario) -> float:
    """Return about how many scenario seconds a run takes, for the order of runs."""
    suno, kie = scenario.script.suno, scenario.script.kie
    image_s = max((min(_usual_s(each.takes), WAITS_S_MAX) for each in kie.images), default=0.0)
    is_late = image_s > suno.delivery.answer_within_s or scenario.platform != Platform()
    again_s = sum(suno.delivery.retries_after_s) if is_late else 0.0
    music_s = max((min(_usual_s(each.takes), WAITS_S_MAX) for each in suno.music), default=0.0)
    return (scenario.tracks - 1) * scenario.apart_s + music_s + image_s + again_s + SETTLES_S


def _usual_s(duration: Duration) -> float:
    match duration:
        case Fixed(seconds):
            return seconds
        case Uniform(_, high_s):
            return high_s
        case Lognormal(median_s, _):
            return median_s
        case Bimodal(usually, _, _):
            return _usual_s(usually)
    return math.inf


def _measured(application: LiveImplementation, seed: int) -> OwnWork | None:
    """Return the application's own work in a run of its own, in a worker; None if it cannot be measured."""
    with Workers[LiveImplementation](1, partial(_measure, seed)) as workers:
        workers.begin([application])
        while workers.busy:
            for event in workers.events():
                if isinstance(event, Outcome):
                    work: OwnWork | None = event.value
                    return work
    return None


def _measure(seed: int, application: LiveImplementation) -> OwnWork | None:
    from harness.world.live.world import LiveWorld

    (scenario,) = catalogue.select([PROBE])
    world = LiveWorld(scenario, application.settings, seed, application.speed, application.name)
    try:
        journal = world.run()
    except ImplementationError:
        return None  # its runs will tell
    return None if world.loop.refusal is not None else own_work(journal, application.speed)
