"""Where the keys and values of a TOML text are: for messages about one, since no TOML reader keeps positions.

The text is valid TOML when it comes here, so this only follows its lines: tables, keys, dotted keys, and keys in inline
tables that begin on the line of their value. What it does not find is reported at the nearest key around it.
"""

import re
from collections import Counter
from collections.abc import Iterator

from harness.scenario.yaml import Marks, Position, Where

_KEY = r'(?:[A-Za-z0-9_-]+|"[^"\n]*"|\'[^\'\n]*\')'
_TABLE = re.compile(rf"\s*\[\[?\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*\]")
_PAIR = re.compile(rf"\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=\s*")
_INLINE = re.compile(rf"[{{,]\s*({_KEY})\s*=\s*")
_STRING = re.compile(r'"""|\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#.*')


def toml_marks(text: str) -> Marks:
    """Return the marks of a valid TOML text."""
    marks = Marks()
    table: Where = ()
    counts: Counter[Where] = Counter()
    for number, line in _statements(text):
        if header := _TABLE.match(line):
            table = _parts(header[1])
            mark = Position(number, line.index("[") + 1)
            if line.lstrip().startswith("[["):
                marks.keys.setdefault(table, mark)
                marks.values.setdefault(table, mark)
                counts[table] += 1
                table = (*table, counts[table] - 1)
            marks.keys.setdefault(table, mark)
            marks.values.setdefault(table, mark)
        elif pair := _PAIR.match(line):
            where = (*table, *_parts(pair[1]))
            marks.keys[where] = Position(number, pair.start(1) + 1)
            marks.values[where] = Position(number, pair.end() + 1)
            for inner in _INLINE.finditer(line, pair.end()):
                inside = (*where, *_parts(inner[1]))
                marks.keys.setdefault(inside, Position(number, inner.start(1) + 1))
                marks.values.setdefault(inside, Position(number, inner.end() + 1))
    return marks


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines on which a statement begins, without those inside a multi-line string or list."""
    until: str | None = None
    depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        if until is None and depth == 0:
            yield number, line
        rest = line
        while rest:
            if until is not None:
                _, found, rest = rest.partition(until)
                until = None if found else until
                continue
            found_string = _STRING.search(rest)
            before = rest[: found_string.start()] if found_string else rest
            depth = max(0, depth + _opened(before))
            if found_string is None:
                break
            rest = rest[found_string.end() :]
            until = found_string[0] if found_string[0] in ('"""', "'''") else None
        if _TABLE.match(line) and until is None:
            depth = 0


def _opened(text: str) -> int:
    return sum({"[": 1, "{": 1, "]": -1, "}": -1}.get(character, 0) for character in text)


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))
