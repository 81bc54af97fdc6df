"""All providers by name: their hosts, their environment variables, and their fakes.

Links of faults, lanes of diagrams, ports, placeholders of harness.toml and an application's environment derive from
this table. The shipped fakes share one account, so the worlds create them together (`harness.fakes.gateway`); a
plugin's provider has a fake of its own.
"""

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from harness.errors import PluginError
from harness.fakes.paths import GENERATE_IMAGE
from harness.fakes.provider import Provider
from harness.fakes.published_files import FILE_HOSTS
from harness.plugins import plugins

SUNO = Provider(
    "suno", "Suno", ("api.sunoapi.org", "sunoapiorg.redpandaai.co"), base_url="SUNO_BASE_URL", api_key="SUNO_API_KEY"
)
KIE = Provider(
    "kie",
    "Kie.ai",
    ("api.kie.ai", "kieai.redpandaai.co"),
    (
        GENERATE_IMAGE,
        *("/api/v1/jobs/", "/api/v1/common/", "/api/v1/gpt4o-image/", "/api/v1/flux/", "/api/v1/models", "/api/file-"),
        *("/api/v1/playground/", "/api/v1/mj/", "/api/v1/veo/", "/api/v1/runway/", "/api/v1/aleph/", "/api/v1/modify/"),
    ),
    base_url="KIE_BASE_URL",
    api_key="KIE_API_KEY",
)
"""Each has a second host, which takes uploads; both hosts serve everything."""
MEDIA = Provider("media", "files", FILE_HOSTS)
_TAKEN = ("callbacks", "store", "app", "user", "other")
"""Names with another meaning where a provider's name is used."""


def _registered() -> dict[str, Provider]:
    found = {provider.name: provider for provider in (SUNO, KIE, MEDIA)}
    for target, value in plugins("providers"):
        if not isinstance(value, Provider) or value.fake is None:
            raise PluginError(f"{target}: expected a harness.fakes.provider.Provider with a fake, found {value!r}")
        taken = {host for provider in found.values() for host in provider.hosts}
        if value.name in found or value.name in _TAKEN or taken.intersection(value.hosts):
            raise PluginError(f'{target}: the name "{value.name}" or one of its hosts is already in use; choose others')
        found[value.name] = value
    return found


PROVIDERS = _registered()
ADDED = tuple(provider for provider in PROVIDERS.values() if provider.fake is not None)
"""The providers of plugins."""
LINKS = (*PROVIDERS, "callbacks", "store")
"""The ends of messages: an application and each provider or its store, and the providers' callbacks."""


def link_of_path(path: str) -> str:
    """Return which of the two shipped providers on the shared host serves a path."""
    return KIE.name if path.startswith(KIE.paths) else SUNO.name


def link_to(provider: Provider) -> Callable[[str], str]:
    """Return the function that maps the path of a request to `provider` to its link."""
    return link_of_path if provider in (SUNO, KIE) else lambda path: provider.name


def fake_of(provider: Provider, seed: int) -> ASGIApp:
    """Return a new fake of a plugin's provider, for a run with this seed."""
    assert provider.fake is not None, f"{provider.name} is a shipped provider"
    return provider.fake(seed)


def environment(url: Callable[[Provider], Any], api_key: str) -> dict[str, str]:
    """Return the environment variables with which an application finds the providers; `url` returns the base URL of
    each."""
    found: dict[str, str] = {}
    for provider in PROVIDERS.values():
        if provider.base_url is not None:
            found[provider.base_url] = str(url(provider))
        if provider.api_key is not None:
            found[provider.api_key] = api_key
    return found
