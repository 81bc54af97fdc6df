"""A kind of store: its key in `[track]` and its factory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from harness.config.app_config import Settings, filled
from harness.stores.polling import Store


@dataclass(frozen=True, slots=True)
class StoreContext:
    """The arguments for opening a store."""

    text: str
    """Its value in harness.toml: `[track] sqlite = "..."`."""
    settings: Settings
    values: Mapping[str, str]
    """The values of the configuration's placeholders."""
    client: httpx.AsyncClient
    speed: float

    @property
    def filled(self) -> str:
        """Return the text with its placeholders replaced."""
        return filled(self.text, self.values)


@dataclass(frozen=True, slots=True)
class StoreKind:
    """A kind of store: its key in `[track]` and its factory. `open` raises ImplementationError."""

    name: str
    open: Callable[[StoreContext], Store]
