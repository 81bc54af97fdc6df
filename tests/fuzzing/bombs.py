"""Results archives that are small, and would take gigabytes of memory if they were read without limits."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

Lines = Iterator[bytes]
PIECE_BYTES = 2**20


def _repeated(part: bytes, mib: int) -> Lines:
    piece = part * (PIECE_BYTES // len(part))
    for _ in range(mib):
        yield piece


def _in_the_head(head: dict[str, Any], part: bytes, last: bytes, mib: int) -> Lines:
    """Yield a head with another key: a list of many parts."""
    yield json.dumps(head).encode()[:-1] + b', "more": ['
    yield from _repeated(part + b",", mib)
    yield last + b"]}\n"


def _all_that_is_allowed(head: dict[str, Any]) -> Lines:
    """Yield one line with as many values and as many wide characters as a line may just have."""
    yield json.dumps(head).encode()[:-1] + b', "values": [' + b'{"a":0.5},' * 990_000 + b'{}], "text": "'
    yield from _repeated("😀".encode(), 21)
    yield b'"}\n'


def _runs(head: dict[str, Any], run: dict[str, Any], count: int, **changed: Any) -> Lines:
    """Yield an archive with the same run in as many scenarios."""
    scenarios = [{"name": str(number)} for number in range(count)]
    yield json.dumps({**head, "scenarios": scenarios}).encode() + b"\n"
    line = json.dumps({**run, "run": {**run["run"], "scenario": "NAME", **changed}, "pictures": {}}).encode() + b"\n"
    for number in range(count):
        yield line.replace(b'"NAME"', b'"%d"' % number)


def _noisy(run: dict[str, Any]) -> dict[str, Any]:
    """Return a run whose journal compresses well beside itself, and badly alone."""
    entry = {"n": 1, "at_s": 0, "kind": "x", "cause": 0, "facts": {"x": Random(1).randbytes(9_000).hex()}}
    return {**run, "journal": [entry]}


def _unredacted(head: dict[str, Any], run: dict[str, Any]) -> Lines:
    """Yield a run of an earlier version, whose secrets have to be found in many small values."""
    began = {**run["journal"][0], "facts": {**run["journal"][0]["facts"], "secrets": ["a-secret"]}}
    entry = {"n": 2, "at_s": 0, "kind": "x", "cause": 0, "facts": {"x": ["VALUES"]}}
    line = json.dumps({**run, "pictures": {}, "journal": [began, entry]}).encode()
    yield json.dumps(head).encode() + b"\n"
    yield line.replace(b'"VALUES"', b'{"a":0.5},' * 900_000 + b"{}") + b"\n"


BOMBS: dict[str, Callable[[dict[str, Any], dict[str, Any]], Lines]] = {
    "zeros": lambda head, run: _repeated(bytes(1024), 600),
    "empty lines": lambda head, run: iter([json.dumps(head).encode(), *_repeated(b"\n", 200)]),
    "empty lists": lambda head, run: _in_the_head(head, b"[]", b"[]", 30),
    "many empty lists": lambda head, run: _in_the_head(head, b"[]", b"[]", 300),
    "all that is allowed": lambda head, run: _all_that_is_allowed(head),
    "secrets in small values": _unredacted,
    "rows of a track": lambda head, run: _runs(head, run, 350, tracks=[{"x": [[]] * 20_000}]),
    "small runs": lambda head, run: _runs(head, {**run, "journal": []}, 40_000, verdicts=[]),
    "runs of noise": lambda head, run: _runs(head, _noisy(run), 8_000, verdicts=[]),
}


def write_bomb(path: Path, name: str, archive: str) -> None:
    """Write an archive made from the lines of a real one."""
    head, *lines = map(json.loads, archive.splitlines())
    run = next(line for line in lines if "run" in line)
    with gzip.open(path, "wb", 6) as file:
        for part in BOMBS[name](head, run):
            file.write(part)
