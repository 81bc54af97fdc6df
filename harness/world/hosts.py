"""The hosts of a world by their names, and which link a request to one of them belongs to."""

from harness.fakes.registry import ADDED, KIE, MEDIA, SUNO

APPLICATION_HOST = "app.test"
KIE_HOST, SUNO_HOST, MEDIA_HOSTS = KIE.hosts[0], SUNO.hosts[0], MEDIA.hosts
PROVIDER_HOSTS = (KIE_HOST, SUNO_HOST, *(host for provider in ADDED for host in provider.hosts))
"""The hosts that answer requests for generations; those of plugins, too."""


def store_link(path: str) -> str:
    """Everything that a live application's store serves is one link."""
    return "store"
