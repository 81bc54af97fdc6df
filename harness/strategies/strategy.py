"""A strategy: the name of a reference implementation, what it does, and where it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Strategy:
    """A reference implementation and where its factory is."""

    name: str
    sentence: str
    module: str
    attribute: str = "create_app"
    shipped: bool = False
    """Whether it belongs to the harness: its modules keep no state, so they are imported once in a process."""

    @property
    def target(self) -> str:
        """The `module:attribute` by which it is loaded, like any user's application."""
        return f"{self.module}:{self.attribute}"
