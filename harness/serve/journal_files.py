"""The journals of served fakes on disk, where nothing is dropped."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from harness.errors import HarnessError
from harness.trace.journal import AnyEntry, Journal

PART_BYTES = 256 * 1024


class JournalFiles:
    """Writes each session's journal to a file as it grows: FILE.jsonl, then FILE-2.jsonl and so on."""

    def __init__(self, target: str | None) -> None:
        """`target` is the first file; None for a temporary file, which is gone when it is closed."""
        self._target = None if target is None else Path(target)
        self._count = 0
        self._file: IO[str] | None = None
        self._reader: int | None = None
        """A descriptor for reading the file; None for one that cannot be read again, such as a pipe."""

    def add(self, entries: Sequence[AnyEntry]) -> None:
        """Append entries; those of a new session, which begins with number 1, to its own file.

        Raise HarnessError if they cannot be written.
        """
        if entries[0].number == 1 or self._file is None:
            self._open()
        assert self._file is not None
        try:
            self._file.writelines(entry.to_json() + "\n" for entry in entries)
            self._file.flush()  # a killed server leaves a journal up to that moment
        except OSError as error:
            raise HarnessError(f"{self._file.name}: cannot be written ({error.strerror})") from None

    @property
    def can_be_read(self) -> bool:
        """Whether `parts` can return what was written."""
        return self._reader is not None

    def parts(self) -> Iterator[bytes]:
        """Yield the current session's whole journal, as far as it is written now, in parts of whole lines."""
        assert self._reader is not None
        reader = os.dup(self._reader)  # the session may end, and close its file, while a part is being sent
        try:
            size = os.fstat(reader).st_size
            rest = b""
            for offset in range(0, size, PART_BYTES):
                whole, newline, rest = (rest + os.pread(reader, min(PART_BYTES, size - offset), offset)).rpartition(
                    b"\n"
                )
                yield whole + newline
        finally:
            os.close(reader)

    def close(self) -> None:
        """Close the current file."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # a failed write has been reported
                self._file.close()
        if self._reader is not None:
            os.close(self._reader)
        self._file = self._reader = None

    def _open(self) -> None:
        self.close()
        self._count += 1
        if self._target is None:
            self._file = tempfile.TemporaryFile(  # noqa: SIM115  # as long as the session
                "w+", encoding="utf-8", errors="backslashreplace"
            )
            self._reader = os.dup(self._file.fileno())
        else:
            path = self._target
            if self._count > 1:
                path = path.with_name(f"{path.stem}-{self._count}{path.suffix}")
            try:
                self._file = path.open("w", encoding="utf-8", errors="backslashreplace")
                if stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                    self._reader = os.open(path, os.O_RDONLY)
            except OSError as error:
                raise HarnessError(f"{path}: cannot be written ({error.strerror})") from None
        self._file.write(Journal().to_jsonl())
