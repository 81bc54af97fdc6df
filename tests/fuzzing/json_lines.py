"""Journals and results archives that have been tampered with: real ones, changed at random."""

import gzip
import json
import re
from collections.abc import Callable
from random import Random

from tests.fuzzing.values import JSON_VALUES

CHANGES_MAX = 3
_VALUE = re.compile(r'(?<=":)(?:"(?:[^"\\]|\\.)*"|[-0-9.e]+|null|true|false|\[\]|\{\})')
_CAUSE = re.compile(r'(?<="cause":)\d+')
_TIME = re.compile(r'(?<="at_s":)[0-9.e-]+')
_KIND = re.compile(r'(?<="kind":)"[a-z.-]+"')


def json_lines(random: Random, text: str) -> bytes:
    """Return JSON Lines with a few changes; they may still be well-formed."""
    lines = text.removesuffix("\n").split("\n")
    for _ in range(random.randint(1, CHANGES_MAX)):
        lines = random.choice(CHANGES)(random, lines)
    content = ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")
    return random.choice(ENDINGS)(random, content)


def gzipped(random: Random, content: bytes) -> bytes:
    """Return a compressed file, which may be damaged itself."""
    return random.choice(WRAPPINGS)(random, gzip.compress(content, 1, mtime=0))


def _value(random: Random, lines: list[str]) -> list[str]:
    return _replaced(random, lines, _VALUE, random.choice(JSON_VALUES))


def _cause(random: Random, lines: list[str]) -> list[str]:
    return _replaced(random, lines, _CAUSE, random.choice((str(len(lines)), "1", "999999", *JSON_VALUES)))


def _time(random: Random, lines: list[str]) -> list[str]:
    return _replaced(random, lines, _TIME, random.choice(("1e12", "1e13", "1e308", "0", "-1", *JSON_VALUES)))


def _kind(random: Random, lines: list[str]) -> list[str]:
    kinds = [found[0] for line in lines for found in _KIND.finditer(line)]
    return _replaced(random, lines, _KIND, random.choice((*kinds, '"shop.opened"', *JSON_VALUES)))


def _replaced(random: Random, lines: list[str], what: re.Pattern[str], value: str) -> list[str]:
    """Return the lines with one occurrence of a pattern replaced; the same lines if a random line has none."""
    at = random.randrange(len(lines))
    found = list(what.finditer(lines[at]))
    if not found:
        return lines
    start, end = random.choice(found).span()
    return [*lines[:at], lines[at][:start] + value + lines[at][end:], *lines[at + 1 :]]


def _no_key(random: Random, lines: list[str]) -> list[str]:
    """Leave out a key of an entry, or of its facts."""
    at = random.randrange(len(lines))
    try:
        entry = json.loads(lines[at])
    except (ValueError, RecursionError):
        return lines
    if not isinstance(entry, dict):
        return lines
    inner = [value for value in entry.values() if isinstance(value, dict) and value]
    block = random.choice([entry, *inner])
    if block:
        del block[random.choice(list(block))]
    return [*lines[:at], json.dumps(entry), *lines[at + 1 :]]


def _swapped(random: Random, lines: list[str]) -> list[str]:
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines = list(lines)
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def _renumbered_swap(random: Random, lines: list[str]) -> list[str]:
    """Swap two lines, but not their numbers, so that entries are out of order and causes point anywhere."""
    swapped = _swapped(random, lines)
    return [re.sub(r'^\{"n":\d+', f'{{"n":{number}', line) for number, line in enumerate(swapped)]


def _left_out(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines))
    left = [*lines[:at], *lines[at + 1 :]]
    return [re.sub(r'^\{"n":\d+', f'{{"n":{number}', line) for number, line in enumerate(left)] or [""]


def _repeated(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines))
    return [*lines[:at], *[lines[at]] * random.choice((2, 100)), *lines[at + 1 :]]


def _other_line(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines))
    return [*lines[:at], random.choice(JSON_VALUES), *lines[at + 1 :]]


def _cut(random: Random, lines: list[str]) -> list[str]:
    return lines[: random.randrange(len(lines)) + 1]


CHANGES: tuple[Callable[[Random, list[str]], list[str]], ...] = (
    *(_value, _value, _value, _value, _no_key, _no_key, _cause, _time, _kind),
    *(_swapped, _renumbered_swap, _left_out, _repeated, _other_line, _cut),
)
"""What may happen to the lines."""


def _flipped(random: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 10))):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _cut_off(random: Random, content: bytes) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _as_it_is(random: Random, content: bytes) -> bytes:
    return content


ENDINGS: tuple[Callable[[Random, bytes], bytes], ...] = (*(_as_it_is,) * 6, _flipped, _cut_off)
WRAPPINGS: tuple[Callable[[Random, bytes], bytes], ...] = (
    *(_as_it_is,) * 6,
    *(_flipped, _cut_off),
    lambda random, content: content + random.randbytes(100),
    lambda random, content: content + bytes(100),
    lambda random, content: content * 2,
    lambda random, content: content + gzip.compress(b"x\n", mtime=0)[:-6],
)
"""What may happen to a compressed file."""
