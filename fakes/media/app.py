"""The media host: serves the pictures and audio that the fakes publish, with the failures of a MediaScript.

A file is only a description of its content until it is first fetched; most runs fetch few of the files they publish.
"""

import asyncio
import gzip
import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from urllib.parse import quote, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harness.fakes.events import Observer, ignore
from harness.fakes.pictures import PictureSpec
from harness.fakes.published_files import FILE_HOSTS, UPLOADS_HOST, Stored
from harness.fakes.responses import TEXT_TYPE
from harness.fakes.script import DAY_S, MediaScript

LATER_SIDE_PX = 360
"""The side of a picture after a script has changed the file: as small as the music's covers."""
LATER_AUDIO_S = 1.0
LIBRARY_AGENTS = re.compile(
    r"python|aiohttp|curl|wget|node|undici|axios|got[ (/]|deno|bun|go-http|okhttp|java|apache-http|libwww|ruby|guzzle",
    re.IGNORECASE,
)
"""Prefixes of the default User-Agents of HTTP libraries. That libraries are refused has been seen; how is inferred."""
FILES_KEPT = 20_000
"""How many files can be fetched if the host is served without an end. Real ones delete them after 14 days."""
UPLOADED_BYTES_MAX = 64 * 1024 * 1024
RANGE = re.compile(r"bytes=(\d*)-(\d*)")
HEAD_LENGTH_BYTES, HEAD_TYPE = 4_096, "application/octet-stream"
"""What HEAD reports of every file if a script wants it to differ."""


@dataclass(frozen=True, slots=True)
class File:
    """A published picture, audio or video file, its time of publication, and its lifetime."""

    picture: PictureSpec | None
    audio_seconds: float | None
    published_s: float
    lifetime_s: float
    signature: str = ""
    """The query that its URL must have; empty if there is none."""
    extension: str = ""
    """That of its URL, which is the format of audio and video."""
    uploaded: Stored | None = None
    is_stream: bool = False

    def content(self, changed: bool) -> tuple[bytes, str]:
        """Return its bytes and type. Deterministic, and cached where they are made."""
        if self.uploaded is not None:
            return self.uploaded
        if self.picture is not None:
            from harness.fakes.pictures import render

            rendered = render(_later(self.picture) if changed else self.picture)
            return rendered.content, rendered.content_type
        return _recording(self.extension, LATER_AUDIO_S if changed else self.audio_seconds or LATER_AUDIO_S)


def _recording(extension: str, seconds: float) -> tuple[bytes, str]:
    from harness.fakes.audio import AUDIO_CONTENT_TYPE, WAVE_CONTENT_TYPE, silence, wave
    from harness.fakes.video import VIDEO_CONTENT_TYPE, movie

    match extension:
        case "wav":
            return wave(seconds), WAVE_CONTENT_TYPE
        case "mp4":
            return movie(seconds), VIDEO_CONTENT_TYPE
        case _:
            return silence(seconds), AUDIO_CONTENT_TYPE


def _later(picture: PictureSpec) -> PictureSpec:
    mark = replace(picture.mark, made_width=LATER_SIDE_PX, made_height=LATER_SIDE_PX)
    return replace(picture, width=LATER_SIDE_PX, height=LATER_SIDE_PX, mark=mark, flaw=None)


class MediaHost:
    """Publishes files (`publish`, a Publisher), lends them (`lend`, a Lender) and serves them (`app`, an ASGI app)."""

    def __init__(
        self, script: MediaScript, base_url: str, seed: int, observe: Observer, files_kept: int | None = None
    ) -> None:
        """The newest `files_kept` files can be fetched, or all."""
        self.script = script
        self.base_url = base_url.rstrip("/")
        """The prefix of URLs; a server that learns its own address only later sets it then."""
        self._observe = observe
        self._random = Random(f"media {seed}")
        self._files: OrderedDict[str, File] = OrderedDict()
        self._files_kept = files_kept

    def publish(
        self,
        extension: str,
        *,
        picture: PictureSpec | None,
        audio_seconds: float | None,
        host: str | None = None,
        is_stream: bool = False,
    ) -> str:
        """Serve a file from now on. Its URL shows no more of it than `extension`, which need not be its format.

        It is on `host`, unless the files are served somewhere else than under their public hosts.
        """
        assert (picture is None) != (audio_seconds is None), "a file is either a picture or audio"
        folder = "p" if picture is not None else "a"
        path = f"/{folder}/{self._random.getrandbits(64):016x}.{extension}"
        now_s = asyncio.get_running_loop().time()
        lasts_s = self.script.expires_after_s
        file = File(picture, audio_seconds, now_s, lasts_s, extension=extension, is_stream=is_stream)
        file = self._keep(path, file)
        url = (self.base_url if host is None else self._base_url_at(host)) + _with_query(path, file)
        if picture is not None:
            self._observe("picture.published", url=url, **_facts(picture))
        return url

    def lend(self, url: str, lifetime_s: float) -> str | None:
        """Return another URL of a published file that works for `lifetime_s`; None for any other URL."""
        path, file = self._find(url)
        if file is None:
            return None
        path = f"/t/{self._random.getrandbits(64):016x}.{path.rpartition('.')[2]}"
        now_s = asyncio.get_running_loop().time()
        lent = self._keep(path, replace(file, published_s=now_s, lifetime_s=lifetime_s))
        return self.base_url + _with_query(path, lent)

    def store(self, path: str, file: Stored) -> str:
        """Serve an uploaded file at a path for a day, instead of one that was there, and return its URL; the oldest
        uploads go when all have more than UPLOADED_BYTES_MAX."""
        now_s = asyncio.get_running_loop().time()
        self._files.pop(path, None)
        kept = self._keep(path, File(None, None, now_s, min(DAY_S, self.script.expires_after_s), uploaded=file))
        uploads = {path: each.uploaded for path, each in self._files.items() if each.uploaded is not None}
        excess = sum(len(each.content) for each in uploads.values()) - UPLOADED_BYTES_MAX
        for oldest, each in uploads.items():
            if excess <= 0:
                break
            del self._files[oldest]
            excess -= len(each.content)
        return self._base_url_at(UPLOADS_HOST) + _with_query(quote(path), kept)

    def stored(self, url: str) -> Stored | None:
        """Return the file at a URL of its own, as it is now; None for any other URL."""
        _, file = self._find(url)
        return None if file is None else Stored(*file.content(changed=False))

    def _find(self, url: str) -> tuple[str, File | None]:
        """Return the path of a URL of its own and the file there, on whichever of its hosts."""
        bases = {self.base_url, *(self._base_url_at(host) for host in FILE_HOSTS)}
        base = next((base for base in bases if url.startswith(f"{base}/")), None)
        quoted, _, query = url.removeprefix(base or "").partition("?")
        path = unquote(quoted)
        file = self._files.get(path) if base is not None else None
        return path, file if file is not None and file.signature == query else None

    @property
    def is_signed(self) -> bool:
        """Return whether URLs have a signature."""
        return self.script.signed or self.script.signed_for_s is not None

    def _base_url_at(self, host: str) -> str:
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{host}{parts.path}" if parts.netloc in FILE_HOSTS else self.base_url

    def _keep(self, path: str, file: File) -> File:
        """Serve a file at a path, and return it with the signature that its URL must have."""
        if self.is_signed:
            file = replace(file, signature=f"Signature={self._random.getrandbits(128):032x}")
        self._files[path] = file
        if self._files_kept is not None and len(self._files) > self._files_kept:
            self._files.popitem(last=False)
        return file

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        assert scope["type"] == "http", "a media host speaks HTTP only"
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        await self._answer(Request(scope), path)(scope, receive, send)

    def _answer(self, request: Request, path: str) -> Response:
        script = self.script
        hop, file_path = _hop_of(path)
        file = self._files.get(file_path)
        if file is None:
            return _refusal(404, "Not Found")
        if request.method not in ("GET", "HEAD"):
            return _refusal(405, "Method Not Allowed", {"allow": "GET, HEAD"})
        age_s = asyncio.get_running_loop().time() - file.published_s
        if request.url.query != file.signature and self.is_signed:
            return _refusal(403, "Forbidden")
        if script.signed_for_s is not None and age_s >= script.signed_for_s:
            return _refusal(403, "Request has expired")
        if request.method == "HEAD" and script.head_status is not None:
            return _without_body(_refusal(script.head_status, "Forbidden"))
        if script.refuses_library_agents and _is_library(request.headers.get("user-agent", "")):
            return _refusal(403, "Forbidden")
        if script.refuses_hotlinks and _is_embedded(request):
            return _refusal(403, "Forbidden")
        if age_s < script.missing_for_s or age_s >= file.lifetime_s:
            return _refusal(404, "Not Found")
        if script.redirects < 0 or hop < script.redirects:
            following = (hop + 1) % 2 if script.redirects < 0 else hop + 1
            where = f"/hop/{following}{file_path}" if following else file_path
            return Response(status_code=302, headers={"location": self.base_url + _with_query(where, file)})
        changed = script.changes_after_s is not None and age_s >= script.changes_after_s
        is_empty = script.empty or (file.is_stream and age_s >= script.streams_last_s)
        return self._file_answer(request, file, changed, is_empty)

    def _file_answer(self, request: Request, file: File, changed: bool, is_empty: bool) -> Response:
        script = self.script
        if request.method == "HEAD" and script.head_differs:
            return _without_body(Response(bytes(HEAD_LENGTH_BYTES), media_type=HEAD_TYPE))
        content, content_type = file.content(changed)
        if is_empty:
            content = b""
        status = script.status_with_image or 200
        headers = {"content-type": script.content_type or content_type}
        if script.etag:
            headers["etag"] = f'"{sha256(content).hexdigest()[:32]}"'
            if request.headers.get("if-none-match") == headers["etag"] and status == 200:
                return Response(status_code=304, headers=headers)
        if not script.ignores_range:
            headers["accept-ranges"] = "bytes"
            wanted = RANGE.fullmatch(request.headers.get("range", ""))
            if wanted is not None and status == 200 and any(wanted.groups()):
                begin, end = _slice_of(wanted[1], wanted[2], len(content))
                if script.wrong_range:
                    begin, end = len(content) // 2, len(content)
                if begin >= end:
                    return Response(status_code=416, headers={"content-range": f"bytes */{len(content)}"})
                headers["content-range"] = f"bytes {begin}-{end - 1}/{len(content)}"
                status, content = 206, content[begin:end]
        if script.gzip and status == 200 and "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["content-encoding"] = gzip.compress(content, 1, mtime=0), "gzip"
        response = Response(content, status, headers)
        if script.without_length:
            del response.headers["content-length"]
        return _without_body(response) if request.method == "HEAD" else response


def _refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response(message, status, headers, TEXT_TYPE)


def _without_body(response: Response) -> Response:
    """Return the response to HEAD: the headers without the body."""
    response.body = b""
    return response


def _with_query(path: str, file: File) -> str:
    return f"{path}?{file.signature}" if file.signature else path


def _facts(picture: PictureSpec) -> dict[str, object]:
    mark = picture.mark
    return {
        "mark": {"kind": mark.kind, "number": mark.number, "part": mark.part},
        "size": [picture.width, picture.height],
        "made": [mark.made_width, mark.made_height],
        "flaw": picture.flaw,
    }


def _hop_of(path: str) -> tuple[int, str]:
    """Split /hop/2/p/x into 2 and /p/x; a file's own path is hop 0."""
    if not path.startswith("/hop/"):
        return 0, path
    hop, _, rest = path.removeprefix("/hop/").partition("/")
    return (int(hop), f"/{rest}") if hop.isdecimal() else (0, path)


def _slice_of(first: str, last: str, length: int) -> tuple[int, int]:
    """Return begin and end (excluded) of a byte range: first-last, first-, or -count from the end."""
    if not first:
        return max(0, length - int(last)), length
    return int(first), min(int(last) + 1, length) if last else length


def _is_embedded(request: Request) -> bool:
    """Return whether the picture is requested by a page of another host."""
    referer = urlsplit(request.headers.get("referer", "")).hostname
    return referer is not None and referer != urlsplit(f"//{request.headers.get('host', '')}").hostname


def _is_library(agent: str) -> bool:
    return not agent or LIBRARY_AGENTS.match(agent) is not None


def create_app(
    script: MediaScript, *, base_url: str, seed: int = 0, observe: Observer = ignore, files_kept: int | None = None
) -> MediaHost:
    """Return a media host whose URLs begin with `base_url`; serve its `app` there. See `MediaHost` for `files_kept`."""
    return MediaHost(script, base_url, seed, observe, files_kept)
