"""Pictures: downloading one safely, and decoding it to find its real format and size.

A URL in a provider's message is untrusted: only public web addresses are opened, also after a redirect. Headers, URLs
and size fields are not evidence of what a picture is; its pixels are decoded. Pillow does not detect a PNG cut inside
its last chunk, nor a JPEG with an end marker after half of its data, so both get an additional check.
"""

import asyncio
import warnings
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import httpx

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH_PX, HEIGHT_PX = 2048, 1152
RATIO, RATIO_TOLERANCE = 16 / 9, 0.02
"""Providers round sides to their own multiples: 2736x1520 is 16:9, too."""
CONTENT_BYTES_MAX = 32 * 1024 * 1024
PIXELS_MAX = 64_000_000
REDIRECTS_MAX = 5
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
"""Media hosts return 403 to the User-Agents of HTTP libraries."""
FETCH_S = 30.0
"""Timeout without a byte from the host."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""The formats that every browser shows; untrusted bytes are passed to no other decoder."""
INWARD_NAMES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_FOREIGN_BITS = b"\x5a\xa5" * 2048
_TURNED_SIDEWAYS = (5, 6, 7, 8)


class PictureError(Exception):
    """The file cannot be downloaded, or the picture not be decoded; the message is one sentence."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
        """Whether the error is of the host or the network, so that a later attempt may succeed."""


@dataclass(frozen=True, slots=True)
class FetchedPicture:
    """A complete picture: its file, and its size in pixels as displayed."""

    content: bytes
    format: str
    """png, jpeg, webp, ..."""
    width: int
    height: int

    @property
    def resolution(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def is_2k(self) -> bool:
        """Return whether it is landscape 16:9 of 2048x1152 or more."""
        in_shape = abs(self.width / self.height / RATIO - 1) <= RATIO_TOLERANCE
        return self.width >= WIDTH_PX and self.height >= HEIGHT_PX and in_shape


def is_public_url(url: object) -> bool:
    """Return whether `url` is an absolute http(s) URL outside of the own network, judged without resolving its host."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or parts.username is not None or any(c.isspace() for c in url):
        return False
    try:
        return ip_address(host).is_global
    except ValueError:
        pass
    last_label = host.rpartition(".")[2]
    return "." in host and not last_label[:1].isdigit() and not host.endswith(INWARD_NAMES)


async def fetch_picture(
    client: httpx.AsyncClient,
    url: object,
    *,
    silence_s: float = FETCH_S,
    within_s: float | None = None,
    whatever_status: bool = False,
) -> FetchedPicture:
    """Download `url` as a browser would and decode it. Raise PictureError for every failure.

    `silence_s` is the longest time without a byte, `within_s` the longest time in all. `whatever_status`: a complete
    picture is accepted with any HTTP status.
    """
    try:
        async with asyncio.timeout(within_s):
            timeout = httpx.Timeout(silence_s, connect=silence_s)
            content = await fetch_file(client, url, timeout, whatever_status=whatever_status)
    except TimeoutError:
        raise PictureError(f"the picture is not there after {within_s:g} s", passing=True) from None
    return decode_picture(content)


async def fetch_2k_picture(client: httpx.AsyncClient, url: object) -> FetchedPicture:
    """Download a picture as `fetch_picture` does. Raise PictureError also if it is not 2K."""
    picture = await fetch_picture(client, url)
    if not picture.is_2k:
        raise PictureError(f"the picture is {picture.resolution}, not {WIDTH_PX}x{HEIGHT_PX}")
    return picture


async def fetch_file(
    client: httpx.AsyncClient,
    url: object,
    timeout: httpx.Timeout,
    *,
    whatever_status: bool = False,
    what: str = "picture",
) -> bytes:
    """Download a whole file as a browser would. Raise PictureError for every failure; it calls the file `what`."""
    headers = {"user-agent": BROWSER, "accept": "image/*,*/*;q=0.8"}
    for _ in range(REDIRECTS_MAX + 1):
        if not isinstance(url, str) or not is_public_url(url):
            raise PictureError(f"{url!r} is not a public web address"[:200])
        try:
            async with client.stream("GET", url, headers=headers, timeout=timeout) as response:
                if response.has_redirect_location:
                    url = urljoin(url, response.headers["location"])
                    continue
                if response.status_code != 200 and not whatever_status:
                    passing = response.status_code == 429 or response.status_code >= 500
                    raise PictureError(f"the {what}'s address answers HTTP {response.status_code}", passing=passing)
                return await _whole_body(response, what)
        except httpx.HTTPError as error:
            raise PictureError(f"the {what} could not be fetched: {type(error).__name__}", passing=True) from error
        except (httpx.InvalidURL, ValueError) as error:
            raise PictureError(f"the {what}'s URL is invalid: {type(error).__name__}") from error
    raise PictureError(f"the {what}'s address redirects more than {REDIRECTS_MAX} times")


async def _whole_body(response: httpx.Response, what: str) -> bytes:
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > CONTENT_BYTES_MAX:
            raise PictureError(f"the {what}'s file is larger than {CONTENT_BYTES_MAX} bytes")
    if not size:
        raise PictureError(f"the {what}'s file is empty")
    return b"".join(chunks)


def decode_picture(content: bytes) -> FetchedPicture:
    """Decode every pixel. Raise PictureError if the bytes are not one complete picture."""
    found = _decoded(content)
    if isinstance(found, str):
        raise PictureError(found)
    return found


@lru_cache(maxsize=16)
def _decoded(content: bytes) -> FetchedPicture | str:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(content), formats=FORMATS)
        width, height = image.size
        if width * height > PIXELS_MAX:
            return f"the picture claims {width}x{height} pixels, which is too much"
        image.load()
        kind = (image.format or "").lower()
        if kind == "png" and not _png_has_its_end(content):
            return "the picture is cut off"
        if kind in ("jpeg", "mpo") and _jpeg_lacks_data(content, image):
            return "the picture is cut off"
        if image.getexif().get(0x0112) in _TURNED_SIDEWAYS:
            width, height = height, width
    except Exception as error:
        # Pillow raises many kinds of exceptions for damaged files; all of them mean the same.
        return f"the picture does not decode: {type(error).__name__}"
    return FetchedPicture(content, "jpeg" if kind == "mpo" else kind, width, height)


def _png_has_its_end(content: bytes) -> bool:
    at = 8
    while at + 12 <= len(content):
        length, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if name == b"IEND":
            return True
        at += 12 + length
    return False


def _jpeg_lacks_data(content: bytes, image: "Image") -> bool:
    """Return whether bits inserted before the end marker change the picture; a complete one does not change."""
    from PIL import Image, ImageChops

    end = content.rfind(b"\xff\xd9")
    if end < 0:
        return True
    with Image.open(BytesIO(content[:end] + _FOREIGN_BITS + content[end:]), formats=FORMATS) as other:
        return ImageChops.difference(other, image).getbbox() is not None
