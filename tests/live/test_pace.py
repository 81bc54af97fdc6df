"""Live runs start more slowly after runs that were undecided, and faster again after decided ones."""

from harness.config.app_config import Application, Settings
from harness.engine.pace import expected_s, fitting
from harness.engine.pool import play_pairs
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.targets import AnyImplementation, LiveImplementation, Postponed
from harness.world.live.timing_uncertainty import OwnWork, TimingUncertainty

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


def named(name: str) -> Scenario:
    (scenario,) = catalogue.select([name])
    return scenario


WORK = OwnWork(cold_s=0.4, warm_s=0.05)


def test_a_scenario_far_from_every_limit_starts_at_the_highest_speed() -> None:
    assert fitting(named("baseline/healthy"), ASKED, WORK) == ASKED
    assert fitting(named("slow/image-30s"), ASKED, WORK) == ASKED, "it is beyond the limit whatever the work is"


def test_the_nearer_a_limit_and_the_more_work_the_lower_the_speed_at_which_a_scenario_starts() -> None:
    near = fitting(named("slow/image-14s"), ASKED, WORK)
    assert 14.0 + near * WORK.warm_s < 15.0
    assert fitting(named("slow/image-14s"), ASKED, OwnWork(0.4, 0.1)) < near
    assert fitting(named("baseline/healthy"), ASKED, OwnWork(0.4, 0.4)) < ASKED


def test_where_instances_are_restarted_their_work_is_cold() -> None:
    restarted = named("platform/restart-between-callbacks")
    assert fitting(restarted, ASKED, WORK) < fitting(named("baseline/healthy"), ASKED, WORK)


def test_a_picture_just_after_the_limit_of_nodes_fetch_starts_slowly() -> None:
    assert fitting(named("slow/image-301s"), ASKED, WORK) < ASKED / 2


def test_no_application_runs_more_slowly_than_its_own_time() -> None:
    assert fitting(named("slow/image-14s"), ASKED, OwnWork(9.0, 9.0)) == 1.0


def test_runs_with_redeliveries_are_expected_to_take_longer() -> None:
    assert expected_s(named("slow/image-16s")) > 10 * 60 > expected_s(named("baseline/healthy"))
