"""Live runs start more slowly after runs that were undecided, and faster again after decided ones."""

from harness.config.app_config import Application, Settings
from harness.engine.pool import play_pairs
from harness.scenario.model import Scenario
from harness.targets import AnyImplementation, LiveImplementation, Postponed
from harness.world.live.timing_uncertainty import TimingUncertainty

ASKED, BUSY_ABOVE = 50.0, 20.0
APPLICATION = LiveImplementation("shop", "shop", Settings(Application(command="node server.js")), ASKED)


def on_a_quiet_machine(scenario: Scenario, implementation: AnyImplementation, seed: int) -> tuple[str, float, int]:
    assert isinstance(implementation, LiveImplementation)
    return scenario.name, implementation.speed, len(implementation.uncertainties)


def on_a_busy_machine(scenario: Scenario, implementation: AnyImplementation, seed: int) -> tuple[str, float, int]:
    """Every run faster than `BUSY_ABOVE` is undecided."""
    assert isinstance(implementation, LiveImplementation)
    if implementation.speed > BUSY_ABOVE:
        again = implementation.slower(TimingUncertainty("it was late", 10.0), 1.0, 1.0)
        assert again is not None
        raise Postponed(again)
    return scenario.name, implementation.speed, len(implementation.uncertainties)


SCENARIOS = [Scenario(f"a/{number}", "One of many.") for number in range(40)]
PAIRS = [(scenario, APPLICATION) for scenario in SCENARIOS]


def test_on_a_quiet_machine_every_run_has_the_requested_speed() -> None:
    assert {speed for _, speed, _ in play_pairs(PAIRS, 1, 2, on_a_quiet_machine)} == {ASKED}


def test_on_a_busy_machine_later_runs_start_more_slowly_and_each_scenario_is_reported_once() -> None:
    told: list[str] = []
    played = list(play_pairs(PAIRS, 1, 2, on_a_busy_machine, told.append))
    assert sorted(name for name, _, _ in played) == sorted(scenario.name for scenario in SCENARIOS)
    again = [name for name, _, uncertainties in played if uncertainties]
    assert len(told) == len(again)
    assert 0 < len(again) < len(SCENARIOS) / 2, "most begin at a speed that the machine can keep"
    assert {speed for _, speed, uncertainties in played if uncertainties} == {10.0}
