"""Examination of a picture file by all of its bytes and pixels instead of its claims.

No single check suffices. A header reader misses every truncation. A full decode misses a PNG that is cut inside IEND
and a JPEG with an end marker after half a body, because decoders fill missing pixels with grey. So a file must pass a
walk through its structure (PNG chunks with their checksums, JPEG segments to the end marker, RIFF and GIF lengths) and
a full decode. A JPEG is decoded again with extra bits after its last scan: a decoder that has all its data ignores
them, one that lacks data paints other pixels than before.

Bytes after the end of a well-formed picture are ignored, as browsers do. Results are cached by SHA-256, so the same
bytes are decoded once in a process.
"""

import warnings
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib import import_module
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

from harness.fakes.watermark import Watermark, read_mark

if TYPE_CHECKING:
    from PIL.Image import Image

PIXELS_MAX = 64_000_000
"""Larger pictures are rejected before decoding: 64 megapixels is seven times 4096x2304."""
REMEMBERED_MAX = 4096


@dataclass(frozen=True, slots=True)
class Examination:
    """The result of an examination. Sizes are pixels as displayed, after EXIF orientation; None if undecodable."""

    decodes: bool
    format: str | None = None
    """png, jpeg, webp, gif, bmp, avif; heic, svg or html for files that are not pictures; None if unknown."""
    width: int | None = None
    height: int | None = None
    mark: Watermark | None = None
    problem: str | None = None
    """Why it does not decode, as one sentence; None if it does."""


class _Broken(Exception):
    """The file is not a complete picture; the message is a sentence for the user."""


SEEN_AGAIN_MAX = 64
_remembered: OrderedDict[bytes, Examination] = OrderedDict()
_lock = Lock()


@lru_cache(maxsize=SEEN_AGAIN_MAX)
def examine(content: bytes) -> Examination:
    """Examine a picture file. Never raises, whatever the bytes.

    The last few files are cached by identity, because a run examines the same one several times.
    """
    digest = sha256(content).digest()
    # The lock is also held while decoding, because it guards Pillow's global switches.
    with _lock:
        known = _remembered.get(digest)
        if known is None:
            known = _remembered[digest] = _examined(content)
            if len(_remembered) > REMEMBERED_MAX:
                _remembered.popitem(last=False)
        else:
            _remembered.move_to_end(digest)
        return known


def _examined(content: bytes) -> Examination:
    format_ = _sniffed(content)
    try:
        return _decoded(content, format_)
    except _Broken as broken:
        return Examination(False, format_, problem=str(broken))
    except Exception as error:
        # Pillow raises many kinds of exceptions for damaged files; each of them is a finding, not a bug.
        title, said = _TITLES.get(format_ or "", "file"), str(error).strip() or type(error).__name__
        if "truncated" in said:
            return Examination(False, format_, problem=f"the {title} has fewer pixels than its header claims")
        return Examination(False, format_, problem=f"the {title} does not decode: {said}")


_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def _heic_size(content: bytes) -> str:
    """Return the size in the first `ispe` box of a HEIC file (ISO/IEC 23008-12), as part of a sentence."""
    at = content.find(b"ispe")
    if at < 0 or len(content) < at + 16:
        return ""
    width, height = (int.from_bytes(content[at + 8 + 4 * side : at + 12 + 4 * side], "big") for side in (0, 1))
    return f" of {width}x{height}"


_TITLES = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP", "gif": "GIF", "bmp": "BMP", "avif": "AVIF"}
_PLUGINS = {"png": "Png", "jpeg": "Jpeg", "webp": "WebP", "gif": "Gif", "bmp": "Bmp", "avif": "Avif"}


def _sniffed(content: bytes) -> str | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "webp"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if content.startswith(b"BM"):
        return "bmp"
    if content[4:12] in (b"ftypavif", b"ftypavis"):
        return "avif"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return "heic"
    text = content[:2048].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "html"
    if text.startswith((b"<svg", b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in text:
        return "svg"
    return None


def _decoded(content: bytes, format_: str | None) -> Examination:
    if not content:
        raise _Broken("0 bytes")
    if format_ is None:
        raise _Broken(f"these {len(content)} bytes are no picture in any known format")
    if format_ == "html":
        raise _Broken("this is an HTML page, not a picture")
    if format_ == "svg":
        raise _Broken("this is an SVG drawing, not a picture made of pixels")
    if format_ == "heic":
        raise _Broken(f"this is a HEIC picture{_heic_size(content)}, which most browsers do not show")
    from PIL import ImageChops

    scan_end = None
    match format_:
        case "png":
            _walk_png(content)
        case "jpeg":
            scan_end = _walk_jpeg(content)
        case "webp":
            _walk_webp(content)
        case "gif":
            _walk_gif(content)
    with _strict_pillow():
        image = _loaded(content, format_)
        if scan_end is not None:
            other = _loaded(content[:scan_end] + _FOREIGN_BITS + content[scan_end:], format_)
            # Not tobytes(): two copies of 7 MB cost ten times the comparison.
            if ImageChops.difference(image, other).getbbox() is not None:
                raise _Broken("the JPEG has an end marker but its pixels stop before the picture is full")
        turned = image.getexif().get(_ORIENTATION) in (5, 6, 7, 8)
        width, height = (image.height, image.width) if turned else image.size
        return Examination(True, format_, width, height, read_mark(image))


_ORIENTATION = 0x0112
_FOREIGN_BITS = bytes((0xFE, 0xB5, 0x6E, 0xD3, 0x97, 0xEA, 0x5B, 0xCD)) * 64
"""Begins with ones, because a decoder without data continues with zeros; no byte is 0xFF, which would be a marker."""


@contextmanager
def _strict_pillow() -> Iterator[None]:
    """Set the switches that a tested application may have changed: strict decoding, no warnings, only our limit."""
    from PIL import Image, ImageFile

    before = ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS = False, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS = before


def _loaded(content: bytes, format_: str) -> "Image":
    from PIL import Image

    # Importing one plugin keeps Pillow from importing all forty of them.
    import_module(f"PIL.{_PLUGINS[format_]}ImagePlugin")
    image = Image.open(BytesIO(content), formats=[format_.upper()])
    _refuse_bomb(*image.size)
    image.load()
    return image


def _refuse_bomb(width: int, height: int) -> None:
    if width * height > PIXELS_MAX:
        raise _Broken(
            f"{width}x{height} is {width * height / 1e6:.0f} megapixels, more than the {PIXELS_MAX // 1_000_000} "
            "that are examined"
        )


def _walk_png(content: bytes) -> None:
    at, seen_data = 8, False
    while True:
        size, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        name = kind.decode("latin-1")
        end = at + 12 + size
        if len(content) < at + 8:
            raise _Broken("the PNG ends before its last chunk (IEND)")
        if not (kind.isalpha() and kind.isascii()):
            raise _Broken(f"the PNG has something that is no chunk at byte {at}")
        if end > len(content):
            where = "its last chunk (IEND)" if kind == b"IEND" else f"a chunk ({name})"
            raise _Broken(f"the PNG ends inside {where}")
        if zlib.crc32(content[at + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            raise _Broken(f"the PNG's chunk {name} at byte {at} has a wrong checksum")
        if (at == 8) != (kind == b"IHDR"):
            raise _Broken("the PNG does not begin with its one header chunk (IHDR)")
        if kind == b"IHDR":
            _refuse_bomb(int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big"))
        seen_data = seen_data or kind == b"IDAT"
        if kind == b"IEND":
            break
        at = end
    if not seen_data:
        raise _Broken("the PNG has no pixel data (IDAT)")


@dataclass(slots=True)
class _Frame:
    """A JPEG's start of frame, and what its scans have delivered so far."""

    width: int
    height: int
    sampling: dict[int, tuple[int, int]]
    """Component id -> horizontal and vertical sampling factor."""
    progressive: bool
    restart_interval: int = 0
    precision_left: dict[tuple[int, int], int] = field(default_factory=dict)
    """(component id, coefficient) -> missing bits; progressive scans refine them down to 0."""

    def blocks(self, component: int | None) -> int:
        """Count the units of one scan: of a single component, or of all interleaved (None)."""
        across_max = max(across for across, _ in self.sampling.values())
        down_max = max(down for _, down in self.sampling.values())
        across, down = (1, 1) if component is None else self.sampling[component]
        if component is None:
            return -(-self.width // (8 * across_max)) * -(-self.height // (8 * down_max))
        columns, rows = -(-self.width * across // across_max), -(-self.height * down // down_max)
        return -(-columns // 8) * -(-rows // 8)


def _walk_jpeg(content: bytes) -> int:
    """Return where the last scan's data ends. Segments are skipped by their length, so thumbnails are ignored."""
    at, frame, scan_end, interval = 2, None, None, 0
    while True:
        at, marker = _next_marker(content, at)
        if marker == 0xD9:
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            continue
        size = int.from_bytes(content[at : at + 2], "big")
        body, at = content[at + 2 : at + size], at + size
        if at > len(content) or size < 2:
            raise _Broken("the JPEG ends inside a segment")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            sampling = {body[i]: (body[i + 1] >> 4 or 1, body[i + 1] & 15 or 1) for i in range(6, len(body) - 2, 3)}
            height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
            frame = _Frame(width, height, sampling, progressive=marker in (0xC2, 0xC6, 0xCA, 0xCE))
        elif marker == 0xDD:
            interval = int.from_bytes(body[:2], "big")
        elif marker == 0xDA:
            if frame is None or not frame.sampling:
                raise _Broken("the JPEG has pixels before its size")
            frame.restart_interval = interval
            at = scan_end = _walk_scan(content, at, body, frame)
    if frame is None or scan_end is None:
        raise _Broken("the JPEG has no pixel data (no scan)")
    if any(frame.precision_left.get((component, k), 1) for component in frame.sampling for k in range(64)):
        raise _Broken("the JPEG has an end marker but some of its scans are missing")
    return scan_end


def _next_marker(content: bytes, at: int) -> tuple[int, int]:
    """Return the position behind the next marker, and the marker."""
    at = content.find(b"\xff", at)
    while 0 <= at < len(content) and content[at] == 0xFF:
        at += 1
    if not 0 <= at < len(content):
        raise _Broken("the JPEG ends without its end marker (EOI)")
    return at + 1, content[at]


def _walk_scan(content: bytes, at: int, header: bytes, frame: _Frame) -> int:
    """Walk one scan's data, store what it delivers, and return where its data ends."""
    count = header[0] if header else 0
    if len(header) < 4 + 2 * count or not count:
        raise _Broken("the JPEG has a broken scan header")
    components = [header[1 + 2 * i] for i in range(count)]
    if any(component not in frame.sampling for component in components):
        raise _Broken("the JPEG has a scan for a component that its header does not name")
    first, last, precision = header[1 + 2 * count], header[2 + 2 * count], header[3 + 2 * count] & 15
    if not frame.progressive:
        # A sequential scan always delivers everything, and some writers leave invalid values in these three fields.
        first, last, precision = 0, 63, 0
    for component in components:
        frame.precision_left.update({(component, k): precision for k in range(first, min(last, 63) + 1)})
    restarts = 0
    while True:
        behind, marker = _next_marker(content, at)
        if marker != 0 and not 0xD0 <= marker <= 0xD7:
            end = content.rindex(b"\xff", at, behind)
            break
        restarts += marker != 0
        at = behind
    if frame.restart_interval:
        blocks = frame.blocks(components[0] if count == 1 else None)
        if restarts < -(-blocks // frame.restart_interval) - 1:
            raise _Broken("the JPEG has an end marker but its pixels stop before the picture is full")
    # A run of fill bytes (0xFF) may precede the marker; the scan ends where the run begins.
    while end > 0 and content[end - 1] == 0xFF:
        end -= 1
    return end


def _walk_webp(content: bytes) -> None:
    end = 8 + int.from_bytes(content[4:8], "little")
    if end > len(content):
        raise _Broken(f"the WebP ends {end - len(content)} bytes before the length that it states")
    at = 12
    while at < end:
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        if at + 8 > end or at + 8 + size > end:
            raise _Broken(f"the WebP's chunk at byte {at} is longer than the file")
        if content[at : at + 4] == b"VP8X" and size >= 10:
            # The decoder reserves the whole canvas when it opens the file.
            canvas = [1 + int.from_bytes(content[at + offset : at + offset + 3], "little") for offset in (12, 15)]
            _refuse_bomb(canvas[0], canvas[1])
        at += 8 + size + size % 2


def _walk_gif(content: bytes) -> None:
    if len(content) < 13:
        raise _Broken("the GIF ends inside its header")
    at = 13 + _gif_palette_bytes(content[10])
    while at < len(content) and content[at] != 0x3B:
        if content[at] == 0x21:
            at += 2
        elif content[at] == 0x2C and at + 9 < len(content):
            at += 11 + _gif_palette_bytes(content[at + 9])
        else:
            raise _Broken(f"the GIF has something that is no block at byte {at}")
        while at < len(content) and content[at]:
            at += 1 + content[at]
        at += 1
    if at >= len(content):
        raise _Broken("the GIF ends without its end mark")


def _gif_palette_bytes(flags: int) -> int:
    return 6 << (flags & 7) if flags & 0x80 else 0
