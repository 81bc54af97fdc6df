"""Words: seeded titles and prompts, always the same for the same seed. Common words only, nobody's name."""

from functools import cache, lru_cache
from typing import Any

REMEMBERED = 256
"""Thousands of runs ask for the same few words."""
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
    """Return the description of a picture or a song, a sentence of at most 100 characters; another for each index."""
    words = _seeded(f"prompt {seed} {index}")
    adjective, noun, place = (words.word(part_of_speech=form) for form in (*_FORMS, "noun"))
    return f"{'an' if adjective[0] in 'aeiou' else 'a'} {adjective} {noun} near the {place}"


@cache
def _instance() -> Any:
    """One for the process: importing and making it costs more than a hundred milliseconds."""
    from faker import Faker

    return Faker("en_US")


def _seeded(seed: str) -> Any:
    """The instance is seeded anew for each use, so a result depends on nothing that was asked before."""
    words = _instance()
    words.seed_instance(seed)
    return words
