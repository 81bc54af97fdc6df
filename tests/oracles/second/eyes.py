"""Eyes: what a picture file is when it is decoded to the last pixel, whatever its header or its address say; and
whether a song is whole."""

import io
import re
import warnings
import zlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from PIL import Image, ImageOps

WIDTH_2K, HEIGHT_2K = 2048, 1152
PIXELS_MAX = 40_000_000
ROWS_LOOKED_AT = 8
HARD = 0.3
"""An edge is where one pixel differs from the next by this share of the row's whole range."""
SHARP = 0.85
"""The share of an edge that one step makes, on average, in a picture that was never stretched."""
FLAT = 60
MORE_DATA = b"\x55" * 64


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen; `problem` says why it is not to be shown as a 2K picture, None for a good one."""

    width: int = 0
    height: int = 0
    presentable: bool = False
    """Whether it can be shown at all, if need be with a label."""
    problem: str | None = None


def is_whole_song(content: bytes) -> bool:
    """Whether nothing is missing of an MP3 whose first frame says how long it is; any other file is believed."""
    said = re.search(rb"(?:Info|Xing)\0\0\0[\x03\x07\x0b\x0f].{4}(.{4})", content[:4096], re.DOTALL)
    return said is None or len(content) + 40 > said.start() + int.from_bytes(said[1], "big")


@lru_cache(maxsize=64)
def look_at(content: bytes) -> Look:
    """Decode a file and judge it. Never raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = _decoded(content)
    except Exception as error:
        return Look(problem=f"the file is no whole picture ({type(error).__name__})")
    width, height = image.size
    if not _is_sharp(image):
        return Look(width, height, problem=f"the picture of {width}x{height} was stretched from a smaller one")
    if width < WIDTH_2K or height < HEIGHT_2K or abs(width * 9 - height * 16) * 50 > height * 16:
        return Look(width, height, True, f"the picture is {width}x{height}, not 2048x1152")
    return Look(width, height, True)


def _decoded(content: bytes) -> Image.Image:
    whole = content.rstrip(b"\0")
    image = _opened(content)
    if image.format == "PNG" and not _has_whole_chunks(content):
        raise ValueError("a chunk is damaged, or the end is missing")
    if image.format == "WEBP" and int.from_bytes(content[4:8], "little") + 8 > len(content):
        raise ValueError("the end is missing")
    if image.format == "GIF" and not whole.endswith(b";"):
        raise ValueError("the end is missing")
    if image.format == "JPEG" and not _has_all_pixels(content):
        raise ValueError("pixels are missing before the end marker")
    image.load()
    return ImageOps.exif_transpose(image)


def _has_whole_chunks(png: bytes) -> bool:
    """Whether every chunk has the checksum that it says, which a decoder does not look at, up to the last one."""
    at = 8
    while at + 12 <= len(png):
        length, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        if zlib.crc32(png[at + 4 : at + 8 + length]) != int.from_bytes(png[at + 8 + length : at + 12 + length], "big"):
            return False
        if kind == b"IEND":
            return True
        at += 12 + length
    return False


def _has_all_pixels(jpeg: bytes) -> bool:
    """Whether more data before the end marker changes nothing: where pixels are missing it is taken for them."""
    end = jpeg.rindex(b"\xff\xd9")
    return _opened(jpeg).tobytes() == _opened(jpeg[:end] + MORE_DATA + jpeg[end:]).tobytes()


def _opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    if image.width * image.height > PIXELS_MAX:
        raise ValueError("far too large")
    return image


def _is_sharp(image: Image.Image) -> bool:
    """Whether edges are as hard as they are drawn; an enlarged picture has a ramp where there was a step."""
    shares: list[float] = []
    looks_flat = True
    for index in range(ROWS_LOOKED_AT):
        row = _grey_row(image, (2 * index + 1) * image.height // (2 * ROWS_LOOKED_AT))
        full = max(row) - min(row)
        if full < FLAT:
            continue
        looks_flat = False
        steps = [abs(right - left) for left, right in pairwise(row)]
        for x in [x for x, step in enumerate(steps) if step >= HARD * full][1:-1]:
            if x + 2 < len(row) and steps[x - 1] <= steps[x] >= steps[x + 1]:
                shares.append(min(1.0, steps[x] / max(1, abs(row[x + 2] - row[x - 1]))))
    return sum(shares) / len(shares) >= SHARP if shares else looks_flat


def _grey_row(image: Image.Image, y: int) -> bytes:
    row = image.crop((0, y, image.width, y + 1))
    if row.mode.startswith("I"):
        row = row.convert("I").point(lambda level: level * (1 / 256))
    return (row.convert("RGB") if row.mode in ("P", "PA", "CMYK") else row).convert("L").tobytes()
