"""A provider: the name and address of a service that an application sends requests to."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Provider:
    """A service that an application sends requests to."""

    name: str
    """The name used for links, ports, placeholders and lanes."""
    title: str
    hosts: tuple[str, ...]
    paths: tuple[str, ...] = ()
    """Prefixes of the paths that belong to this provider, where several share hosts; empty for all others."""
    base_url: str | None = None
    """The environment variable with its base URL."""
    api_key: str | None = None
    """The environment variable with its key."""
    fake: Callable[[int], ASGIApp] | None = None
    """Returns an ASGI application for a run, from the run's seed; None for the shipped ones."""
