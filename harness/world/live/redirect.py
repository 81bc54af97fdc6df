"""Redirects a started process's requests to the fakes, without changing its code or anything outside it.

`variables`: base URLs in its environment (templates like `KIE_BASE_URL = "{kie}"`). `preload`: a Node process preloads
a module that leads connections to the providers' hosts to the fakes. `proxy`: the process gets a proxy and its
certificate authority, through the variables that Python, curl and Node read.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from harness.fakes.registry import PROVIDERS

PRELOAD = Path(__file__).parent / "preload.cjs"
PYTHON_HOOK = Path(__file__).parent / "python_hook"
LOCAL = "localhost,127.0.0.1,::1"


def preload_environment(origins: Mapping[str, str], unknown: str, given: str) -> dict[str, str]:
    """Return the environment for a Node process with rewritten requests; `given` is its existing NODE_OPTIONS.

    `origins` maps a host's name to the address of its fake; requests to other hosts are reported to `unknown`.
    """
    rewritten = {f"{scheme}://{host}": where for host, where in origins.items() for scheme in ("https", "http")}
    return {
        "NODE_OPTIONS": f'{given} --require "{PRELOAD}"'.strip(),
        "HARNESS_ORIGINS": json.dumps(rewritten),
        "HARNESS_STRANGERS": unknown,
    }


def write_preload(environment: Mapping[str, str], path: Path) -> str:
    """Write the preloaded module with its variables into one file; return the NODE_OPTIONS that preload it."""
    variables = {name: value for name, value in environment.items() if name != "NODE_OPTIONS"}
    path.write_text(
        f"Object.assign(process.env, {json.dumps(variables)});\nrequire({json.dumps(str(PRELOAD))});\n",
        encoding="utf-8",
    )
    return f'--require "{path}"'


def preload_also(environment: Mapping[str, str], host: str, where: str) -> dict[str, str]:
    """Return the environment with one more host redirected to an address."""
    origins = json.loads(environment["HARNESS_ORIGINS"]) | {f"https://{host}": where}
    return {**environment, "HARNESS_ORIGINS": json.dumps(origins)}


def with_fakes(environment: Mapping[str, str], addresses: Iterable[str]) -> dict[str, str]:
    """Return the environment with more addresses of fakes, whose requests say what caused them."""
    return {**environment, "HARNESS_FAKES": json.dumps([*addresses])}


def follow_python(environment: Mapping[str, str], addresses: Iterable[str], followed: Path) -> dict[str, str]:
    """Return the environment in which Python processes follow what a request causes, up to their requests to these
    addresses of fakes and to the providers' hosts. `followed` is made once a server does so; see `python_hook`."""
    hosts = [f"{scheme}://{host}" for each in PROVIDERS.values() for host in each.hosts for scheme in ("https", "http")]
    proxies = [environment["HTTP_PROXY"]] if "HTTP_PROXY" in environment else []
    return with_fakes({**environment, "HARNESS_FOLLOWED": str(followed)}, [*addresses, *hosts, *proxies])


def with_own_first(environment: Mapping[str, str], reach: Mapping[str, str]) -> dict[str, str]:
    """Return an application's environment in which its own Node options and Python modules come after the harness's:
    `reach` is what the functions here have returned."""
    result = dict(environment)
    if "HARNESS_ORIGINS" in reach:
        options = result.get("NODE_OPTIONS", "")
        result["NODE_OPTIONS"] = options if str(PRELOAD) in options else f'{options} --require "{PRELOAD}"'.strip()
    if "HARNESS_FOLLOWED" in reach:
        result["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PYTHON_HOOK), result.get("PYTHONPATH")]))
    return result


def allow_databases(environment: Mapping[str, str], variables: Iterable[str]) -> dict[str, str]:
    """Return the environment with the hosts to which a process may open sockets: those in its variables' non-web URLs
    ("postgres://db:5432/x")."""
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
    """Return the environment for a process that uses a proxy and trusts its authority.

    `certificate` is the authority's own, for clients that add it to their trusted ones; `bundle` also contains all the
    others, for clients that replace their trusted ones.
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
