"""Image defects: what can be wrong with a picture file, produced by editing its bytes.

Functions from bytes to bytes; everything that draws or encodes pixels is in `harness.fakes.pictures`.
"""

import struct
import zlib

FLAWS: dict[str, str] = {
    "cut-off-after-header": "The file ends where its pixels begin, so code that reads only headers accepts it.",
    "cut-off-in-last-chunk": (
        "PNG: cut inside IEND; JPEG: the last third of the body is gone but an end marker is appended; "
        "WebP and GIF: the last bytes are missing."
    ),
    "header-lies": (
        "The header (PNG or JPEG) claims width x height, the data is for the made size; made at 360x360 by default."
    ),
    "html-as-image": "An HTML page served with a picture's content type.",
    "svg": "A vector drawing instead of pixels.",
    "zero-bytes": "An empty file served with a picture's content type.",
    "exif-thumbnail-first": "A JPEG whose EXIF block holds a 160x90 JPEG before the size of the real one.",
    "exif-rotated": (
        "A JPEG stored rotated (height x width) with Orientation 6: it is displayed upright at width x height."
    ),
    "exif-rotated-away": "A JPEG stored at width x height with Orientation 6: it is displayed rotated, height x width.",
    "cmyk": "A JPEG in CMYK, as for print.",
    "sixteen-bit": "A greyscale PNG with 16 bits a pixel.",
    "heic": "A HEIC container that says its size; most browsers show none.",
    "metadata-first": "A JPEG with more than 64 KiB of metadata before its size.",
}
"""Every flaw's name and its meaning in one sentence."""

SOUND = frozenset({"exif-thumbnail-first", "exif-rotated", "cmyk", "sixteen-bit", "metadata-first"})
"""Those that are no defect: the picture is unusual, but whole, upright and of its size."""

HTML_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head>"
    b"<body><h1>Checking your browser</h1><p>The picture is not here.</p></body></html>\n"
)
PADDING_BYTES = 40_000
_PNG_HEADER_END = 8 + 25
_PIXEL_BYTES_KEPT = 16
_LAST_BYTES_CUT = 2


def cut_after_header(content: bytes, family: str) -> bytes:
    """Keep the size and a few bytes of the pixels. `family` is png, jpeg, webp or gif.

    Those few bytes matter: without them a library that opens files lazily refuses at once, and the flaw is too easy to
    find.
    """
    match family:
        case "png":
            pixels = content.index(b"IDAT", _PNG_HEADER_END) + 4
        case "jpeg":
            pixels = content.index(b"\xff\xda", _after_sof(content)) + 14
        case "gif":
            palette_end = 13 + (6 << (content[10] & 7) if content[10] & 0x80 else 0)
            pixels = content.index(b",", palette_end) + 11
        case _:
            pixels = 30
    return content[: pixels + _PIXEL_BYTES_KEPT]


def cut_in_last_chunk(content: bytes, family: str) -> bytes:
    """Remove the end in the way that is hardest to notice in each format. `family` is png, jpeg, webp or gif."""
    if family == "jpeg":
        start = content.index(b"\xff\xda", _after_sof(content))
        kept = start + (len(content) - start) * 2 // 3
        return content[:kept].rstrip(b"\xff") + b"\xff\xd9"
    return content[:-_LAST_BYTES_CUT]


def lie_in_header(content: bytes, family: str, width: int, height: int) -> bytes:
    """Make the header of a PNG or a JPEG claim another size, with a valid checksum. `family` is png or jpeg."""
    if family == "png":
        header = b"IHDR" + struct.pack(">II", width, height) + content[24:29]
        return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[_PNG_HEADER_END:]
    at = _sof(content)
    return content[: at + 5] + struct.pack(">HH", height, width) + content[at + 9 :]


def with_exif(content: bytes, orientation: int, thumbnail: bytes = b"") -> bytes:
    """Insert an EXIF block after a JPEG's start; `thumbnail`, a JPEG file below 60 KB, goes into its second IFD."""
    second_ifd = 8 + 2 + 12 + 4 if thumbnail else 0
    tiff = b"II*\x00" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, second_ifd)
    if thumbnail:
        where = second_ifd + 2 + 3 * 12 + 4
        tiff += struct.pack("<HHHIHH", 3, 0x0103, 3, 1, 6, 0)
        tiff += struct.pack("<HHII", 0x0201, 4, 1, where) + struct.pack("<HHII", 0x0202, 4, 1, len(thumbnail))
        tiff += struct.pack("<I", 0) + thumbnail
    return content[:2] + _segment(0xE1, b"Exif\x00\x00" + tiff) + content[2:]


def with_padding(content: bytes) -> bytes:
    """Insert 80,000 bytes of application segments, which every decoder skips, after a JPEG's start."""
    padding = _segment(0xEA, b"padding\x00".ljust(PADDING_BYTES, b"."))
    return content[:2] + padding * 2 + content[2:]


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def _sof(content: bytes) -> int:
    """Return the position of the start-of-frame marker of a well-formed JPEG."""
    at = 2
    while content[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return at


def _after_sof(content: bytes) -> int:
    at = _sof(content)
    return at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")


def heic_without_pixels(width: int, height: int) -> bytes:
    """Return a HEIC container that says its size and has no pixels: most browsers show no such file, and no decoder
    comes with Pillow. Boxes as in ISO/IEC 14496-12 and 23008-12."""

    def box(kind: bytes, *parts: bytes) -> bytes:
        content = b"".join(parts)
        return (8 + len(content)).to_bytes(4, "big") + kind + content

    plain = bytes(4)  # version and flags
    size = box(b"ispe", plain, width.to_bytes(4, "big"), height.to_bytes(4, "big"))
    handler = box(b"hdlr", plain, bytes(4), b"pict", bytes(13))
    brands = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    return brands + box(b"meta", plain, handler, box(b"iprp", box(b"ipco", size))) + box(b"mdat", bytes(1024))
