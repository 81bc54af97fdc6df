"""Which scenarios can be run over real sockets, and what is prepared before time counts."""

from dataclasses import replace

from harness.config.app_config import Application, Settings
from harness.fakes.pictures import render
from harness.fakes.published_files import picture_spec
from harness.fakes.tasks import turn
from harness.faults.rule import FaultRule
from harness.scenario.model import DEADLINE_S, Scenario
from harness.scenario.platform import PRESETS, Platform


def on_its_platform(scenario: Scenario, application: Application) -> Scenario:
    """Return the scenario on the platform that the application's configuration names, unless it has one of its own."""
    if application.platform is None or scenario.platform != Platform():
        return scenario
    return replace(scenario, platform=PRESETS[application.platform].platform)


def unplayable(
    scenario: Scenario, settings: Settings, speed: float, *, is_started: bool, leaps: bool = False
) -> str | None:
    """Return why a scenario cannot be run against an application at all, or None.

    `is_started` is whether the harness starts the application; `leaps`, whether the run skips idle time.
    """
    held = next((rule.fault.name for rule in scenario.faults if not _is_playable(rule)), None)
    if held is not None:
        return (
            f"over real sockets the harness cannot prevent a connection ({held}): the kernel accepts it, so a "
            "client's connect timeout never fires; only the simulated world can run this scenario"
        )
    last_s = scenario.apart_s * (scenario.tracks - 1)
    if last_s > DEADLINE_S and last_s / speed > settings.patience_s and not leaps:
        return (
            f"its last track is requested after {last_s / 3600:g} h, which at speed {speed:g} takes "
            f"{last_s / speed / 3600:.1f} h; use a higher --speed or the simulated world"
        )
    if not is_started and scenario.platform.controls_instances:
        return (
            "this scenario's platform ends, freezes, restarts or multiplies the application's processes, so the "
            "harness has to start the application: set command in its harness.toml"
        )
    if not is_started and scenario.timezone is not None:
        return (
            f"this scenario has a time zone ({scenario.timezone}), so the harness has to start the application: set "
            "command in its harness.toml"
        )
    return None


def _is_playable(rule: FaultRule) -> bool:
    """Return whether a fault can be applied over sockets; callbacks use the harness's own connections."""
    return rule.link == "callbacks" or rule.fault.live_supported


def draw_pictures(scenario: Scenario) -> None:
    """Draw the pictures that will probably be requested: each takes up to a tenth of a real second."""
    script = scenario.script
    for index in range(scenario.tracks):
        cover, image = turn(script.suno.music, index).cover, turn(script.kie.images, index)
        wanted = [] if cover is None else [picture_spec(cover, "cover", index + 1, part) for part in (0, 1)]
        for spec in (*wanted, picture_spec(image.picture, "picture", index + 1)):
            render(spec)
