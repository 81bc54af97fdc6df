"""TLS in the simulated world: real handshakes in memory with certificates of an authority that lives in this process.

Code under test may say `https://api.kie.ai` and use any client with its own idea of whom to trust. Every client's
`SSLContext` that reaches a simulated connection learns to trust the throw-away authority at that moment: its key never
leaves the process, so outside a simulation it vouches for nobody.

Making a context from certifi's bundle costs 15 ms for each `httpx.AsyncClient()`, even for plain http. `SSL_CERT_FILE`
is therefore pointed at a file with a single certificate while an implementation runs; which one does not matter, since
no connection leaves the process.
"""

import os
import ssl
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakSet

from harness.world.simulated.tempdir import scratch_folder

END_CERTIFICATE = "-----END CERTIFICATE-----"

_trusting: "WeakSet[ssl.SSLContext]" = WeakSet()


@cache
def _authority() -> Any:
    import trustme

    return trustme.CA(organization_name="Simulated world", organization_unit_name="Throw-away authority")


@cache
def server_context() -> ssl.SSLContext:
    """The context of every simulated https server; the certificate is chosen by the name the client asks for."""
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
    """Lets a client's context trust the throw-away authority."""
    if context not in _trusting:
        _trusting.add(context)
        _authority().configure_trust(context)


@cache
def trust_file() -> str:
    """Path of a PEM file with one certificate, for `SSL_CERT_FILE`."""
    import certifi

    first, end, _rest = Path(certifi.where()).read_text(encoding="ascii", errors="ignore").partition(END_CERTIFICATE)
    path = scratch_folder() / "trust.pem"
    fresh = path.with_suffix(f".{os.getpid()}")  # a file that another process reads is never half written
    fresh.write_text(first + end + "\n", encoding="ascii")
    fresh.replace(path)
    return str(path)
