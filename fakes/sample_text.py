"""Seeded titles and prompts, the same for the same seed. Common words only, no names of persons."""

from functools import cache, lru_cache
from typing import Any

REMEMBERED = 256
"""Size of the cache: thousands of runs use the same few texts."""
_FORMS = ("adjective", "noun")


def titles(seed: int, count: int) -> list[str]:
    """Return `count` song titles of two words, all different."""
    return list(_titles(seed, count))


@lru_cache(maxsize=REMEMBERED)
def _titles(seed: int, count: int) -> tuple[str, ...]:
    words = _seeded(f"titles {seed}")
    chosen: dict[str, None] = {}
    while len(chosen) < count:
        title = " ".join(words.word(part_of_speech=form) for form in _FORMS).title()
        chosen[title if title not in chosen else f"{title} {len(chosen) + 1}"] = None
    return tuple(chosen)


@lru_cache(maxsize=REMEMBERED)
def prompt(seed: int, index: int) -> str:
    """Return the description of a picture or a song, a sentence of at most 100 characters; different for each index."""
    words = _seeded(f"prompt {seed} {index}")
    adjective, noun, place = (words.word(part_of_speech=form) for form in (*_FORMS, "noun"))
    return f"{'an' if adjective[0] in 'aeiou' else 'a'} {adjective} {noun} near the {place}"


@cache
def _instance() -> Any:
    """Return the generator, one for the process: importing and creating it takes more than a hundred milliseconds."""
    from faker import Faker

    return Faker("en_US")


def _seeded(seed: str) -> Any:
    """Return the generator, seeded anew for each use, so that a result does not depend on earlier ones."""
    words = _instance()
    words.seed_instance(seed)
    return words
