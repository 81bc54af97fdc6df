"""The names of a world's hosts, and the link to which a request to one of them belongs."""

from harness.fakes.registry import ADDED, KIE, MEDIA, SUNO

APPLICATION_HOST = "app.test"
KIE_HOST, SUNO_HOST, MEDIA_HOSTS = KIE.hosts[0], SUNO.hosts[0], MEDIA.hosts
PROVIDER_HOSTS = (*KIE.hosts, *SUNO.hosts, *(host for provider in ADDED for host in provider.hosts))
"""The hosts that take requests for generations, including those of plugins."""


def store_link(path: str) -> str:
    """Return the link of a live application's store: all its paths are one link."""
    return "store"
