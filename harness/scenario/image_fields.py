"""The pictures of a scenario file: a size, or a block with more properties.

Each makes a `harness.fakes.script.Picture`.
"""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Discriminator,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from harness.fakes.pictures import FLAWS, PictureFormat
from harness.fakes.script import COVER, Picture
from harness.scenario.fields import Keys, Size, key, one_of, text_like, word_or_block
from harness.scenario.values import size_px

RASTER_FOR_LIES = ("png", "jpeg")
"""The formats that support the flaw header-lies."""


Flaw = Annotated[str, PlainValidator(partial(one_of, known=FLAWS, kind="flaw")), WithJsonSchema({"enum": [*FLAWS]})]


class PictureKeys(Keys):
    """A picture file; by default valid and generated at its size."""

    makes = Picture
    size: Size = key("Width and height in pixels.", "2048x1152", "360x360")
    made_at: Size = key("The size at which it was generated; if that is smaller, it was enlarged.", "360x360")
    format: PictureFormat = key("The file format.", "png", "webp")
    weight: Literal["drawn", "captured"] = key(
        "The weight of a valid PNG: some kilobytes, or what a provider's file of its size weighs, 1.2 bytes a pixel.",
        "captured",
    )
    flaw: Flaw = key("The defect of the file.", "header-lies", "cut-off-in-last-chunk")

    @field_validator("weight")
    @classmethod
    def _weighable(cls, weight: str, info: ValidationInfo) -> str:
        format_ = info.data.get("format") or "png"
        if weight == "captured" and format_ != "png":
            raise ValueError(f'"{weight}" needs the format png, got {format_}')
        return weight

    @field_validator("flaw")
    @classmethod
    def _possible(cls, flaw: str, info: ValidationInfo) -> str:
        format_ = info.data.get("format") or "png"
        if flaw == "header-lies" and format_ not in RASTER_FOR_LIES:
            raise ValueError(f'"{flaw}" needs the format png or jpeg, got {format_}')
        if flaw.startswith("cut-off-") and format_ in ("svg", "avif"):
            raise ValueError(f'"{flaw}" needs the format png, jpeg, webp or gif, got {format_}')
        return flaw

    def on(self, picture: Picture) -> Picture:
        """Return `picture` with the properties in the file."""
        given = self.given()
        if size := given.pop("size", None):
            given["width"], given["height"] = size
        if made_at := given.pop("made_at", None):
            given["made_width"], given["made_height"] = made_at
        return replace(picture, **given)


def _picture_of_size(value: Any, *, otherwise: Picture, none: bool = False) -> Picture | None:
    if none and value == "none":
        return None
    try:
        width, height = size_px(value)
    except ValueError as error:
        raise ValueError(f"{error}{'; none is allowed, too' if none else ''}") from None
    return replace(otherwise, width=width, height=height)


def _on(keys: PictureKeys, *, otherwise: Picture) -> Picture:
    return keys.on(otherwise)


_SIZE_OR_NONE = r"^([1-9][0-9]{0,3}x[1-9][0-9]{0,3}|none)$"
_SIZE_ONLY = r"^[1-9][0-9]{0,3}x[1-9][0-9]{0,3}$"
PictureText = Annotated[
    Annotated[Any, PlainValidator(partial(_picture_of_size, otherwise=Picture())), text_like(_SIZE_ONLY), Tag("=word")]
    | Annotated[PictureKeys, AfterValidator(partial(_on, otherwise=Picture())), Tag("=block")],
    Discriminator(word_or_block),
]
SomeCoverText = Annotated[
    Annotated[Any, PlainValidator(partial(_picture_of_size, otherwise=COVER)), text_like(_SIZE_ONLY), Tag("=word")]
    | Annotated[PictureKeys, AfterValidator(partial(_on, otherwise=COVER)), Tag("=block")],
    Discriminator(word_or_block),
]
CoverText = Annotated[
    Annotated[
        Any,
        PlainValidator(partial(_picture_of_size, otherwise=COVER, none=True)),
        text_like(_SIZE_OR_NONE),
        Tag("=word"),
    ]
    | Annotated[PictureKeys, AfterValidator(partial(_on, otherwise=COVER)), Tag("=block")],
    Discriminator(word_or_block),
]
