"""Examination: complete pictures decode; truncated, repaired and false ones and other files do not."""

import random
import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageFile

from harness.fakes.pictures import FLAWS, PictureFormat, PictureSpec, render
from harness.fakes.watermark import Watermark
from harness.image.inspect import Examination, examine

NATIVE = Watermark("picture", 12, 2048, 1152)
COVER = Watermark("cover", 3, 360, 360, part=1)
CUTS = 100
STOPS = "the JPEG has an end marker but its pixels stop before the picture is full"


def served(flaw: str | None, format_: PictureFormat = "png", mark: Watermark = NATIVE) -> bytes:
    return render(PictureSpec(2048, 1152, mark, format_, flaw)).content


def photograph() -> Image.Image:
    """Return a picture with detail everywhere, without flat blocks."""
    noise = random.Random(7).randbytes(90 * 60 * 3)
    return Image.frombytes("RGB", (90, 60), noise).resize((360, 240), Image.Resampling.BICUBIC)


def saved(image: Image.Image, format_: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


def cut_points(content: bytes) -> list[int]:
    """Return a hundred lengths across the file, and its first and last thirty."""
    spread = random.Random(len(content)).sample(range(len(content)), CUTS)
    return sorted({*spread, *range(30), *range(len(content) - 30, len(content))})


FILES = {
    "png": served(None),
    "png-rgb": saved(photograph(), "PNG"),
    "jpeg": served(None, "jpeg"),
    "jpeg-photograph": saved(photograph(), "JPEG", quality=90),
    "jpeg-best": saved(photograph(), "JPEG", quality=100, subsampling=0),
    "jpeg-progressive": saved(photograph(), "JPEG", progressive=True),
    "jpeg-restarts": saved(photograph(), "JPEG", restart_marker_blocks=5),
    "jpeg-grey": saved(photograph().convert("L"), "JPEG"),
    "jpeg-cmyk": saved(photograph().convert("CMYK"), "JPEG"),
    "webp": served(None, "webp"),
    "webp-lossless": served(None, "webp-lossless"),
    "webp-extended": served(None, "webp-extended"),
    "webp-animated": served(None, "webp-animated"),
    "gif": served(None, "gif"),
    "bmp": saved(photograph(), "BMP"),
}
JPEGS = [name for name in FILES if name.startswith("jpeg")]


@pytest.mark.parametrize("name", FILES)
def test_a_complete_file_decodes(name: str) -> None:
    found = examine(FILES[name])

    assert found.problem is None
    assert found.decodes
    assert found.format == name.partition("-")[0]
    assert (found.width, found.height) in ((2048, 1152), (360, 240))
    assert (found.mark == NATIVE) == (found.width == 2048)


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_does_not_decode(name: str) -> None:
    content = FILES[name]
    for cut in cut_points(content):
        found = examine(content[:cut])
        assert not found.decodes, f"cut at {cut} of {len(content)}"
        assert found.problem
        assert (found.width, found.height, found.mark) == (None, None, None)


@pytest.mark.slow
@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_cut_anywhere_with_an_added_end_marker_does_not_decode(name: str) -> None:
    content = FILES[name]
    for cut in cut_points(content):
        if cut < len(content) - 2:
            assert not examine(content[:cut] + b"\xff\xd9").decodes, f"cut at {cut} of {len(content)}"


def test_a_progressive_jpeg_without_its_last_scans_does_not_decode() -> None:
    content = FILES["jpeg-progressive"]
    last_scan = content.rindex(b"\xff\xda")

    found = examine(content[:last_scan] + b"\xff\xd9")

    assert found.problem == "the JPEG has an end marker but some of its scans are missing"


def test_a_jpeg_cut_exactly_at_a_restart_does_not_decode() -> None:
    content = FILES["jpeg-restarts"]
    restarts = [at for at in range(len(content) - 1) if content[at] == 0xFF and 0xD0 <= content[at + 1] <= 0xD7]

    assert len(restarts) > 20
    for at in restarts:
        assert examine(content[:at] + b"\xff\xd9").problem == STOPS


def test_a_jpeg_with_a_grey_corner_decodes() -> None:
    image = photograph()
    image.paste((128, 128, 128), (100, 50, 360, 240))

    assert examine(saved(image, "JPEG")).decodes


@pytest.mark.parametrize("name", FILES)
def test_garbage_after_the_end_is_ignored(name: str) -> None:
    found = examine(FILES[name] + b"\x00\xff\xd8 more bytes of something else")

    assert found.decodes, found.problem


def test_a_png_with_one_wrong_byte_is_found_wherever_it_is() -> None:
    content = bytearray(FILES["png"])
    for at in random.Random(3).sample(range(len(content)), CUTS):
        content[at] ^= 0x10
        assert not examine(bytes(content)).decodes, f"byte {at}"
        content[at] ^= 0x10


SOUND: dict[str, tuple[str, int, int]] = {
    "exif-thumbnail-first": ("jpeg", 2048, 1152),
    "exif-rotated": ("jpeg", 2048, 1152),
    "exif-rotated-away": ("jpeg", 1152, 2048),
    "cmyk": ("jpeg", 2048, 1152),
    "sixteen-bit": ("png", 2048, 1152),
    "metadata-first": ("jpeg", 2048, 1152),
}
UNSOUND: dict[tuple[str, PictureFormat], str] = {
    ("cut-off-after-header", "png"): "the PNG ends inside a chunk (IDAT)",
    ("cut-off-after-header", "jpeg"): "the JPEG ends without its end marker (EOI)",
    ("cut-off-after-header", "webp"): "before the length that it states",
    ("cut-off-after-header", "gif"): "the GIF ends without its end mark",
    ("cut-off-in-last-chunk", "png"): "the PNG ends inside its last chunk (IEND)",
    ("cut-off-in-last-chunk", "jpeg"): STOPS,
    ("cut-off-in-last-chunk", "webp-animated"): "before the length that it states",
    ("cut-off-in-last-chunk", "gif"): "the GIF ends without its end mark",
    ("header-lies", "png"): "the PNG has fewer pixels than its header claims",
    ("header-lies", "jpeg"): STOPS,
    ("heic", "png"): "this is a HEIC picture of 2048x1152, which most browsers do not show",
    ("html-as-image", "png"): "this is an HTML page, not a picture",
    ("svg", "png"): "this is an SVG drawing, not a picture made of pixels",
    ("zero-bytes", "png"): "0 bytes",
}


def test_every_flaw_is_covered() -> None:
    assert set(FLAWS) == set(SOUND) | {flaw for flaw, _ in UNSOUND}


@pytest.mark.parametrize("flaw", SOUND)
def test_a_flaw_of_form_decodes_to_the_displayed_size(flaw: str) -> None:
    format_, width, height = SOUND[flaw]

    assert examine(served(flaw)) == Examination(True, format_, width, height, NATIVE)


@pytest.mark.parametrize(("flaw", "format_"), UNSOUND)
def test_a_flaw_of_substance_does_not_decode_and_has_a_reason(flaw: str, format_: PictureFormat) -> None:
    found = examine(served(flaw, format_))

    assert not found.decodes
    assert found.problem is not None
    assert UNSOUND[flaw, format_] in found.problem


@pytest.mark.parametrize("flaw", ["cut-off-after-header", "cut-off-in-last-chunk", "header-lies"])
@pytest.mark.parametrize("format_", ["png", "jpeg"])
def test_a_header_reader_accepts_the_flaws_designed_for_it(flaw: str, format_: PictureFormat) -> None:
    assert Image.open(BytesIO(served(flaw, format_))).size == (2048, 1152)


@pytest.mark.parametrize("format_", ["png", "jpeg"])
def test_a_full_decode_alone_accepts_a_cut_in_the_last_chunk(format_: PictureFormat) -> None:
    image = Image.open(BytesIO(served("cut-off-in-last-chunk", format_)))
    image.load()

    assert image.size == (2048, 1152)


def test_thumbnail_and_metadata_precede_the_size() -> None:
    with_thumbnail, padded = served("exif-thumbnail-first"), served("metadata-first")
    first_size = with_thumbnail.index(b"\xff\xc0")

    assert struct.unpack(">HH", with_thumbnail[first_size + 5 : first_size + 9]) == (90, 160)
    assert padded.index(b"\xff\xc0") > 65_536


def test_an_exif_orientation_swaps_the_displayed_sides() -> None:
    assert Image.open(BytesIO(served("exif-rotated"))).size == (1152, 2048)
    assert Image.open(BytesIO(served("exif-rotated-away"))).size == (2048, 1152)


def test_an_enlarged_picture_is_identified_by_its_watermark() -> None:
    found = examine(served(None, "png", COVER))

    assert (found.width, found.height) == (2048, 1152)
    assert found.mark == COVER


def test_a_false_header_leaves_no_size_and_no_watermark() -> None:
    found = examine(served("header-lies", "png", COVER))

    assert (found.decodes, found.width, found.mark) == (False, None, None)


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + bytes(-(-width // 8))) * height, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_rejected_with_its_size() -> None:
    assert examine(png_claiming(8000, 8000)).decodes
    assert examine(png_claiming(8001, 8000)).problem == "8001x8000 is 64 megapixels, more than the 64 that are examined"
    assert "500 megapixels" in str(examine(png_claiming(50_000, 10_000)).problem)
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x02\x00\x00\x00" + b"\xfe\x3f\x00" * 2
    bomb = b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas
    assert "268 megapixels" in str(examine(bomb).problem)


def test_an_application_that_made_pillow_lenient_does_not_change_the_verdict() -> None:
    lies = served("header-lies", "png", Watermark("picture", 99, 200, 200))
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        found = examine(lies)
        assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before

    assert not found.decodes


def test_examining_arbitrary_bytes_never_raises() -> None:
    dice = random.Random(11)
    starts = [content[:size] for content in FILES.values() for size in (4, 12, 30, 200, 700)]
    for start in starts:
        for _ in range(10):
            found = examine(start + dice.randbytes(dice.randrange(200)))
            assert found.decodes == (found.problem is None)
    for content in FILES.values():
        for _ in range(10):
            harmed = bytearray(content)
            for _ in range(3):
                harmed[dice.randrange(len(harmed))] = dice.randrange(256)
            found = examine(bytes(harmed))
            assert found.decodes == (found.problem is None)


@pytest.mark.parametrize(
    ("content", "format_", "problem"),
    [
        (b"", None, "0 bytes"),
        (b"hello", None, "these 5 bytes are no picture in any known format"),
        (b"\n  <html><body>no</body></html>", "html", "this is an HTML page, not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg", "this is an SVG drawing, not a picture made of pixels"),
        (b'{"code": 404}', None, "these 13 bytes are no picture in any known format"),
    ],
)
def test_a_file_that_is_not_a_picture_is_named(content: bytes, format_: str | None, problem: str) -> None:
    assert examine(content) == Examination(False, format_, problem=problem)


def test_the_same_bytes_are_decoded_once() -> None:
    assert examine(bytes(FILES["png"])) is examine(bytes(bytearray(FILES["png"])))
