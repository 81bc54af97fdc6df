"""Strategies: the reference implementations, ordinary web applications that the harness compares side by side.

The table names them without importing them: a command that lists strategies starts without their libraries.
"""

from dataclasses import dataclass

__all__ = ["STRATEGIES", "Strategy"]


@dataclass(frozen=True, slots=True)
class Strategy:
    """One shipped implementation and where its factory is."""

    name: str
    sentence: str
    module: str
    attribute: str = "create_app"

    @property
    def target(self) -> str:
        """The `module:attribute` by which it is loaded, like any user's application."""
        return f"{self.module}:{self.attribute}"


STRATEGIES: dict[str, Strategy] = {
    name: Strategy(name, sentence, f"harness.strategies.{name.replace('-', '_')}")
    for name, sentence in (
        ("trusting", "Sends callBackUrl and saves whatever cover the music callback carried as if it were 2K."),
        ("polling", "Callback plus status polling, where polling writes Suno's cover over a verified picture."),
        ("strict", "Verified pictures only; generation stays asynchronous, so a failure saves null silently."),
        ("labelled-thumbnail", "The cover as a last resort, labelled as low resolution."),
        ("synchronous", "No callBackUrl: the picture comes in the answer, is verified, and is asked for once more."),
        ("mapped-callback", "Asynchronous with a stored task-id mapping that links the image callback to its track."),
        ("jobs-polling", "The documented jobs API: createTask, then recordInfo until done, inside the request."),
        ("acknowledge-first", "Answers at once and works from a durable queue; verifies, copies, polls, falls back."),
    )
}
