"""All strategies by name: the shipped reference implementations and the user's own.

The table names them without importing them, so a command that lists strategies starts without their libraries.
"""

from typing import Any

from harness.errors import PluginError
from harness.plugins import plugins
from harness.strategies.strategy import Strategy

_SHIPPED = (
    ("trusting", "Sends callBackUrl and saves whatever cover the music callback carried as if it were 2K."),
    ("polling", "Callback plus status polling, where polling writes Suno's cover over a verified picture."),
    ("strict", "Verified pictures only; generation stays asynchronous, so a failure saves null silently."),
    ("labelled-thumbnail", "The cover as a last resort, labelled as low resolution."),
    ("synchronous", "No callBackUrl: the picture comes in the answer, is verified, and is asked for once more."),
    ("mapped-callback", "Asynchronous with a stored task-id mapping that links the image callback to its track."),
    ("jobs-polling", "The documented jobs API: createTask, then recordInfo until done, inside the request."),
    ("acknowledge-first", "Answers at once and works from a durable queue; verifies, copies, polls, falls back."),
)


def _checked(value: Any, target: str, taken: dict[str, Strategy]) -> Strategy:
    """Raises PluginError for what is no strategy, or has another one's name."""
    if not isinstance(value, Strategy):
        raise PluginError(f"{target}: {value!r} is not a strategy; expected a harness.strategies.strategy.Strategy")
    if value.name in taken:
        raise PluginError(f'{target}: there is a strategy "{value.name}" already; choose another name')
    return value


def _registered() -> dict[str, Strategy]:
    strategies = {
        name: Strategy(name, sentence, f"harness.strategies.{name.replace('-', '_')}", shipped=True)
        for name, sentence in _SHIPPED
    }
    for target, value in plugins("strategies"):
        strategy = _checked(value, target, strategies)
        strategies[strategy.name] = strategy
    return strategies


STRATEGIES = _registered()
