"""The models of createTask: what the input of each known Seedream may have, and what any other model makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.fakes.events import ContractProblem, Purpose
from harness.fakes.kie.sizes import (
    DEFAULT_RESOLUTION,
    DEFAULT_SHAPE,
    RATIOS,
    RESOLUTIONS,
    SEEN_OTHERS,
    SHAPES,
    Generation,
    other_size,
    pixels,
)
from harness.fakes.validation import Field, Form, problem

PRICE_CREDITS = 5
"""For one picture. The sources state no price; this one is made up."""
IMAGES_MAX = 6
PROMPT_LONGEST, LATER_PROMPT_LONGEST = 5000, 3000
JOBS = "fakes/FIDELITY.md section 2, documented"
_LATER = "docs.kie.ai, market/seedream, documented"


@dataclass(frozen=True, slots=True)
class Seedream:
    """A known Seedream model."""

    name: str
    generation: Generation
    input: Form
    qualities: Mapping[str, str] | None = None
    """The resolution that each `quality` means; None for the models that name a shape and a resolution instead."""

    def size(self, requested: Mapping[str, Any], table: str) -> tuple[int, int]:
        """Return width and height in pixels of a valid request, by the "kie" or "bytedance" table."""
        if self.qualities is None:
            shape = SHAPES[requested.get("image_size") or DEFAULT_SHAPE]
            return pixels(shape, requested.get("image_resolution") or DEFAULT_RESOLUTION, table, self.generation)
        across, down = (int(part) for part in requested["aspect_ratio"].split(":"))
        return pixels((across, down), self.qualities[requested["quality"]], table, self.generation)


def _model(name: str, generation: Generation, *fields: Field, qualities: dict[str, str] | None = None) -> Seedream:
    """Return a model; one that edits pictures needs their addresses as well."""
    edited = () if name.endswith("text-to-image") else (Field("image_urls", "urls", _LATER, required=True),)
    form = Form((*fields, Field("nsfw_checker", "flag", JOBS), *edited), "input.")
    return Seedream(name, generation, form, qualities)


_SHAPED = (
    Field("prompt", "text", JOBS, required=True, longest=PROMPT_LONGEST),
    Field("image_size", "text", JOBS, choices=tuple(SHAPES)),
    Field("image_resolution", "text", JOBS, choices=RESOLUTIONS),
    Field("max_images", "whole", JOBS, low=1, high=IMAGES_MAX),
    Field("seed", "whole", JOBS),
)


def _later(qualities: dict[str, str], longest: int = LATER_PROMPT_LONGEST) -> tuple[Field, ...]:
    return (
        Field("prompt", "text", _LATER, required=True, longest=longest),
        Field("aspect_ratio", "text", _LATER, required=True, choices=RATIOS),
        Field("quality", "text", _LATER, required=True, choices=tuple(qualities)),
    )


_4_5 = {"basic": "2K", "high": "4K"}
_5_LITE = {"basic": "2K", "high": "3K", "ultra": "4K"}
_5_PRO = {"basic": "1K", "high": "2K"}
"""The later models' name for a resolution."""
_MODELS = (
    _model("bytedance/seedream-v4-text-to-image", "4", *_SHAPED),
    _model("bytedance/seedream-v4-edit", "4", *_SHAPED),
    _model("seedream/4.5-text-to-image", "4", *_later(_4_5), qualities=_4_5),
    _model("seedream/4.5-edit", "4", *_later(_4_5), qualities=_4_5),
    _model("seedream/5-lite-text-to-image", "5-lite", *_later(_5_LITE), qualities=_5_LITE),
    _model("seedream/5-lite-image-to-image", "5-lite", *_later(_5_LITE), qualities=_5_LITE),
    _model("seedream/5-pro-text-to-image", "5-pro", *_later(_5_PRO, PROMPT_LONGEST), qualities=_5_PRO),
    _model("seedream/5-pro-image-to-image", "5-pro", *_later(_5_PRO, PROMPT_LONGEST), qualities=_5_PRO),
)
KNOWN = {model.name: model for model in _MODELS}
"""The models whose input is checked, by name."""
SEEDREAM_4, SEEDREAM_4_5 = "bytedance/seedream-v4-text-to-image", "seedream/4.5-text-to-image"
OTHER_INPUT = Form((), "input.")
"""A model that is not one of these: what its input may be is not known here, so everything is accepted."""

_WITHOUT_PICTURES = re.compile(
    r"video|speech|audio|sound|music|suno|voice|dialogue|talk|avatar|animat|motion|lip-?sync|sora|veo|kling|hailuo"
    r"|seedance|^bytedance/v1-|^wan/|runway|luma|elevenlabs|minimax|chat|vocal|lyrics|-to-text"
)
_SOUND = re.compile(r"speech|audio|sound|music|suno|voice|dialogue|elevenlabs|vocal")
_PICTURES = re.compile(r"image(?!-to-(?!image))")
"""What the names of the catalogue's models tell: `image` as anything but the source of something else."""


@lru_cache(maxsize=64)
def purpose_of(model: str) -> Purpose:
    """Return what a task of a model is for: a picture that may be a cover, or something else, such as a video."""
    name = model.casefold()
    return "image" if _PICTURES.search(name) or not _WITHOUT_PICTURES.search(name) else "other"


def extension_of(model: str) -> str:
    """Return the extension of the files that a model makes."""
    if purpose_of(model) == "image":
        return "png"
    return "mp3" if _SOUND.search(model.casefold()) else "mp4"


def input_form(model: Any) -> Form:
    """Return the fields of a job's `input`."""
    known = KNOWN.get(model) if isinstance(model, str) else None
    return OTHER_INPUT if known is None else known.input


def misspelt_model(model: str) -> list[ContractProblem]:
    """Return the problem of a name that is a Seedream model's but for case and punctuation, or lacks its first part."""
    if model in KNOWN:
        return []
    meant = next((known for known in KNOWN if _bare(model) in (_bare(known), _bare_end(known))), None)
    return [problem("model", model, f"no such model; it is called {meant}", JOBS)] if meant else []


def _bare(model: str) -> str:
    return re.sub("[^a-z0-9/]", "", model.casefold())


def _bare_end(model: str) -> str:
    return _bare(model).rpartition("/")[2]


def job_size(body: dict[str, Any], table: str) -> tuple[int, int]:
    """Return the requested width and height in pixels of a createTask request, by the "kie" or "bytedance" table."""
    known = KNOWN.get(body["model"])
    return other_size(body["model"], body["input"]) if known is None else known.size(body["input"], table)


def job_count(body: dict[str, Any]) -> int:
    """Return the number of pictures in a valid createTask request; only Seedream 4 can make several."""
    known = KNOWN.get(body["model"])
    several = known is not None and known.qualities is None
    return int(body["input"].get("max_images") or 1) if several else 1


def catalogue(accepted: tuple[str, ...], wanted: Mapping[str, str]) -> dict[str, Any]:
    """Return the `data` of the list of models: those that are checked, and some others that have been seen.

    `accepted` are the only ones that a script accepts, if any; `wanted` are the query's filters.
    """
    found = [_listed(name) for name in accepted or (*KNOWN, *SEEN_OTHERS)]
    kinds = {kind.strip() for kind in wanted.get("taskType", "").split(",") if kind.strip()}
    provider, words = wanted.get("provider", "").casefold(), wanted.get("q", "").casefold()
    chosen = [
        entry
        for entry in found
        if (not kinds or kinds.intersection(entry["taskType"]))
        and provider in ("", entry["provider"].casefold())
        and words in f"{entry['model']} {entry['title']}".casefold()
    ]
    return {"total": len(chosen), "models": chosen}


def _listed(name: str) -> dict[str, Any]:
    edits = "image-to-image" in name or "edit" in name
    return {
        "model": name,
        "slug": name,
        "title": name.rpartition("/")[2],
        "provider": "ByteDance" if "seedream" in name else name.partition("/")[0],
        "taskType": ["Image to Image" if edits else "Text to Image"],
        "description": None,
        "pricingDesc": f"{PRICE_CREDITS} credits per image",
    }
