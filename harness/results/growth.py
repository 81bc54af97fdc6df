"""Files that grow while runs are played, so that a session that is ended from outside loses only the runs in flight.

A results archive grows by a gzip member for each run, which has a checksum of its own; one that was cut off is read up
to its last whole run. At the end it is replaced atomically by the archive in order. If the file exists before, `.part`
beside it grows instead, so that nothing is lost until there is something better. It begins, atomically, with the runs
that need not be played again; so where it exists, it has everything that its session has.
"""

import contextlib
import gzip
import os
from collections.abc import Callable, Iterable
from typing import IO, Any

from harness.errors import HarnessError
from harness.results.archive import Results, Run
from harness.results.archive_file import head_line, read_results, run_lines
from harness.results.files import write_json
from harness.results.replacement import replacing

PART = ".part"


def kept_results(path: str) -> Results:
    """Read what grew beside an archive, else the archive. Raise HarnessError if it cannot be read."""
    return read_results(path + PART if os.path.lexists(path + PART) else path)


class GrowingFile:
    """A file to which each run is appended in one write; `lines` makes them of a run."""

    def __init__(self, path: str, head: bytes, lines: Callable[[Run], bytes], kept: Iterable[Run] = ()) -> None:
        """Begin with `head` and the runs that are `kept`. Raise HarnessError if it cannot be written."""
        self.path = path
        self.kept_in = _place(path)
        self._lines = lines
        self._file: IO[bytes] | None = None
        with replacing(self.kept_in) as file:
            file.write(head)
            for run in kept:
                file.write(lines(run))
        try:
            self._file = open(self.kept_in, "ab", buffering=0)  # noqa: SIM115  # as long as the session
        except OSError as error:
            raise HarnessError(f"{self.kept_in}: cannot be written ({error.strerror})") from None

    def add(self, run: Run) -> str | None:
        """Append a run. Return a sentence if the file cannot grow any more, the first time."""
        if self._file is None:
            return None
        content = self._lines(run)
        try:
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            self._file.close()
            self._file = None
            return f"{self.kept_in}: cannot be written any more ({error.strerror}); the session goes on without it"
        return None

    def close(self) -> None:
        """End what has grown: the whole file is written, or is about to be."""
        if self._file is not None:
            self._file.close()
        self.kept_in = _end(self.path, self.kept_in)


class GrowingJson:
    """A JSON file that is replaced as often as there is more to write; what an earlier session left is removed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.kept_in = _place(path)
        if self.kept_in != path:
            _remove(self.kept_in)

    def write(self, value: Any) -> None:
        """Write all that is known. Raise HarnessError if it cannot be written."""
        write_json(self.kept_in, value)

    def close(self) -> None:
        """End what has grown: the whole file is written, or is about to be."""
        self.kept_in = _end(self.path, self.kept_in)


def _place(path: str) -> str:
    """Return where a file grows: beside it if it exists before."""
    return path + PART if os.path.exists(path) else path


def _end(path: str, kept_in: str) -> str:
    """Remove what has grown beside a file that is whole, and return the file's path."""
    if kept_in != path:
        _remove(kept_in)
    return path


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def growing_archive(path: str, head: Results) -> GrowingFile:
    """Return a growing results archive; `head` says what is run, and has the runs that are kept."""
    known: set[str] = set()
    return GrowingFile(
        path,
        gzip.compress(head_line(head), 1, mtime=0),
        lambda run: gzip.compress(b"".join(run_lines(run, known)), 1, mtime=0),
        head.runs,
    )
