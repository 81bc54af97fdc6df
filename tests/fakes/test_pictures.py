"""The pictures of the media host, and their watermarks."""

import hashlib
import random
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from harness.fakes.pictures import FLAWS, FORMATS, PictureFormat, PictureSpec, Rendered, render
from harness.fakes.watermark import COLUMNS, GRID, ROWS, Watermark, black_cells, read_mark
from harness.image.inspect import examine

ROOT = Path(__file__).parents[2]
NATIVE = Watermark("picture", 12, 2048, 1152)
COVER = Watermark("cover", 65_535, 360, 360, part=7)
PORTRAIT = Watermark("picture", 0, 1152, 2048, part=1)
MARKS = (NATIVE, COVER, PORTRAIT)
PIXEL_FORMATS = [name for name in FORMATS if name != "svg"]


def picture(mark: Watermark, format_: PictureFormat = "png", flaw: str | None = None) -> Rendered:
    return render(PictureSpec(mark.made_width, mark.made_height, mark, format_, flaw))


def decoded(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


def pixels(mark: Watermark) -> Image.Image:
    return decoded(picture(mark).content).convert("RGB")


def reencoded(image: Image.Image, format_: str, **options: int) -> Image.Image:
    out = BytesIO()
    image.save(out, format_, **options)
    return decoded(out.getvalue())


@pytest.mark.parametrize("format_", PIXEL_FORMATS)
@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.kind)
def test_every_format_has_exactly_the_requested_size_and_its_watermark(format_: PictureFormat, mark: Watermark) -> None:
    rendered = picture(mark, format_)
    image = decoded(rendered.content)

    assert image.size == (mark.made_width, mark.made_height)
    assert read_mark(image) == mark
    assert rendered.content_type == f"image/{format_.partition('-')[0]}"


def test_the_webp_formats_cover_all_four_encodings_of_webp() -> None:
    kinds = {name: picture(NATIVE, name).content[12:16] for name in ("webp", "webp-lossless", "webp-extended")}
    moving = Image.open(BytesIO(picture(NATIVE, "webp-animated").content))

    assert kinds == {"webp": b"VP8 ", "webp-lossless": b"VP8L", "webp-extended": b"VP8X"}
    assert getattr(moving, "n_frames", 1) == 2


def test_a_jpeg_is_baseline_or_progressive() -> None:
    made = [decoded(picture(NATIVE, format_).content) for format_ in ("jpeg", "jpeg-progressive")]
    assert ["progressive" in image.info for image in made] == [False, True]


def test_an_svg_paints_the_same_cells_as_the_pixels() -> None:
    rendered = picture(NATIVE, "svg")
    cells = list(black_cells(NATIVE, 2048, 1152))

    assert rendered.content_type == "image/svg+xml"
    assert rendered.content.count(b'fill="#000"') == len(cells)
    left, top, right, bottom = cells[0]
    assert f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"'.encode() in rendered.content


def test_the_default_picture_is_a_small_palette_png() -> None:
    content = picture(NATIVE).content

    assert decoded(content).mode == "P"
    assert len(content) < 40_000


def test_a_png_can_weigh_what_captured_ones_weigh_and_has_the_same_pixels() -> None:
    spec = PictureSpec(2048, 1152, NATIVE)
    drawn, weighed = render(spec), render(replace(spec, weight="captured"))

    captured_bytes_per_pixel = 1_109_411 / (1280 * 720)
    assert len(weighed.content) / (2048 * 1152) == pytest.approx(captured_bytes_per_pixel, rel=0.01)
    assert decoded(weighed.content).tobytes() == decoded(drawn.content).tobytes()
    assert examine(weighed.content).problem is None


def test_the_caption_is_readable() -> None:
    strip = (120, 960, 1928, 1060)
    here, there = (pixels(replace(NATIVE, number=number)).convert("L").crop(strip) for number in (12, 13))

    assert here.getextrema()[1] == 255, "white letters"
    assert (
        here.point(lambda level: 255 * (level > 250)).tobytes()
        != there.point(lambda level: 255 * (level > 250)).tobytes()
    ), "another number, other letters"


@pytest.mark.parametrize("quality", range(40, 96, 5))
@pytest.mark.parametrize("format_", ["JPEG", "WEBP"])
def test_a_mark_survives_lossy_re_encoding(format_: str, quality: int) -> None:
    for mark in (COVER, NATIVE) if quality in (40, 95) else (COVER,):
        assert read_mark(reencoded(pixels(mark), format_, quality=quality)) == mark


@pytest.mark.parametrize(
    "size", [(160, 90), (360, 360), (1024, 576), (2047, 1152), (2560, 1440), (4096, 2304), (200, 600)]
)
@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.kind)
def test_a_mark_survives_resizing(size: tuple[int, int], mark: Watermark) -> None:
    for how in (Image.Resampling.NEAREST, Image.Resampling.LANCZOS):
        assert read_mark(pixels(mark).resize(size, how)) == mark


def test_a_mark_survives_a_thumbnail_saved_as_a_bad_jpeg() -> None:
    for mark in MARKS:
        assert read_mark(reencoded(pixels(mark).resize((160, 90)), "JPEG", quality=40)) == mark


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I", "F"])
def test_a_mark_survives_a_change_of_colour_mode(mode: str) -> None:
    for mark in MARKS:
        assert read_mark(pixels(mark).convert(mode)) == mark


def test_a_mark_survives_sixteen_bits_even_with_dim_levels() -> None:
    dim = pixels(NATIVE).convert("L").convert("I").point(lambda level: level * 40 + 700)

    assert read_mark(dim) == NATIVE
    assert read_mark(dim.convert("I;16")) == NATIVE


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270])
def test_a_mark_reads_in_every_orientation(turn: Image.Transpose) -> None:
    for mark in MARKS:
        assert read_mark(pixels(mark).transpose(turn)) == mark


def test_an_enlarged_picture_still_carries_its_original_size() -> None:
    enlarged = decoded(render(PictureSpec(2048, 1152, COVER)).content)

    assert enlarged.size == (2048, 1152)
    assert read_mark(enlarged) == COVER
    colours = enlarged.getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 16, "edges are smoothed, as enlarging does"


def test_marks_with_extreme_values_are_read_back() -> None:
    for number in (0, 1, 0x5555, 0xAAAA, 0xFFFF):
        for part in (0, 7):
            for kind in ("picture", "cover"):
                mark = Watermark(kind, number, 320, 180, part)
                assert read_mark(pixels(mark)) == mark


def test_noise_carries_no_mark() -> None:
    dice = random.Random(2048)
    for _ in range(300):
        width, height = dice.randrange(1, 400), dice.randrange(1, 400)
        mode, depth = dice.choice([("L", 1), ("RGB", 3), ("CMYK", 4)])
        assert read_mark(Image.frombytes(mode, (width, height), dice.randbytes(width * height * depth))) is None


def test_a_flat_picture_carries_no_mark() -> None:
    for mode in ("1", "L", "RGB", "P", "I", "F", "I;16"):
        assert read_mark(Image.new(mode, (500, 300))) is None


def painted(cells: list[bool]) -> Image.Image:
    image = Image.new("L", (320, 180), 255)
    left, top, right, bottom = GRID
    for index, black in enumerate(cells):
        row, column = divmod(index, COLUMNS)
        if black:
            x = [round(320 * (left + (right - left) * step / COLUMNS)) for step in (column, column + 1)]
            y = [round(180 * (top + (bottom - top) * step / ROWS)) for step in (row, row + 1)]
            image.paste(0, (x[0], y[0], x[1], y[1]))
    return image


def cells_of(mark: Watermark) -> list[bool]:
    image = pixels(mark).convert("L")
    left, top, right, bottom = GRID
    return [
        image.getpixel(
            (
                int(image.width * (left + (right - left) * (column + 0.5) / COLUMNS)),
                int(image.height * (top + (bottom - top) * (row + 0.5) / ROWS)),
            )
        )
        == 0
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]


def test_a_mark_with_one_wrong_cell_is_not_read() -> None:
    cells = cells_of(NATIVE)
    assert read_mark(painted(cells)) == NATIVE

    for index in range(COLUMNS * ROWS):
        damaged = [black != (at == index) for at, black in enumerate(cells)]
        assert read_mark(painted(damaged)) is None, f"cell {index}"


def test_random_cells_below_a_valid_first_row_are_not_a_mark() -> None:
    dice = random.Random(1152)
    first_row = cells_of(NATIVE)[:COLUMNS]
    for _ in range(300):
        assert read_mark(painted(first_row + [dice.random() < 0.5 for _ in range(COLUMNS * (ROWS - 1))])) is None


@pytest.mark.parametrize(
    "change", [{"number": 65_536}, {"number": -1}, {"made_width": 0}, {"made_height": 8192}, {"part": 8}]
)
def test_a_mark_out_of_range_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        Watermark(**({"kind": "picture", "number": 1, "made_width": 16, "made_height": 9} | change))  # type: ignore[arg-type]


def test_unknown_names_are_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match='did you mean "cut-off-after-header"'):
        picture(NATIVE, flaw="cutoff-after-headers")
    with pytest.raises(ValueError, match='did you mean "jpeg"'):
        picture(NATIVE, "jpg")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="png, jpeg"):
        picture(NATIVE, "qqq")  # type: ignore[arg-type]


def test_a_flaw_that_a_format_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the format png or jpeg"):
        picture(NATIVE, "webp", "header-lies")
    with pytest.raises(ValueError, match="needs png, jpeg, webp or gif, not svg"):
        picture(NATIVE, "svg", "cut-off-in-last-chunk")


def test_a_size_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to 8191 pixels, found 9000"):
        render(PictureSpec(9000, 1152, NATIVE))


def test_tiny_pictures_are_drawn_without_letters_and_without_a_crash() -> None:
    for side in (1, 2, 7, 40):
        assert decoded(picture(Watermark("cover", 1, side, side)).content).size == (side, side)


DIGESTS = """
import hashlib
from harness.fakes.audio import silence
from harness.fakes.watermark import Watermark
from harness.fakes.pictures import FLAWS, FORMATS, PictureSpec, render
mark = Watermark("picture", 5, 256, 144)
specs = [PictureSpec(256, 144, mark, format_) for format_ in FORMATS]
specs += [PictureSpec(256, 144, mark, "png", flaw) for flaw in FLAWS] + [PictureSpec(512, 288, mark)]
everything = b"".join(render(spec).content for spec in specs) + silence(1.0, "title")
print(hashlib.sha256(everything).hexdigest())
"""


def test_two_processes_make_the_same_bytes() -> None:
    digests = [
        subprocess.run(
            [sys.executable, "-c", DIGESTS],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert len(digests[0].strip()) == len(hashlib.sha256().hexdigest())
    assert digests[0] == digests[1]


def test_every_flaw_has_a_meaning_in_one_sentence() -> None:
    assert all(meaning.endswith(".") and len(meaning) > 20 for meaning in FLAWS.values())
