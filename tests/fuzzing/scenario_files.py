"""Scenario files that have been tampered with: shipped ones, changed at random."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from harness.scenario import catalogue
from harness.scenario.loader import json_schema
from tests.fuzzing.values import BILLION_LAUGHS, YAML_VALUES

CHANGES_MAX = 3
NOISE = "\0\t\r\x85\u2028\ufeff{}[]&*!|>'\"%@`:-#,?\\~0"


@cache
def shipped_texts() -> tuple[str, ...]:
    """Return the shipped scenario files, in the catalogue's order."""
    return tuple(Path(path).read_text("utf-8") for path in catalogue.files([]))


@cache
def known_keys() -> tuple[str, ...]:
    """Return every key that a scenario file may have anywhere."""
    keys: set[str] = set()

    def collect(schema: Any) -> None:
        if isinstance(schema, dict):
            keys.update(schema.get("properties", {}))
        for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
            collect(part)

    collect(json_schema())
    return tuple(sorted(keys))


def scenario_file(random: Random) -> bytes:
    """Return a shipped scenario file with a few changes; it may still be valid."""
    text = random.choice(shipped_texts())
    for _ in range(random.randint(1, CHANGES_MAX)):
        text = random.choice(CHANGES)(random, text)
    return text.encode("utf-8", "surrogatepass")


def _other_value(random: Random, text: str) -> str:
    lines = text.split("\n")
    at = _place(random, lines)
    key, colon, _ = lines[at].partition(":")
    lines[at] = f"{key}{colon} {random.choice(YAML_VALUES)}"
    return "\n".join(lines)


def _other_key(random: Random, text: str) -> str:
    lines = text.split("\n")
    at = _place(random, lines)
    indent = len(lines[at]) - len(lines[at].lstrip(" -"))
    _, colon, value = lines[at].partition(":")
    lines[at] = f"{lines[at][:indent]}{random.choice((*known_keys(), *YAML_VALUES))}{colon}{value}"
    return "\n".join(lines)


def _another_key(random: Random, text: str) -> str:
    lines = text.split("\n")
    at = _place(random, lines)
    indent = random.choice((0, 2, 4, 6))
    lines.insert(at, f"{' ' * indent}{random.choice(known_keys())}: {random.choice(YAML_VALUES)}")
    return "\n".join(lines)


def _duplicate(random: Random, text: str) -> str:
    lines = text.split("\n")
    at = _place(random, lines)
    return "\n".join([*lines[:at], *[lines[at]] * random.choice((2, 3, 500)), *lines[at + 1 :]])


def _swapped(random: Random, text: str) -> str:
    lines = text.split("\n")
    one, other = _place(random, lines), _place(random, lines)
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def _noise(random: Random, text: str) -> str:
    for _ in range(random.choice((1, 5, 50))):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(NOISE) + text[at + random.randint(0, 1) :]
    return text


def _cut(random: Random, text: str) -> str:
    return text[: random.randrange(len(text) + 1)]


def _twice(random: Random, text: str) -> str:
    return random.choice(("", "---\n", "...\n", "%YAML 9.9\n---\n")).join((text, text))


def _laughing(random: Random, text: str) -> str:
    return f"{BILLION_LAUGHS}\n{text}\nwhy: *a11\n"


def _nested(random: Random, text: str) -> str:
    depth = random.choice((1, 20, 33, 500))
    return "\n".join([*(f"{' ' * n}kie:" for n in range(depth)), *(" " * depth + line for line in text.split("\n"))])


def _merged(random: Random, text: str) -> str:
    return f"x: &x {{<<: {random.choice(YAML_VALUES)}}}\n<<: [*x, *x]\n{text}"


CHANGES: tuple[Callable[[Random, str], str], ...] = (
    *(_other_value,) * 6,
    *(_other_key, _another_key) * 2,
    *(_duplicate, _swapped, _noise, _cut, _twice, _laughing, _nested, _merged),
)
"""What may happen to a file, the likelier the more often it is here."""


def _place(random: Random, lines: list[str]) -> int:
    return random.randrange(len(lines))
