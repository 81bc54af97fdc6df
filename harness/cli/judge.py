"""`harness judge`."""

import click

from harness.cli.exit_codes import is_known
from harness.cli.help import GroupedCommand
from harness.cli.options import invariant_options, json_option

BYTES_MAX, VALUES_MAX = 64 * 2**20, 2_000_000
"""More than the journal of a run with one track can have, which is 50,000 entries, or of an ordinary one with 1,000."""


@click.command(cls=GroupedCommand)
@click.argument("journal", type=click.Path(dir_okay=False, allow_dash=True))
@json_option
@invariant_options
@click.option("-v", "--verbose", is_flag=True, help="Show every verdict, not only violations.")
def judge(journal: str, json_file: str | None, verbose: bool, off: tuple[str, ...], severity: tuple[str, ...]) -> None:
    """Judge a stored journal again, without running anything.

    JOURNAL is a file that `harness run --journal` or `harness serve --journal` wrote, or - for stdin.

    \b
    Examples:
      harness run shop.web:app slow --journal journals
      harness judge journals/shop.web_app--slow_image-16s--1.jsonl

    Exit codes: 0 all held, 1 violated, 2 not a journal, 3 inconclusive.
    """
    from harness.engine.judging import judging
    from harness.engine.run import judged_again
    from harness.engine.session import exit_code
    from harness.errors import JournalError
    from harness.report.json import results_json
    from harness.report.truncation import without_an_end
    from harness.report.violations import closing_line, run_report
    from harness.results.files import check_outputs, read_text, write_json
    from harness.terminal import show
    from harness.trace.journal import read_journal

    check_outputs({"json": json_file}, [journal])
    entries = read_journal(read_text(journal, BYTES_MAX), path=journal, values_max=VALUES_MAX)
    if entries[1].kind != "run.began":
        raise JournalError(f'{journal}:2: expected a first entry "run.began", found "{entries[1].kind}"')
    try:
        result = judged_again(entries, judging(off, severity))
    except (
        KeyError,
        TypeError,
        AttributeError,
    ) as error:  # facts of another shape
        raise JournalError(f"{journal}: an entry lacks a fact of its kind: {error}") from error
    result = without_an_end(result)
    code = is_known(exit_code([result]))
    if json_file is not None:
        write_json(json_file, results_json([result], result.seed))
    if json_file != "-":
        show(run_report(result, verbose=verbose), closing_line([result], result.seed))
    raise click.exceptions.Exit(code)
