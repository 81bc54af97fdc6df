"""Which variables of the shell's environment an application reads.

A read counts if the application's own code makes it: by `os.environ` or `os.getenv`, or through a library that reads
settings for it. What the standard library and other packages read for themselves (TMPDIR, TERM, proxies) does not. Nor
do variables that the harness or the application has set.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType

from harness.trace.events import EnvironmentRead
from harness.world.code_location import is_own_code

DIGEST_CHARACTERS = 8
ACCESS = frozenset(("os", "collections.abc", "posixpath", "string"))
"""Modules of the standard library that only carry out a read: `os.getenv`, `Mapping.get`, `expandvars`, templates."""
FOR_SETTINGS = frozenset(("starlette.config", "pydantic_settings", "decouple", "environ", "environs", "dynaconf"))
"""Modules and packages that read settings for an application."""
_PASSED_OVER = ACCESS | FOR_SETTINGS


class Reads:
    """What one application has read."""

    def __init__(self, is_inherited: Callable[[str], bool], *, is_clean: bool = False) -> None:
        """`is_inherited`: whether a variable is the shell's, if it is set. `is_clean`: whether hardly any is."""
        self._is_inherited, self._is_clean = is_inherited, is_clean
        self._written: set[str] = set()
        self._variables: dict[str, str | None] = {}
        self._everything_at: tuple[CodeType, int] | None = None

    def event(self) -> EnvironmentRead | None:
        """Return what was read as an event; None if nothing was."""
        everything = self._everything_at is not None and not self._is_clean
        if not self._variables and not everything:
            return None
        return EnvironmentRead(variables=dict(sorted(self._variables.items())), everything=everything)

    def write(self, name: str) -> None:
        self._written.add(name)

    def read(self, name: str, value: str | None) -> None:
        if name in self._variables or name in self._written or not self._is_inherited(name):
            return
        at = _reader(sys._getframe(2))
        if at is not None and at != self._everything_at:
            self._variables[name] = None if value is None else _digest(name, value)

    def read_everything(self) -> None:
        self._everything_at = _reader(sys._getframe(2)) or self._everything_at


class _RecordedEnvironment(os._Environ[str]):
    """`os.environ` while reads are recorded."""

    def __getitem__(self, name: str) -> str:
        try:
            value = super().__getitem__(name)
        except KeyError:
            _reads.read(name, None)
            raise
        _reads.read(name, value)
        return value

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name, value)
        _reads.write(name)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        _reads.write(name)

    def __iter__(self) -> Iterator[str]:
        _reads.read_everything()
        return super().__iter__()


_reads = Reads(lambda name: False)


@contextmanager
def recorded_reads(reads: Reads) -> Iterator[None]:
    """Record what is read of `os.environ` until the context ends."""
    global _reads
    _reads = reads
    environment = os.environ
    environment.__class__ = _RecordedEnvironment  # it stays the object that other modules have imported
    try:
        yield
    finally:
        environment.__class__ = os._Environ


def _reader(frame: FrameType | None) -> tuple[CodeType, int] | None:
    """Return the place in the application's code that reads, or None if it does not."""
    while frame is not None:
        if is_own_code(frame.f_code.co_filename):
            return frame.f_code, frame.f_lasti
        module = str(frame.f_globals.get("__name__"))
        if module not in _PASSED_OVER and module.partition(".")[0] not in _PASSED_OVER:
            return None
        frame = frame.f_back
    return None


def _digest(name: str, value: str) -> str:
    """Return a short digest, from which equal values of two variables cannot be recognized."""
    return hashlib.sha256(f"{name}={value}".encode(errors="surrogateescape")).hexdigest()[:DIGEST_CHARACTERS]
