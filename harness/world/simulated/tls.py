"""TLS in the simulated world: real handshakes in memory, with certificates of an authority inside this process.

Code under test may request `https://api.kie.ai` with any client and any set of trusted authorities. Every client
`SSLContext` that reaches a simulated connection is made to trust the throw-away authority at that moment; the
authority's key never leaves the process, so this has no effect outside a simulation.

Building a context from certifi's bundle costs 15 ms for each `httpx.AsyncClient()`, even for plain http. While an
implementation runs, `SSL_CERT_FILE` therefore names a file with a single certificate; any one will do, since no
connection leaves the process.
"""

import os
import ssl
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakSet

from harness.world.scratch import scratch_folder

END_CERTIFICATE = "-----END CERTIFICATE-----"

_trusting: "WeakSet[ssl.SSLContext]" = WeakSet()


@cache
def _authority() -> Any:
    import trustme

    return trustme.CA(organization_name="Simulated world", organization_unit_name="Throw-away authority")


@cache
def server_context() -> ssl.SSLContext:
    """Return the context of every simulated https server; it selects the certificate by the requested host name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = _present_certificate
    return context


_contexts_by_host: dict[str, ssl.SSLContext] = {}


def _present_certificate(connection: ssl.SSLObject | ssl.SSLSocket, host: str | None, context: ssl.SSLContext) -> None:
    name = host or "localhost"
    if name not in _contexts_by_host:
        fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _authority().issue_cert(name).configure_cert(fresh)
        _contexts_by_host[name] = fresh
    connection.context = _contexts_by_host[name]


def trust(context: ssl.SSLContext) -> None:
    """Make a client's context trust the throw-away authority."""
    if context not in _trusting:
        _trusting.add(context)
        _authority().configure_trust(context)


@cache
def trust_file() -> str:
    """Return the path of a PEM file with one certificate, for `SSL_CERT_FILE`."""
    import certifi

    first, end, _rest = Path(certifi.where()).read_text(encoding="ascii", errors="ignore").partition(END_CERTIFICATE)
    path = scratch_folder() / "trust.pem"
    fresh = path.with_suffix(f".{os.getpid()}")  # written aside, so that no other process reads a partial file
    fresh.write_text(first + end + "\n", encoding="ascii")
    fresh.replace(path)
    return str(path)
