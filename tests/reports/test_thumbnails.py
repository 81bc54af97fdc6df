"""Thumbnails: a small copy of any picture that decodes, with the true size, and nothing of what does not."""

from io import BytesIO

import pytest
from PIL import Image

from harness.image.thumbnail import SIDE_MAX, thumbnail


def file_of(image: Image.Image, format_: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def small(content: bytes) -> Image.Image:
    made = thumbnail(content)
    assert made is not None
    return Image.open(BytesIO(made.webp))


@pytest.mark.parametrize(
    ("mode", "color", "format_"),
    [
        ("RGB", (200, 30, 30), "PNG"),
        ("RGB", (200, 30, 30), "JPEG"),
        ("RGB", (200, 30, 30), "WEBP"),
        ("CMYK", (0, 200, 200, 40), "JPEG"),
        ("P", 7, "GIF"),
        ("L", 120, "PNG"),
        ("I;16", 40_000, "PNG"),
        ("RGBA", (200, 30, 30, 90), "PNG"),
    ],
)
def test_every_kind_of_picture_has_a_small_copy(mode: str, color: object, format_: str) -> None:
    content = file_of(Image.new(mode, (800, 450), color), format_)  # type: ignore[arg-type]
    made = thumbnail(content)
    assert made is not None
    assert (made.width, made.height, made.format) == (800, 450, format_.lower())
    assert small(content).size == (SIDE_MAX, 180)
    assert len(made.webp) < 5_000


def test_sixteen_bits_become_eight_and_stay_as_bright() -> None:
    grey = small(file_of(Image.new("I;16", (400, 400), 40_000), "PNG")).convert("L").getpixel((100, 100))
    assert isinstance(grey, int)
    assert abs(grey - 40_000 // 256) <= 3


def test_what_is_see_through_stays_so() -> None:
    image = small(file_of(Image.new("RGBA", (400, 400), (0, 0, 0, 0)), "PNG"))
    assert image.convert("RGBA").getpixel((10, 10))[3] == 0  # type: ignore[index]


def test_a_turned_picture_is_shown_upright_with_its_displayed_size() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = file_of(Image.new("RGB", (800, 400), (9, 9, 9)), "JPEG", exif=exif)
    made = thumbnail(content)
    assert made is not None
    assert (made.width, made.height) == (400, 800)
    assert small(content).size == (160, 320)


def test_a_small_picture_is_not_enlarged() -> None:
    assert small(file_of(Image.new("RGB", (40, 20)), "PNG")).size == (40, 20)


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"\x89PNG\r\n\x1a\nnothing", b"<svg/>"])
def test_what_does_not_decode_has_none(content: bytes) -> None:
    assert thumbnail(content) is None


def test_the_same_bytes_give_the_same_copy() -> None:
    content = file_of(Image.linear_gradient("L").resize((900, 500)), "PNG")
    first = thumbnail(content)
    thumbnail.cache_clear()
    assert thumbnail(content) == first
