"""Sends requests to a live application: the user's requests for tracks, and the providers' callbacks.

Both are recorded in the journal as the application's own host sees them: a request when it is sent, then its response,
or that the sender gave up. A callback to another machine is not sent: it is recorded as a connection to an unknown
host, and to the provider its receiver is unreachable.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from harness.fakes.http_client import ClientResponse, Post, post
from harness.trace.events import ConnectionToUnknownHost, Request, RequestAbandoned
from harness.trace.journal import body_facts
from harness.world.hosts import KIE_HOST
from harness.world.journal_writer import JournalWriter
from harness.world.live.causes import ENTRY_HEADER
from harness.world.live.late_answers import CALLER_GONE, JSON, LateAnswers, response_to
from harness.world.scope import CAUSE

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
    writer: JournalWriter,
    by: str,
    host: str,
    send: Post = post,
    also: Collection[str] = (),
    *,
    method: str = "POST",
    is_followed: Callable[[], bool] = lambda: False,
    late: LateAnswers | None = None,
) -> Post:
    """Return `send`, with each request to the application and its outcome recorded in the journal.

    Providers (`by` is the provider's host) may send to this machine and to the hosts in `also`, and nowhere else.
    `is_followed`: the application's process takes a header with the request's number; see `live.causes`. `late`
    follows requests that their sender gives up; without it they are cancelled.
    """

    async def posting(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
        if by == KIE_HOST:
            _refuse_other_machines(writer, by, url, also)
        number = writer.record(_request(by, host, method, url, content, headers))
        began_s = asyncio.get_running_loop().time()
        gone = asyncio.Event()
        contexts = CAUSE.set(number), CALLER_GONE.set(gone)
        numbered = {ENTRY_HEADER: str(number)} if is_followed() else {}
        sending = asyncio.ensure_future(send(url, content, {**headers, **numbered}))
        try:
            answer = await asyncio.shield(sending)
        except asyncio.CancelledError:
            after_s = round(asyncio.get_running_loop().time() - began_s, 6)
            writer.record(RequestAbandoned(request=number, after_s=after_s), number)
            gone.set()
            if late is None:
                sending.cancel()
            else:
                late.follow(number, began_s, sending)
            raise
        except Exception:
            writer.record(response_to(number, began_s, "broken-off"), number)
            raise
        finally:
            CAUSE.reset(contexts[0])
            CALLER_GONE.reset(contexts[1])
        writer.record(response_to(number, began_s, "answered", answer), number)
        return answer

    return posting


def _refuse_other_machines(writer: JournalWriter, by: str, url: str, also: Collection[str]) -> None:
    """Record a connection that is not made. Raise ConnectionError for another machine."""
    parts = urlsplit(url)
    if not is_near(parts.hostname, also):
        port = parts.port or PORTS.get(parts.scheme, 0)
        writer.record(ConnectionToUnknownHost(host=parts.hostname or "", port=port, by=by))
        raise ConnectionError(f"callbacks go to this machine only, not to {parts.hostname}")


def _request(by: str, host: str, method: str, url: str, content: bytes, headers: dict[str, str]) -> Request:
    parts = urlsplit(url)
    return Request(
        by=by,
        host=host,
        scheme=parts.scheme,
        link="app",
        method=method,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        headers={name.lower(): value for name, value in headers.items()},
        body=body_facts(content, JSON),
    )
