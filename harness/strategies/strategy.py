"""A strategy: the name, description and location of a reference implementation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Strategy:
    """A reference implementation and the location of its factory."""

    name: str
    sentence: str
    module: str
    attribute: str = "create_app"
    shipped: bool = False
    """Whether it belongs to the harness: its modules keep no state, so they are imported once in a process."""

    @property
    def target(self) -> str:
        """Return the `module:attribute` by which it is loaded, like a user's application."""
        return f"{self.module}:{self.attribute}"
