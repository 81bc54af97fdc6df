"""Pictures for the media host: real files of exactly the requested size, with a watermark in their pixels.

A picture is drawn at the size in its watermark and then, if the file is to be larger, really enlarged. A valid PNG has
a palette, few colours and flat blocks, because it is encoded and decoded in a few milliseconds where a photograph of
2048x1152 takes a hundred.
"""

import colorsys
import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Literal, get_args

from harness.fakes import image_defects
from harness.fakes.image_defects import FLAWS
from harness.fakes.image_weight import weighed_png
from harness.fakes.watermark import SIDE_MAX_PX, Watermark, black_cells, card_box

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["FLAWS", "FORMATS", "PictureFormat", "PictureSpec", "Rendered", "render"]

PictureFormat = Literal[
    "png",
    "jpeg",
    "jpeg-progressive",
    "webp",
    "webp-lossless",
    "webp-extended",
    "webp-animated",
    "gif",
    "avif",
    "svg",
]
FORMATS: tuple[str, ...] = get_args(PictureFormat)
"""`jpeg` is baseline, `webp` is VP8, `webp-lossless` VP8L, `webp-extended` VP8X with metadata, `webp-animated` VP8X
with two frames."""

CACHED_BYTES_MAX = 64 * 1024 * 1024
"""Enough for the pictures of a thousand tracks, which are all fetched again at the end of a run and later."""
_FORCED_FORMAT: dict[str, PictureFormat] = {
    "svg": "svg",
    "exif-thumbnail-first": "jpeg",
    "exif-rotated": "jpeg",
    "exif-rotated-away": "jpeg",
    "cmyk": "jpeg",
    "sixteen-bit": "png",
    "metadata-first": "jpeg",
}
"""Flaws that exist in one format only; they override the requested format."""
_LIE_MADE_PX = 360
_THUMBNAIL = (160, 90)
_ORIENTATION_TURNED = 6
_BLACK, _WHITE, _DARK, _FIRST_SHADE = 0, 1, 2, 3
_SHADES = 6


@dataclass(frozen=True, slots=True)
class PictureSpec:
    """A picture file: its size in pixels, its owner, its format and its flaw.

    A mark whose made size is not width x height requests a picture that was enlarged (or shrunk) from that size.
    """

    width: int
    height: int
    mark: Watermark
    format: PictureFormat = "png"
    flaw: str | None = None
    weight: Literal["drawn", "captured"] = "drawn"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture file's bytes and the Content-Type it is served with."""

    content: bytes
    content_type: str


_cached: dict[PictureSpec, Rendered] = {}
_cached_bytes = 0


def render(spec: PictureSpec) -> Rendered:
    """Return the file. The same spec always gives the same bytes.

    Raises ValueError for an unknown format or flaw (naming the nearest), a side outside 1..8191, and for a flaw that
    the format cannot have.
    """
    global _cached_bytes
    known = _cached.get(spec)
    if known is not None:
        return known
    _check(spec)
    rendered = _rendered(spec)
    _cached_bytes += len(rendered.content)
    if _cached_bytes > CACHED_BYTES_MAX:
        _cached.clear()
        _cached_bytes = len(rendered.content)
    _cached[spec] = rendered
    return rendered


def _rendered(spec: PictureSpec) -> Rendered:
    format_: PictureFormat = _FORCED_FORMAT.get(spec.flaw or "", spec.format)
    content_type = "image/svg+xml" if format_ == "svg" else f"image/{_family(format_)}"
    match spec.flaw:
        case "zero-bytes":
            content = b""
        case "html-as-image":
            content = image_defects.HTML_PAGE
        case "header-lies":
            content = _lying(spec, _family(format_))
        case "cut-off-after-header":
            content = image_defects.cut_after_header(_encoded(_drawn(spec), format_), _family(format_))
        case "cut-off-in-last-chunk":
            content = image_defects.cut_in_last_chunk(_encoded(_drawn(spec), format_), _family(format_))
        case "heic":
            content, content_type = image_defects.heic_without_pixels(spec.width, spec.height), "image/heic"
        case None | "svg":
            content = _svg(spec) if format_ == "svg" else _encoded(_drawn(spec), format_)
            if format_ == "png" and spec.weight == "captured":
                content = weighed_png(content, spec.width * spec.height)
        case flaw:
            content = _reshaped(spec, flaw)
    return Rendered(content, content_type)


def _check(spec: PictureSpec) -> None:
    if spec.format not in FORMATS:
        raise ValueError(f"unknown picture format {spec.format!r}{_nearest(spec.format, FORMATS)}")
    if spec.flaw is not None and spec.flaw not in FLAWS:
        raise ValueError(f"unknown picture flaw {spec.flaw!r}{_nearest(spec.flaw, FLAWS)}")
    for side in (spec.width, spec.height):
        if not 1 <= side <= SIDE_MAX_PX:
            raise ValueError(f"expected a picture's side of 1 to {SIDE_MAX_PX} pixels, found {side}")
    if spec.flaw == "header-lies" and spec.format not in ("png", "jpeg"):
        raise ValueError(f'the flaw "header-lies" needs the format png or jpeg, not {spec.format}')
    if spec.flaw in ("cut-off-after-header", "cut-off-in-last-chunk") and spec.format in ("svg", "avif"):
        raise ValueError(f'the flaw "{spec.flaw}" needs png, jpeg, webp or gif, not {spec.format}')


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else f"; there are {', '.join(names)}"


def _family(format_: str) -> str:
    return format_.partition("-")[0]


def _shades(number: int) -> list[tuple[int, int, int]]:
    """Return the palette: black, white, a dark tone and six light ones. Neighbouring numbers get hues far apart."""
    hue = number * 0.618034 % 1.0
    tones = [(hue, 0.22, 0.45)] + [((hue + 0.03 * step) % 1.0, 0.52 + 0.05 * step, 0.55) for step in range(_SHADES)]
    colours = [tuple(round(255 * value) for value in colorsys.hls_to_rgb(*tone)) for tone in tones]
    return [(0, 0, 0), (255, 255, 255), *((red, green, blue) for red, green, blue in colours)]


def _caption(mark: Watermark) -> str:
    which = f"{mark.number}" if not mark.part else f"{mark.number} part {mark.part}"
    return f"{mark.kind} {which} · made at {mark.made_width}x{mark.made_height}"


def _drawn(spec: PictureSpec) -> "Image":
    """Return the picture at its full size: palette mode when native, RGB when it was enlarged."""
    from PIL.Image import Resampling

    image = _drawn_as_made(spec.mark)
    if image.size == (spec.width, spec.height):
        return image
    return image.convert("RGB").resize((spec.width, spec.height), Resampling.BILINEAR)


def _drawn_as_made(mark: Watermark) -> "Image":
    from PIL import Image

    width, height = mark.made_width, mark.made_height
    image = Image.new("P", (width, height), _FIRST_SHADE)
    image.putpalette([value for colour in _shades(mark.number) for value in colour])
    for band in range(1, _SHADES):
        image.paste(_FIRST_SHADE + band, (round(band * width / _SHADES), 0, width, height))
    image.paste(_WHITE, card_box(width, height))
    for cell in black_cells(mark, width, height):
        image.paste(_BLACK, cell)
    image.paste(_DARK, (round(0.05 * width), round(0.81 * height), round(0.95 * width), round(0.94 * height)))
    _write_caption(image, _caption(mark))
    return image


def _write_caption(image: "Image", text: str) -> None:
    """Write with the built-in bitmap font, enlarged in whole steps: flat blocks cost a fraction of smooth letters."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default_imagefont()
    _, _, right, bottom = (round(edge) for edge in font.getbbox(text))
    step = min(round(0.86 * image.width) // right, round(0.12 * image.height) // bottom)
    if step < 1:
        return
    letters = Image.new("1", (right, bottom))
    ImageDraw.Draw(letters).text((0, 0), text, fill=1, font=font)
    letters = letters.resize((right * step, bottom * step), Image.Resampling.NEAREST)
    corner = ((image.width - letters.width) // 2, round(0.875 * image.height) - letters.height // 2)
    image.paste(_WHITE, (*corner, corner[0] + letters.width, corner[1] + letters.height), letters)


def _encoded(image: "Image", format_: PictureFormat) -> bytes:
    out = BytesIO()
    match format_:
        case "png":
            image.save(out, "PNG", compress_level=1)
        case "jpeg":
            image.convert("RGB").save(out, "JPEG", quality=90)
        case "jpeg-progressive":
            image.convert("RGB").save(out, "JPEG", quality=90, progressive=True)
        case "gif":
            image.convert("P").save(out, "GIF")
        case "avif":
            image.convert("RGB").save(out, "AVIF", quality=80, speed=10)
        case "webp" | "webp-lossless":
            image.convert("RGB").save(out, "WEBP", method=0, quality=80, lossless=format_ == "webp-lossless")
        case "webp-extended":
            exif = image_defects.with_exif(b"", 1)[4:]
            image.convert("RGB").save(out, "WEBP", method=0, quality=80, exif=exif)
        case "webp-animated":
            first = image.convert("RGB")
            second = first.copy()
            second.paste((0, 0, 0), (0, round(0.96 * image.height), image.width, image.height))
            first.save(out, "WEBP", method=0, quality=80, save_all=True, append_images=[second], duration=500, loop=0)
        case "svg":
            raise AssertionError("unreachable: an SVG has no pixels to encode")
    return out.getvalue()


def _lying(spec: PictureSpec, family: str) -> bytes:
    mark = spec.mark
    if (mark.made_width, mark.made_height) == (spec.width, spec.height):
        mark = replace(mark, made_width=_LIE_MADE_PX, made_height=_LIE_MADE_PX)
    truth = _encoded(_drawn_as_made(mark), "png" if family == "png" else "jpeg")
    return image_defects.lie_in_header(truth, family, spec.width, spec.height)


def _reshaped(spec: PictureSpec, flaw: str) -> bytes:
    """Return a valid file that is stored in an unusual way."""
    from PIL import Image

    image = _drawn(spec).convert("RGB")
    match flaw:
        case "exif-thumbnail-first":
            thumbnail = _encoded(image.resize(_THUMBNAIL), "jpeg")
            return image_defects.with_exif(_encoded(image, "jpeg"), 1, thumbnail)
        case "exif-rotated":
            # Orientation 6 is displayed turned clockwise, so it is stored turned the other way.
            stored = image.transpose(Image.Transpose.ROTATE_90)
            return image_defects.with_exif(_encoded(stored, "jpeg"), _ORIENTATION_TURNED)
        case "exif-rotated-away":
            return image_defects.with_exif(_encoded(image, "jpeg"), _ORIENTATION_TURNED)
        case "cmyk":
            out = BytesIO()
            image.convert("CMYK").save(out, "JPEG", quality=90)
            return out.getvalue()
        case "sixteen-bit":
            grey = image.convert("L")
            doubled = bytearray(2 * grey.width * grey.height)
            doubled[0::2] = doubled[1::2] = grey.tobytes()
            return _encoded(Image.frombytes("I;16", grey.size, bytes(doubled)), "png")
        case "metadata-first":
            return image_defects.with_padding(_encoded(image, "jpeg"))
    raise AssertionError(f"the flaw {flaw} is listed but not implemented")


def _svg(spec: PictureSpec) -> bytes:
    width, height, shades = spec.width, spec.height, _shades(spec.mark.number)
    white = (card_box(width, height), "#fff")
    parts = [((0, 0, width, height), "#{:02x}{:02x}{:02x}".format(*shades[_FIRST_SHADE])), white]
    parts += [(cell, "#000") for cell in black_cells(spec.mark, width, height)]
    lines = [
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" fill="{fill}"/>'
        for (left, top, right, bottom), fill in parts
    ]
    lines.append(
        f'<text x="{width // 16}" y="{height * 9 // 10}" font-size="{height // 20}">{_caption(spec.mark)}</text>'
    )
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    document = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n' + "\n".join(lines) + "\n</svg>\n"
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + document.encode()
