"""The table of published clients."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
PLAYS = HERE / "plays"


@dataclass(frozen=True, slots=True)
class PublishedClient:
    """A client, where it comes from, and how it is played."""

    name: str
    version: str
    registry: str
    licence: str
    dialect: Any
    play: str
    flow: str
    pointed: str
    own_mistakes: str = ""
    """What the provider would refuse as the fakes do."""


def read() -> tuple[PublishedClient, ...]:
    """Return the clients in the order of the table."""
    entries = yaml.safe_load((HERE / "clients.yaml").read_text("utf-8"))
    return tuple(PublishedClient(name, **facts) for name, facts in entries.items())
