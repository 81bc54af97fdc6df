"""The interface between the fakes and their media host, and the texts that may appear in place of a file's URL."""

from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urlsplit

from harness.fakes.pictures import PictureSpec
from harness.fakes.script import ImageUrlText, Picture
from harness.fakes.watermark import Watermark

PRIVATE_URL = "http://169.254.169.254/latest/meta-data/cover.png"
"""The address at which cloud machines serve their own credentials: the target of a smuggled-in URL."""
TEMPORARY_HOST = "tempfile.aiquickdraw.com"
MUSIC_HOST = "musicfile.kie.ai"
SOURCE_AUDIO_HOST, SOURCE_COVER_HOST, SOURCE_STREAM_HOST = "cdn1.suno.ai", "cdn2.suno.ai", "audiopipe.suno.ai"
UPLOADS_HOST = "tempfile.redpandaai.co"
FILE_HOSTS = (TEMPORARY_HOST, MUSIC_HOST, SOURCE_AUDIO_HOST, SOURCE_COVER_HOST, SOURCE_STREAM_HOST, UPLOADS_HOST)
"""The public hosts of the providers' files; all of them serve every file."""
STRAY_NUMBER_FIRST = 60_000
"""The first number for pictures that belong to no task of a run."""


class Stored(NamedTuple):
    """The content of a file that was uploaded."""

    content: bytes
    content_type: str


class UploadStore(Protocol):
    """Keeps uploaded files; a MediaHost is one."""

    def store(self, path: str, file: Stored) -> str:
        """Serve a file at a path from now on, instead of one that was there, and return its URL."""
        ...

    def stored(self, url: str) -> Stored | None:
        """Return the file at a URL; None if it is not one of its own."""
        ...


class Publisher(Protocol):
    """Makes a file available for download; a MediaHost's `publish` is one."""

    def __call__(
        self,
        extension: str,
        *,
        picture: PictureSpec | None,
        audio_seconds: float | None,
        host: str | None = None,
        is_stream: bool = False,
    ) -> str:
        """Serve a picture or an audio file from now on; the URL ends with `extension`, whatever the format is. Exactly
        one of the two is given. The URL is on `host` if the files are served under their public hosts. A stream ends
        earlier than a file."""
        ...


class Lender(Protocol):
    """Creates temporary links; a MediaHost's `lend` is one."""

    def __call__(self, url: str, lifetime_s: float) -> str | None:
        """Return another URL of the same file for a limited time, or None when `url` is not one of its own."""
        ...


def lend_nothing(url: str, lifetime_s: float) -> str | None:
    """The lender of a fake without one: no URL is one of its own."""
    return None


class _NoFiles:
    """The store of a fake without one: what is uploaded is at an address where nothing is served."""

    def store(self, path: str, file: Stored) -> str:
        return f"https://{UPLOADS_HOST}{quote(path)}"

    def stored(self, url: str) -> Stored | None:
        return None


NO_FILES: UploadStore = _NoFiles()


def task_number(before: int) -> int:
    """Return the number of a task after so many others, from 1. It is in the watermarks of the task's pictures, which
    hold no larger numbers than those of strays, so it begins again before these."""
    return before % (STRAY_NUMBER_FIRST - 1) + 1


def picture_spec(picture: Picture, mark_kind: str, number: int, part: int = 0) -> PictureSpec:
    """Return the file for a scripted picture; without `made_*` it was made at its own size."""
    mark = Watermark(
        kind="cover" if mark_kind == "cover" else "picture",
        number=number,
        made_width=picture.made_width or picture.width,
        made_height=picture.made_height or picture.height,
        part=part,
    )
    return PictureSpec(picture.width, picture.height, mark, picture.format, picture.flaw, picture.weight)  # type: ignore[arg-type]


def put_url(target: dict[str, Any], key: str, url: str | None, text: ImageUrlText) -> None:
    """Set `target[key]` to the value that the script wants; omit the key if it is to be missing."""
    match text:
        case "missing":
            return
        case "null":
            target[key] = None
        case "empty":
            target[key] = ""
        case "undefined":
            target[key] = "undefined"
        case "private":
            target[key] = PRIVATE_URL
        case "relative":
            target[key] = urlsplit(url or "").path
        case "given":
            if url is not None:
                target[key] = url
