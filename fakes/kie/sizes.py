"""The sizes of Kie.ai's pictures: what shapes and resolutions mean in pixels, by rule, by table, and as decoded."""

import re
from functools import cache
from typing import Any, Literal

Shape = tuple[int, int]
"""Width to height, in small whole numbers."""
SHAPES: dict[str, Shape] = {
    "square": (1, 1),
    "square_hd": (1, 1),
    "portrait_4_3": (3, 4),
    "portrait_3_2": (2, 3),
    "portrait_16_9": (9, 16),
    "landscape_4_3": (4, 3),
    "landscape_3_2": (3, 2),
    "landscape_16_9": (16, 9),
    "landscape_21_9": (21, 9),
}
"""No source distinguishes `square` and `square_hd`; their size is the same here [inferred]."""
RESOLUTIONS = ("1K", "2K", "4K")
RATIOS = ("1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9")
"""The later models' replacement for a named shape."""
LONGEST_SIDE_PX = {"1K": 1024, "2K": 2048, "3K": 3072, "4K": 4096}
"""Kie's documented rule: the resolution names the longest side. For 3K it is inferred."""
BYTEDANCE_4: dict[str, dict[Shape, tuple[int, int]]] = {
    "1K": {(1, 1): (1024, 1024), (4, 3): (1152, 864), (3, 2): (1248, 832), (16, 9): (1280, 720), (21, 9): (1512, 648)},
    "2K": {
        (1, 1): (2048, 2048),
        (4, 3): (2304, 1728),
        (3, 2): (2496, 1664),
        (16, 9): (2560, 1440),
        (21, 9): (3024, 1296),
    },
    "4K": {
        (1, 1): (4096, 4096),
        (4, 3): (4694, 3520),
        (3, 2): (4992, 3328),
        (16, 9): (5404, 3040),
        (21, 9): (6198, 2656),
    },
}
"""ByteDance's recommended sizes for Seedream 4 and 4.5, in the version with 5404x3040; upright shapes are the same
turned. 16:9 is documented, the other shapes are as copied by public clients."""
BYTEDANCE_5_LITE: dict[str, dict[Shape, tuple[int, int]]] = {
    "2K": {
        (1, 1): (2048, 2048),
        (4, 3): (2304, 1728),
        (3, 2): (2496, 1664),
        (16, 9): (2848, 1600),
        (21, 9): (3136, 1344),
    },
    "3K": {
        (1, 1): (3072, 3072),
        (4, 3): (3456, 2592),
        (3, 2): (3744, 2496),
        (16, 9): (4096, 2304),
        (21, 9): (4704, 2016),
    },
    "4K": {
        (1, 1): (4096, 4096),
        (4, 3): (4704, 3520),
        (3, 2): (4992, 3328),
        (16, 9): (5504, 3040),
        (21, 9): (6240, 2656),
    },
}
"""The same for Seedream 5 lite, as copied by public clients."""
Generation = Literal["4", "5-lite", "5-pro"]
"""The Seedreams whose pictures measure the same."""
BYTEDANCE: dict[Generation, dict[str, dict[Shape, tuple[int, int]]]] = {
    "4": BYTEDANCE_4,
    "5-lite": BYTEDANCE_5_LITE,
    "5-pro": {"1K": BYTEDANCE_4["1K"], "2K": BYTEDANCE_5_LITE["2K"]},
}
"""For 5 pro no table is published [inferred]."""
SEEN: dict[Generation, dict[tuple[str, Shape], tuple[int, int]]] = {
    "4": {},
    "5-lite": {("2K", (16, 9)): (2736, 1520)},
    "5-pro": {("2K", (16, 9)): (2736, 1520)},
}
"""Sizes of decoded files, which follow neither rule. That 5 pro's was ordered as 2K is inferred."""
SEEN_OTHERS: dict[str, dict[Shape, tuple[int, int]]] = {"z-image": {(16, 9): (1280, 720)}}
"""Sizes of decoded files of other models, by the beginning of the model's name, for requests without a resolution."""
DEFAULT_SHAPE, DEFAULT_RESOLUTION = "square_hd", "1K"
ASPECT_RATIO = re.compile(r"([1-9][0-9]?):([1-9][0-9]?)")


def other_size(model: str, requested: dict[str, Any]) -> tuple[int, int]:
    """Return the size that a request to any other model names with `aspect_ratio` or `image_size`, and `resolution`, by
    Kie.ai's rule; what it does not name is the 1K square. Sizes that have been seen come before the rule."""
    shape = named_shape(requested.get("aspect_ratio") or requested.get("image_size"))
    resolution = str(requested.get("resolution")).upper()
    if resolution in LONGEST_SIDE_PX:
        return pixels(shape, resolution, "kie", "4")
    landscape = max(shape), min(shape)
    seen = (sizes.get(landscape) for prefix, sizes in SEEN_OTHERS.items() if model.startswith(prefix))
    size = next((size for size in seen if size is not None), None)
    return pixels(shape, DEFAULT_RESOLUTION, "kie", "4") if size is None else _turned(size, shape)


def named_shape(name: Any) -> Shape:
    """Return the shape that a ratio such as "16:9" or a name such as "landscape_16_9" means; the square for any other
    value."""
    ratio = ASPECT_RATIO.fullmatch(str(name))
    return (int(ratio[1]), int(ratio[2])) if ratio else SHAPES.get(str(name), SHAPES[DEFAULT_SHAPE])


@cache
def pixels(shape: Shape, resolution: str, table: str, generation: Generation) -> tuple[int, int]:
    """Return the pixels of a shape in a resolution, by the "kie" rule or the "bytedance" table of a Seedream."""
    across, down = shape
    long, short = max(across, down), min(across, down)
    if table == "bytedance":
        size = BYTEDANCE[generation][resolution][long, short]
    elif (resolution, (long, short)) in SEEN[generation]:
        size = SEEN[generation][resolution, (long, short)]
    else:
        longest = LONGEST_SIDE_PX[resolution]
        size = longest, max(1, round(longest * short / long))
    return _turned(size, shape)


def _turned(size: tuple[int, int], shape: Shape) -> tuple[int, int]:
    """Return a landscape size, turned for an upright shape."""
    return size if shape[0] >= shape[1] else (size[1], size[0])
