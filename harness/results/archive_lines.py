"""The lines of a results archive, decompressed one by one, and bounded: a megabyte of gzip may hold a gigabyte, and a
megabyte of JSON may become fifty in memory.

The limits are far from what is real. `harness compare --save` of 1,360 runs writes 2.7 MB: 45 MB when decompressed,
17 times as much, with 0.6 MB in the longest line and 330 values in a run's result.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, NoReturn

LINE_BYTES_MAX = 32 * 2**20
LINE_VALUES_MAX = 2_000_000
"""The most commas and opening brackets in a line, which is about the number of its values."""
UNREDACTED_BYTES_MAX = 8 * 2**20
UNREDACTED_VALUES_MAX = 300_000
"""The same for a line of an earlier version, which is written anew, redacted: that takes several times its memory."""
FILE_BYTES_MAX = 4 * 2**30
"""All lines together, uncompressed."""
FREE_BYTES = 64 * 2**20
RATIO_MAX = 50
"""All lines together may have `FREE_BYTES` more than this many times the bytes of the file."""
FREE_VALUES = 300_000
"""What is kept of the results may have this many values more than the file has bytes."""


class ArchiveLines:
    """The lines of one archive; `number` is that of the latest, from 1."""

    def __init__(self, file: IO[bytes], wrong: Callable[[str], NoReturn], line_bytes_max: int) -> None:
        """`wrong` raises the error of a problem in the latest line."""
        self.number = 0
        self._file = _Counted(file)
        self._wrong = wrong
        self._line_bytes_max = line_bytes_max
        self._values_kept = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines without their ends, up to where the file was cut off."""
        total = 0
        with gzip.GzipFile(fileobj=self._file, mode="rb") as stream:
            while line := self._next(stream):
                total += len(line)
                self._check_size(line, total)
                yield line.removesuffix(b"\n")

    def _next(self, stream: gzip.GzipFile) -> bytes:
        self.number += 1
        try:
            return stream.readline(self._line_bytes_max + 1)
        except EOFError:
            if self.number == 1:
                self._wrong("the file was cut off before its first run")
            return b""
        except gzip.BadGzipFile as error:
            if self.number == 1:
                self._wrong("not a results archive; `harness compare --save FILE` writes one")
            self._wrong(f"the file is damaged ({error})")
        except zlib.error as error:
            self._wrong(f"the file is damaged ({error})")

    def _check_size(self, line: bytes, total: int) -> None:
        if len(line) > self._line_bytes_max:
            self._wrong(f"expected at most {self._line_bytes_max} bytes in a line, found more; {_ADVICE}")
        if _separators_in(line) > LINE_VALUES_MAX:
            self._wrong(f"expected at most {LINE_VALUES_MAX} values in a line, found more; {_ADVICE}")
        if total > FILE_BYTES_MAX or total > FREE_BYTES + RATIO_MAX * self._file.bytes_read:
            self._wrong(
                f"expected at most {FILE_BYTES_MAX} bytes in all lines, and {RATIO_MAX} times the size of the file, "
                f"found more; {_ADVICE}"
            )

    def check_unredacted(self, line: bytes, more: int) -> None:
        """Report a line that is too large to be redacted, or goes on in `more` lines."""
        if more or len(line) > UNREDACTED_BYTES_MAX or _separators_in(line) > UNREDACTED_VALUES_MAX:
            self._wrong(
                f"expected at most {UNREDACTED_BYTES_MAX} bytes and {UNREDACTED_VALUES_MAX} values in a line that "
                f"is not redacted, found more; {_ADVICE}"
            )

    def keep(self, value: Any) -> None:
        """Count the values of what a reader keeps of the latest line."""
        self._values_kept += _values_in(value)
        if self._values_kept > FREE_VALUES + self._file.bytes_read:
            self._wrong(f"the results have more values than a file of this size can have; {_ADVICE}")


_ADVICE = "no run of the harness is like that, save the results again"


class _Counted:
    """A file that counts the bytes that are read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.bytes_read = 0
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.bytes_read += len(content)
        return content


def _separators_in(line: bytes) -> int:
    return line.count(b",") + line.count(b"[") + line.count(b"{")


def _values_in(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_values_in, inner))
