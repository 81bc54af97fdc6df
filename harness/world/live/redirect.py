"""How a started process's requests come to the fakes, without a line of it changed and nothing outside it touched.

`variables`: base URLs in its environment (templates like `KIE_BASE_URL = "{kie}"`).
`preload`: a Node process gets a module preloaded that rewrites the providers' origins for fetch, http and https.
`proxy`: the process is told of a proxy and its certificate authority, by the variables that Python, curl and Node know.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from harness.world.hosts import MEDIA_HOSTS, PROVIDER_HOSTS

PRELOAD = Path(__file__).parent / "preload.cjs"
LOCAL = "localhost,127.0.0.1,::1"


def preload_environment(origins: Mapping[str, str], strangers: str, given: str) -> dict[str, str]:
    """What a Node process needs to have its requests rewritten; `given` are the NODE_OPTIONS that it has anyway.

    `origins` maps a host's name to the address of its fake; requests to other hosts are reported to `strangers`.
    """
    rewritten = {f"{scheme}://{host}": where for host, where in origins.items() for scheme in ("https", "http")}
    return {
        "NODE_OPTIONS": f'{given} --require "{PRELOAD}"'.strip(),
        "HARNESS_ORIGINS": json.dumps(rewritten),
        "HARNESS_STRANGERS": strangers,
    }


def preload_also(environment: Mapping[str, str], host: str, where: str) -> dict[str, str]:
    """The same environment with one more host that is led to an address."""
    origins = json.loads(environment["HARNESS_ORIGINS"]) | {f"https://{host}": where}
    return {**environment, "HARNESS_ORIGINS": json.dumps(origins)}


def allow_databases(environment: Mapping[str, str], variables: Iterable[str]) -> dict[str, str]:
    """The same environment with the hosts to which a process may open sockets: those that its variables name in URLs
    that are none of the web ("postgres://db:5432/x")."""
    hosts = {_host_of(value) for value in variables if not value.startswith(("http:", "https:"))}
    return {**environment, "HARNESS_ALLOWED": json.dumps(sorted(hosts - {""}))}


def _host_of(value: str) -> str:
    if "://" not in value:
        return ""
    try:
        return urlsplit(value).hostname or ""
    except ValueError:
        return ""


def proxy_environment(proxy: str, certificate: Path, bundle: Path) -> dict[str, str]:
    """What a process needs to go through a proxy and to trust its authority.

    `certificate` is the authority's own, for those who add it to what they trust; `bundle` holds it among all others,
    for those who replace what they trust.
    """
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    proxies = {spelled: proxy for name in names for spelled in (name, name.lower())}
    bundles = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"), str(bundle))
    return {
        **proxies,
        "NO_PROXY": LOCAL,
        "no_proxy": LOCAL,
        **bundles,
        "NODE_EXTRA_CA_CERTS": str(certificate),
        "NODE_USE_ENV_PROXY": "1",
    }


def real_names() -> tuple[str, ...]:
    """Every host that a fake stands in for."""
    return (*PROVIDER_HOSTS, *MEDIA_HOSTS)
