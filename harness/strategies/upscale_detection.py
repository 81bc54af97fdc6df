"""Detecting pictures that were enlarged from smaller ones.

A picture generated at its size has an edge that goes from dark to light within a pixel. Reduced to 70 % and enlarged
again, it loses such edges; an enlarged picture has none to lose. The result is a suspicion, not a proof, since a
picture may be intentionally soft. The middle of a picture is as conclusive as all of it.
"""

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

from harness.strategies.pictures import FORMATS

if TYPE_CHECKING:
    from PIL import Image

SHRUNK_TO = 0.7
LOST_SHARE_MIN = 0.35
"""Of the picture's own range from dark to light. Sharp pictures lose a half at some edge, enlarged ones a quarter."""


@lru_cache(maxsize=16)
def looks_enlarged(content: bytes) -> bool:
    """Return whether a decodable file has no edge as sharp as its size allows."""
    from PIL import Image, ImageChops

    with Image.open(BytesIO(content), formats=FORMATS) as image:
        left, top = image.width // 4, image.height // 4
        grey = image.crop((left, top, image.width - left, image.height - top)).convert("L")
    width, height = grey.size
    small = grey.resize((round(width * SHRUNK_TO), round(height * SHRUNK_TO)), Image.Resampling.LANCZOS)
    back = small.resize(grey.size, Image.Resampling.BICUBIC)
    darkest, lightest = _extremes(grey)
    lost = _extremes(ImageChops.difference(grey, back))[1]
    return lost < LOST_SHARE_MIN * (lightest - darkest)


def _extremes(grey: "Image.Image") -> tuple[float, float]:
    low, high = grey.getextrema()
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    return low, high
