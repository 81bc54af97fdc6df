"""The files that a session writes: checked before the first run, growing while it plays, whole at its end."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from harness.errors import HarnessError, UnknownNameError
from harness.report.registry import Report, reports
from harness.results.archive import Results, Run
from harness.results.archive_file import write_results
from harness.results.files import check_outputs, write_bytes, write_json
from harness.results.growth import GrowingFile, GrowingJson, growing_archive
from harness.results.replacement import is_file_target

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Outputs:
    """The requested files: a results archive, JSON, and reports by name; `-` is stdout."""

    save: str | None = None
    json: str | None = None
    reports: Mapping[str, str] = field(default_factory=dict)

    @property
    def need_archive(self) -> bool:
        """Whether runs have to be kept with journals and pictures."""
        return self.save is not None or bool(self.reports)

    @property
    def take_stdout(self) -> bool:
        """Whether one of them goes to stdout, so that nothing else may be printed there."""
        return STDOUT in (self.json, *self.reports.values())

    def check(self, read: Sequence[str] = ()) -> None:
        """Raise HarnessError for a file that cannot be written, or that is another output or one of `read`."""
        if self.save == STDOUT:
            raise HarnessError('--save: expected a file, found "-", which is only for text reports')
        check_outputs({"save": self.save, **self.reports, "json": self.json}, read)
        self._makers()

    def growing(self, head: Results) -> list[GrowingFile]:
        """Return the files that grow while the session plays; `head` says what it plays, and has the runs it keeps."""
        growing = []
        if self.save is not None and is_file_target(self.save):
            growing.append(growing_archive(self.save, head))
        lines = self.reports.get("ndjson")
        if lines is not None and is_file_target(lines):
            make = reports()["ndjson"].make

            def line_of(run: Run) -> bytes:
                return _encoded(make(replace(head, runs=(run,))))

            growing.append(GrowingFile(lines, b"", line_of, head.runs))
        return growing

    def growing_json(self) -> GrowingJson | None:
        """Return the file of `--json` for a command that writes it again as it knows more."""
        return GrowingJson(self.json) if self.json is not None and is_file_target(self.json) else None

    def write(self, results: Results) -> list[HarnessError]:
        """Write the archive and the reports, each whatever becomes of the others; return what went wrong."""
        writers: list[Callable[[], None]] = []
        if self.save is not None:
            writers.append(partial(write_results, self.save, results))
        writers += [partial(_write_report, report, file, results) for report, file in self._makers()]
        return failures(writers)

    def write_json(self, value: Any) -> list[HarnessError]:
        """Write `value` to the file of `--json`, if it is set; return what went wrong."""
        return [] if self.json is None else failures([partial(write_json, self.json, value)])

    def _makers(self) -> list[tuple[Report, str]]:
        known = reports()
        for name in self.reports:
            if name not in known:
                raise UnknownNameError("report", name, known)
        return [(known[name], file) for name, file in self.reports.items()]


def failures(writers: Iterable[Callable[[], None]]) -> list[HarnessError]:
    """Call each writer, and return the errors of those that failed."""
    errors = []
    for write in writers:
        try:
            write()
        except HarnessError as error:
            errors.append(error)
    return errors


def _write_report(report: Report, file: str, results: Results) -> None:
    write_bytes(file, _encoded(report.make(results)))


def _encoded(made: str | bytes) -> bytes:
    return made if isinstance(made, bytes) else made.encode(errors="backslashreplace")
