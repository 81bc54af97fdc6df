"""Watermarks: whose picture it is and the size it was made at, written into the pixels themselves.

A header, a URL or a column can claim anything, and metadata is lost at the first re-encoding, so these facts are
painted on the picture: a grid of 16 by 6 big black and white cells on a white card. Every measure is a fraction of the
picture's width or height, so the grid survives resizing (also non-uniform), lossy re-encoding, a change of colour mode
and a quarter turn. It does not survive cropping: a cropped picture has no watermark.

The first row is a fixed pattern that distinguishes upright from turned and black from white. The other 80 cells are 48
bits of payload and their CRC-32, so that a damaged watermark reads as none, never as another picture's.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS = 16
ROWS = 6
CARD = (0.05, 0.06, 0.95, 0.76)
"""The white card, the grid's quiet zone: left, top, right, bottom as fractions of width and height."""
GRID = (0.08, 0.11, 0.92, 0.71)
"""The cells, inside the card."""

NUMBER_MAX = 0xFFFF
SIDE_MAX_PX = 0x1FFF
PART_MAX = 7

_SYNC = 0b1110_0101_1001_1010
_VERSION = 1
_PAYLOAD_BITS = 48
_WORKING_PX = 320
"""A picture is shrunk to about this side before it is read: a cell keeps 16 pixels, and reading stays cheap."""
_SAMPLES = 4
"""Each cell is sampled 4 by 4, and only the inner 2 by 2 count: edges blur, centres do not."""
_CONTRAST_MIN = 48
"""Minimum difference between black and white (0..255); the worst JPEG keeps 200."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Watermark:
    """Whose picture it is, and the size in pixels it was made at. Raises ValueError for a value out of range."""

    kind: Literal["picture", "cover"]
    number: int
    """The ordinal of the generation task inside one run, 0..65535."""
    made_width: int
    made_height: int
    part: int = 0
    """Which picture of the task, or which of its tracks, 0..7."""

    def __post_init__(self) -> None:
        if self.kind not in ("picture", "cover"):
            raise ValueError(f'expected the kind "picture" or "cover", found {self.kind!r}')
        for name, value, low, high in (
            ("number", self.number, 0, NUMBER_MAX),
            ("made_width", self.made_width, 1, SIDE_MAX_PX),
            ("made_height", self.made_height, 1, SIDE_MAX_PX),
            ("part", self.part, 0, PART_MAX),
        ):
            if not low <= value <= high:
                raise ValueError(f"a mark's {name} is {low} to {high}, not {value}")


def black_cells(mark: Watermark, width: int, height: int) -> Iterator[Box]:
    """Yield the pixel boxes (left, top, right, bottom; right and bottom excluded) to paint black on the white card."""
    left, top, right, bottom = GRID
    across, down = (right - left) / COLUMNS, (bottom - top) / ROWS
    for index, black in enumerate(_bits_of(mark)):
        row, column = divmod(index, COLUMNS)
        if black:
            yield (
                round((left + column * across) * width),
                round((top + row * down) * height),
                round((left + (column + 1) * across) * width),
                round((top + (row + 1) * down) * height),
            )


def card_box(width: int, height: int) -> Box:
    """Return the pixel box of the white card behind the cells."""
    left, top, right, bottom = CARD
    return round(left * width), round(top * height), round(right * width), round(bottom * height)


def read_mark(image: "Image") -> Watermark | None:
    """Read the watermark of a decoded picture in any of the four orientations; None if it has none.

    Accepts every mode that a web picture decodes to (1, L, LA, P, RGB, RGBA, CMYK, YCbCr, I, I;16, F) and sizes from
    about 160x90. The given image is not changed.
    """
    from PIL.Image import Transpose

    small = _small_grey(image)
    for turn in (None, Transpose.ROTATE_90, Transpose.ROTATE_180, Transpose.ROTATE_270):
        mark = _mark_of(_cell_levels(small if turn is None else small.transpose(turn)))
        if mark is not None:
            return mark
    return None


def _bits_of(mark: Watermark) -> list[bool]:
    payload = _VERSION
    for value, bits in (
        (("picture", "cover").index(mark.kind), 1),
        (mark.part, 3),
        (mark.number, 16),
        (mark.made_width, 13),
        (mark.made_height, 13),
    ):
        payload = payload << bits | value
    word = (_SYNC << _PAYLOAD_BITS | payload) << 32 | _crc(payload)
    return [bool(word >> shift & 1) for shift in range(COLUMNS * ROWS - 1, -1, -1)]


def _mark_of(levels: list[int]) -> Watermark | None:
    """Return the watermark from the 96 cells' brightness (0 is black), or None if anything at all is wrong."""
    expected = [bool(_SYNC >> shift & 1) for shift in range(COLUMNS - 1, -1, -1)]
    darkest_white = min(level for level, black in zip(levels, expected, strict=False) if not black)
    lightest_black = max(level for level, black in zip(levels, expected, strict=False) if black)
    if darkest_white - lightest_black < _CONTRAST_MIN:
        return None
    threshold = (darkest_white + lightest_black) / 2
    word = 0
    for level in levels[COLUMNS:]:
        word = word << 1 | (level < threshold)
    payload, crc = word >> 32, word & 0xFFFF_FFFF
    if crc != _crc(payload):
        return None
    width, height = payload >> 13 & SIDE_MAX_PX, payload & SIDE_MAX_PX
    if payload >> 46 != _VERSION or not width or not height:
        return None
    return Watermark(
        kind="cover" if payload >> 45 & 1 else "picture",
        number=payload >> 26 & NUMBER_MAX,
        made_width=width,
        made_height=height,
        part=payload >> 42 & PART_MAX,
    )


def _crc(payload: int) -> int:
    return zlib.crc32(payload.to_bytes(_PAYLOAD_BITS // 8, "big"))


def _cell_levels(small: "Image") -> list[int]:
    """Return each cell's brightness, row by row, from a small grey image."""
    from PIL.Image import Resampling

    left, top, right, bottom = GRID
    samples = small.resize(
        (COLUMNS * _SAMPLES, ROWS * _SAMPLES),
        Resampling.BOX,
        box=(left * small.width, top * small.height, right * small.width, bottom * small.height),
    ).tobytes()
    stride = COLUMNS * _SAMPLES
    levels = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            at = (row * _SAMPLES + 1) * stride + column * _SAMPLES + 1
            levels.append(sum((samples[at], samples[at + 1], samples[at + stride], samples[at + stride + 1])) // 4)
    return levels


def _small_grey(image: "Image") -> "Image":
    """Shrink to about 320 pixels a side, then convert to 8-bit grey: this order is the cheapest."""
    from PIL.Image import Resampling

    across, down = max(1, image.width // _WORKING_PX), max(1, image.height // _WORKING_PX)
    if image.mode in ("L", "RGB", "CMYK", "YCbCr"):
        return (image.reduce((across, down)) if across > 1 or down > 1 else image).convert("L")
    small = image
    if across > 1 or down > 1:
        # Averaging is meaningless for palette indexes and unsupported for 16 bits, so these modes are sampled.
        small = image.resize((image.width // across, image.height // down), Resampling.NEAREST)
    if image.mode[0] in "IF":
        grey = small.convert("F")
        low, high = grey.getextrema()
        assert isinstance(low, float)
        assert isinstance(high, float)
        scale = 255 / (high - low) if high > low else 0.0
        return grey.point(lambda value: value * scale - low * scale).convert("L")
    # Converted through RGBA: for a palette with a transparency table Pillow warns about any other way.
    return (small.convert("RGBA") if image.mode in ("P", "PA") else small).convert("L")
