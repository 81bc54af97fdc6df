"""A provider: what a service that an application sends requests to is called, and where it is."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Provider:
    """A service that an application sends requests to."""

    name: str
    """What links, ports, placeholders and lanes call it."""
    title: str
    hosts: tuple[str, ...]
    paths: tuple[str, ...] = ()
    """Beginnings of the paths that are this provider's, where several share hosts; none for all others."""
    base_url: str | None = None
    """The environment variable that gets its base URL."""
    api_key: str | None = None
    """The environment variable that gets its key."""
    fake: Callable[[int], ASGIApp] | None = None
    """Makes an ASGI application for a run, from the run's seed; None for the shipped ones."""
