"""The probe: fetches a track's picture or audio as a browser would, without leaving a trace in the world."""

import asyncio
import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from harness.audio.file import AudioFile
from harness.audio.inspect import examine_audio
from harness.faults.exchange import App, Message, Scope, received_again
from harness.image.inspect import Examination, examine
from harness.json_text import parse_json

REDIRECTS_MAX = 10
BROWSER = b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
PICTURE, AUDIO = b"image/*,*/*;q=0.8", b"audio/*;q=0.9,*/*;q=0.5"
"""What a browser accepts in the place of each."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The result of opening a URL; `problem` is a sentence if there was no response at all."""

    status: int | None
    content: bytes
    problem: str | None = None

    @property
    def has_content(self) -> bool:
        return self.problem is None and self.status == 200

    def examined(self) -> Examination:
        """Return the picture that is there, if there is one."""
        if self.has_content:
            return examine(self.content)
        return Examination(False, problem=self._missing)

    def examined_audio(self) -> AudioFile:
        """Return the audio that is there, if there is any."""
        return examine_audio(self.content) if self.has_content else AudioFile(problem=self._missing)

    @property
    def _missing(self) -> str:
        return self.problem or f"it answers HTTP {self.status}"


class _BrokenWire:
    """The probe's own connection, which a fault may break."""

    def __init__(self) -> None:
        self.broken = False
        self.where = ()

    def write(self, data: bytes) -> None: ...

    def close(self) -> None:
        self.broken = True

    def reset(self) -> None:
        self.broken = True


async def look(url: Any, hosts: dict[str, App], page: str, accepts: bytes = PICTURE) -> Sight:
    """Open `url` as a browser showing `page` would, following redirects, on the hosts of a world.

    A relative URL is resolved against `page`; `accepts` is what the browser expects. Never raises for a bad URL.
    """
    if not isinstance(url, str) or not url.strip():
        return Sight(None, b"", "there is no URL")
    try:
        seen = url if url.startswith("http") else urljoin(page, url)
    except ValueError:
        return Sight(None, b"", f"{url!r} is not a URL")
    for hop in range(REDIRECTS_MAX + 1):
        try:
            parts = urlsplit(seen)
        except ValueError:
            return Sight(None, b"", f"{seen!r} is not a URL")
        if parts.scheme == "data" and hop == 0:
            return _in_the_url(seen)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return Sight(None, b"", f"{seen!r} is not an absolute http URL")
        app = hosts.get(parts.hostname)
        if app is None:
            return Sight(None, b"", f"no host called {parts.hostname!r} is known in this world")
        status, headers, content, broken = await _get(app, parts, page, accepts)
        if broken:
            return Sight(status, content, "the connection broke off")
        location = headers.get(b"location")
        if status not in (301, 302, 303, 307, 308) or location is None:
            return Sight(status, content, _shortened(headers, content))
        seen = urljoin(seen, location.decode("latin-1"))
    return Sight(None, b"", f"more than {REDIRECTS_MAX} redirects")


def is_at(url: str, host: str) -> bool:
    """Return whether a URL is on a host, or is relative to one of its pages."""
    try:
        return urlsplit(url).hostname in (None, host)
    except ValueError:
        return False


def _shortened(headers: dict[bytes, bytes], content: bytes) -> str | None:
    """Return that a response ends before its stated length, as a sentence; None if it does not."""
    stated = headers.get(b"content-length", b"")
    if not stated.isdigit() or int(stated) <= len(content):
        return None
    return f"it answers with {len(content)} bytes of the {int(stated)} that it announces"


def _in_the_url(url: str) -> Sight:
    """Return the content of a data: URL (RFC 2397)."""
    head, comma, data = url.partition(",")
    if not comma:
        return Sight(None, b"", "the data: URL has no data")
    content = unquote_to_bytes(data)
    if not head.endswith(";base64"):
        return Sight(200, content)
    try:
        return Sight(200, base64.b64decode(content, validate=True))
    except ValueError:
        return Sight(None, b"", "the data: URL is no base64")


async def get_json(app: App, path: str) -> Any:
    """Return the JSON of `app`'s response to a GET of `path`; None for any other response."""
    page = f"http://app.test{path}"
    status, _headers, content, broken = await _get(app, urlsplit(page), page, PICTURE)
    if status != 200 or broken:
        return None
    try:
        return parse_json(content)
    except ValueError:
        return None


async def _get(app: App, parts: Any, page: str, accepts: bytes) -> tuple[int | None, dict[bytes, bytes], bytes, bool]:
    connection = _BrokenWire()
    status: int | None = None
    headers: dict[bytes, bytes] = {}
    chunks: list[bytes] = []
    complete = False
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": parts.scheme,
        "path": parts.path or "/",
        "raw_path": (parts.path or "/").encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [
            (b"host", parts.netloc.encode()),
            (b"user-agent", BROWSER),
            (b"accept", accepts),
            (b"referer", page.encode()),
        ],
        "client": ("198.18.0.250", 50_000),
        "server": (parts.hostname, 80),
        "state": {"wire": connection, "observer": True},
    }

    has_response = asyncio.Event()

    async def disconnect() -> Message:
        """The client leaves when it has the response; a framework may wait for that at the side."""
        await has_response.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status, headers, complete
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {name.lower(): value for name, value in message.get("headers", ())}
        elif message["type"] == "http.response.body":
            chunks.append(message.get("body", b""))
            complete = not message.get("more_body", False)
            if complete:
                has_response.set()

    try:
        await app(scope, received_again(b"", disconnect), send)
    except Exception:
        return 500, {}, b"", False  # a server turns an exception into this response
    return status, headers, b"".join(chunks), connection.broken or not complete
