"""`harness merge`."""

from typing import TYPE_CHECKING

import click

from harness.cli.report import storing_options, wanted_files, write_reports
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.results.archive import Results


@click.command()
@click.argument("parts", nargs=-1, required=True, type=click.Path(dir_okay=False))
@storing_options
def merge(parts: tuple[str, ...], **files: str | None) -> None:
    """Puts PARTS, the results files of several machines, together into one, or into reports of them all."""
    from harness.results.archive_file import read_results, write_results
    from harness.results.merge import merged

    wanted = wanted_files(files, read=parts)
    if not wanted:
        raise HarnessError("what shall become of it? Say --save FILE, or a report such as --html FILE")
    whole: Results = merged([read_results(part) for part in parts])
    if "save" in wanted:
        write_results(wanted["save"], whole)
    write_reports(wanted, whole)
    if "-" not in wanted.values():
        click.echo(f"{len(whole.runs)} runs from {len(parts)} files", err=True)
