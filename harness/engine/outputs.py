"""The files that a session writes: checked before the first run, written at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import HarnessError, UnknownNameError
from harness.report.registry import Report, reports
from harness.results.archive import Results
from harness.results.archive_file import write_results
from harness.results.files import check_outputs, write_bytes, write_json, write_text

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

    def write(self, results: Results) -> None:
        """Write the archive and the reports."""
        if self.save is not None:
            write_results(self.save, results)
        for report, file in self._makers():
            made = report.make(results)
            if isinstance(made, bytes):
                write_bytes(file, made)
            else:
                write_text(file, made)

    def write_json(self, value: Any) -> None:
        """Write `value` to the file of `--json`, if it is set."""
        if self.json is not None:
            write_json(self.json, value)

    def _makers(self) -> list[tuple[Report, str]]:
        known = reports()
        for name in self.reports:
            if name not in known:
                raise UnknownNameError("report", name, known)
        return [(known[name], file) for name, file in self.reports.items()]
