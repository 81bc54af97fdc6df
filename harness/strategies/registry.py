"""The registry of strategies by name: the shipped reference implementations and those of plugins.

The table names them without importing them, so a command that lists strategies starts without their libraries.
"""

from harness.plugins import with_plugins
from harness.strategies.strategy import Strategy

_SHIPPED = (
    ("trusting", "Sends callBackUrl and saves whatever cover the music callback carried as if it were 2K."),
    ("polling", "Callback plus status polling, where polling writes Suno's cover over a verified picture."),
    ("strict", "Verified pictures only; generation stays asynchronous, so a failure saves null silently."),
    ("labelled-thumbnail", "The cover as a last resort, labelled as low resolution."),
    ("synchronous", "No callBackUrl: the picture is in the response, is verified, and is requested once more."),
    ("mapped-callback", "Asynchronous with a stored task-id mapping that links the image callback to its track."),
    ("jobs-polling", "The documented jobs API: createTask, then recordInfo until done, inside the request."),
    ("acknowledge-first", "Responds at once and works from a durable queue; verifies, copies, polls, falls back."),
)


STRATEGIES = with_plugins(
    "strategies",
    [
        Strategy(name, sentence, f"harness.strategies.{name.replace('-', '_')}", shipped=True)
        for name, sentence in _SHIPPED
    ],
    Strategy,
)
