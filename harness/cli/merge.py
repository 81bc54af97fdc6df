"""`harness merge`."""

from typing import Any

import click

from harness.cli.help import GroupedCommand
from harness.cli.options import output_options, outputs_of
from harness.cli.progress import code_of_problems, say_if_cut_off
from harness.errors import EXIT_HELD, HarnessError


@click.command(cls=GroupedCommand)
@click.argument("parts", nargs=-1, required=True, type=click.Path(dir_okay=False))
@output_options
def merge(parts: tuple[str, ...], **files: Any) -> None:
    """Merge results archives into one archive or report.

    PARTS are results archives, usually of `harness run --shard K/N --save` on several machines.

    \b
    Example:
      harness merge part-1 part-2 --save all --html report.html
    """
    from harness.results.archive_file import read_results
    from harness.results.merge import merged

    outputs = outputs_of(files)
    if not outputs.need_archive:
        raise HarnessError("nothing to do: pass --save FILE or a report option such as --html FILE")
    outputs.check(read=parts)
    found = [read_results(part) for part in parts]
    for part, results in zip(parts, found, strict=True):
        say_if_cut_off(part, results)
    whole = merged(found)
    problems = outputs.write(whole)
    if not outputs.take_stdout:
        click.echo(f"{len(whole.runs)} runs from {len(parts)} files", err=True)
    raise click.exceptions.Exit(code_of_problems(problems, EXIT_HELD))
