"""Sends requests to a live application: the user's requests for tracks, and the providers' callbacks.

Both are recorded in the journal as the application's own host sees them: a request when it is sent, then its response,
or that the sender gave up. A callback to another machine is not sent: it is recorded as a connection to an unknown
host, and to the provider its receiver is unreachable.
"""

import asyncio
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from harness.fakes.http_client import ClientResponse, Post, post
from harness.trace.events import ConnectionToUnknownHost, Request, RequestAbandoned, Response
from harness.trace.journal import body_facts
from harness.world.hosts import KIE_HOST
from harness.world.journal_writer import JournalWriter
from harness.world.scope import CAUSE

JSON = "application/json"
PORTS = {"http": 80, "https": 443}


def is_near(host: str | None, also: Collection[str] = ()) -> bool:
    """Return whether a URL's host is this machine or one of those named. Names are not resolved, since that would send
    a query to another machine."""
    if host is None or host in also:
        return True  # a URL without a host leads nowhere
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def recorded(
    writer: JournalWriter, by: str, host: str, send: Post = post, also: Collection[str] = (), *, method: str = "POST"
) -> Post:
    """Return `send`, with each request to the application and its outcome recorded in the journal.

    Providers (`by` is the provider's host) may send to this machine and to the hosts in `also`, and nowhere else.
    """

    async def posting(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
        parts = urlsplit(url)
        if by == KIE_HOST and not is_near(parts.hostname, also):
            port = parts.port or PORTS.get(parts.scheme, 0)
            writer.record(ConnectionToUnknownHost(host=parts.hostname or "", port=port, by=by))
            raise ConnectionError(f"callbacks go to this machine only, not to {parts.hostname}")
        request = Request(
            by=by,
            host=host,
            scheme=parts.scheme,
            link="app",
            method=method,
            path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            headers={name.lower(): value for name, value in headers.items()},
            body=body_facts(content, JSON),
        )
        number = writer.record(request)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        context = CAUSE.set(number)
        try:
            answer = await send(url, content, headers)
        except asyncio.CancelledError:
            after_s = round(loop.time() - began_s, 6)
            writer.record(RequestAbandoned(request=number, after_s=after_s), number)
            raise
        except Exception:
            broken_off = Response(
                request=number,
                outcome="broken-off",
                status=None,
                latency_s=round(loop.time() - began_s, 6),
                headers={},
                body=None,
            )
            writer.record(broken_off, number)
            raise
        finally:
            CAUSE.reset(context)
        response = Response(
            request=number,
            outcome="answered",
            status=answer.status,
            latency_s=round(loop.time() - began_s, 6),
            headers={},
            body=body_facts(answer.body, JSON),
        )
        writer.record(response, number)
        return answer

    return posting
