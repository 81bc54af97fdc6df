"""What a name may stand for that is no ordinary text file."""

import gzip
import os
import socket
from collections.abc import Callable
from pathlib import Path

from harness.input_file import TEXT_BYTES_MAX
from tests.fuzzing.values import DEEP, DIGITS

TEXT = "why: a picture is late\nkie:\n  images:\n    - takes: 16s\n"


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _unreadable(path: Path) -> None:
    path.write_text(TEXT, "utf-8")
    path.chmod(0)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path.name)  # a whole path may be too long


def _chain(path: Path) -> None:
    for number in range(60):
        path.with_name(f"link-{number}").symlink_to(f"link-{number + 1}")
    path.symlink_to("link-0")


def _encoded(encoding: str) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(TEXT.replace("late", "später").encode(encoding))


def _containing(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


SPECIAL_FILES: dict[str, Callable[[Path], object]] = {
    "UTF-8 with a mark": _encoded("utf-8-sig"),
    "UTF-16": _encoded("utf-16"),
    "UTF-16 without a mark": _encoded("utf-16-le"),
    "UTF-32": _encoded("utf-32"),
    "Latin-1": _encoded("latin-1"),
    "EBCDIC": _encoded("cp500"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "sixty links": _chain,
    "a link to a folder": lambda path: path.symlink_to("/dev/fd"),
    "a link to /proc": lambda path: path.symlink_to("/proc/self/mem"),
    "a link to a link to a device": lambda path: path.symlink_to("/dev/stdout"),
    "a pipe": lambda path: os.mkfifo(path),
    "a socket": _socket,
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "/dev/full": lambda path: path.symlink_to("/dev/full"),
    "/dev/null": lambda path: path.symlink_to("/dev/null"),
    "/dev/random": lambda path: path.symlink_to("/dev/random"),
    "/dev/tty": lambda path: path.symlink_to("/dev/tty"),
    "a folder": lambda path: path.mkdir(),
    "nothing": lambda path: None,
    "unreadable": _unreadable,
    "empty": _containing(b""),
    "as large as a text may be": lambda path: _sparse(path, TEXT_BYTES_MAX),
    "larger than a text may be": lambda path: _sparse(path, TEXT_BYTES_MAX + 1),
    "a terabyte": lambda path: _sparse(path, 2**40),
    "a gzip bomb": lambda path: path.write_bytes(gzip.compress(bytes(64 * 2**20), 1) * 10),
    "gzip in gzip": lambda path: path.write_bytes(gzip.compress(gzip.compress(TEXT.encode()))),
    "the beginning of gzip": _containing(b"\x1f\x8b"),
    "nested lists": _containing(b"[" * DEEP),
    "nested objects": _containing(b'{"a":' * DEEP),
    "a long number": _containing(f"why: x\ndeadline: {DIGITS}s\n".encode()),
    "a long JSON number": _containing(f'{{"journal": {DIGITS}, "format": {DIGITS}}}'.encode()),
    "a number that no float can hold": _containing(b'{"journal": 1e999, "format": 1e999}'),
    "one long line": _containing(b"a" * 2**20),
    "many lines": _containing(b"\n" * 2**20),
    "zeros": _containing(bytes(2**20)),
    "escapes": _containing(b"\x1b]0;title\x07\x1b[2J" * 1000),
    "text": _containing(TEXT.encode()),
}
"""Each makes a file at a path."""
