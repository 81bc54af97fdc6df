"""Thumbnails of the tracks' final pictures, for reports."""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

from harness.image.inspect import examine

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE_MAX = 320
"""Pixels of a thumbnail's longer side."""
QUALITY = 60


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A thumbnail, with the properties of the picture."""

    digest: str
    """The first 16 hexadecimal digits of the picture's SHA-256, as in journals."""
    format: str
    width: int
    height: int
    """The picture's true size in pixels, as displayed."""
    webp: bytes
    """The thumbnail's file."""


@lru_cache(maxsize=64)
def thumbnail(content: bytes) -> Thumbnail | None:
    """Return the thumbnail of a picture file; None if it does not decode. The same bytes give the same thumbnail."""
    seen = examine(content)
    if not seen.decodes or seen.format is None or seen.width is None or seen.height is None:
        return None
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `examine` has already reported the defects of the file
        with Image.open(BytesIO(content)) as image:
            image.draft("RGB", (2 * SIDE_MAX, 2 * SIDE_MAX))
            small = _plain(image)
            small.thumbnail((SIDE_MAX, SIDE_MAX), reducing_gap=2.0)
            small = ImageOps.exif_transpose(small)
            file = BytesIO()
            small.save(file, "WEBP", quality=QUALITY, method=2, exif=b"")
    digest = sha256(content).hexdigest()[:16]
    return Thumbnail(digest, seen.format, seen.width, seen.height, file.getvalue())


def _plain(image: "Image") -> "Image":
    """Return the picture with eight bits per channel, with its transparency if it has any."""
    if image.mode.startswith(("I", "F")):
        return image.convert("F").point(lambda value: value / 256).convert("L").convert("RGB")
    see_through = "A" in image.getbands() or "transparency" in image.info
    return image.convert("RGBA" if see_through else "RGB")
