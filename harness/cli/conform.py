"""`harness conform`."""

import click

from harness.cli.completion import complete_files
from harness.cli.exit_codes import is_known
from harness.cli.help import GroupedCommand
from harness.cli.options import json_option
from harness.errors import EXIT_HELD, EXIT_UNKNOWN, EXIT_VIOLATED


@click.command(cls=GroupedCommand)
@click.argument("recordings", nargs=-1, required=True, shell_complete=complete_files)
@json_option
@click.option(
    "--style",
    "style_file",
    metavar="FILE",
    shell_complete=complete_files,
    help='Write the differences as a scenario whose providers answer as recorded; "-" for stdout.',
)
def conform(recordings: tuple[str, ...], json_file: str | None, style_file: str | None) -> None:
    """Compare recorded traffic of the real providers with the fakes.

    RECORDINGS are HAR files, or pairs of request and response as JSON; - is stdin. Each exchange with api.kie.ai or
    api.sunoapi.org, and each callback, is held against the nearest message of the fakes: fields, their order and types,
    words, codes, content type, the order of states. Nothing is sent, and nothing of a recording is shown but names of
    fields and words of the protocol.

    \b
    Examples:
      harness conform kie.har
      harness conform kie.har --style as-recorded.yaml
      harness run shop.web:app as-recorded.yaml

    Exit codes: 0 no difference, 1 differences, 2 not a recording, 3 nothing that could be compared.
    """
    from harness.conform.conformity import conformity
    from harness.conform.recordings import BYTES_MAX, Exchange, read_recording
    from harness.conform.style import style_of
    from harness.conform.table import conclusion, conformity_json, report
    from harness.results.files import check_outputs, read_text, write_json, write_text
    from harness.terminal import show

    check_outputs({"json": json_file, "style": style_file}, recordings)
    exchanges: list[Exchange] = []
    for path in recordings:
        exchanges += read_recording(read_text(path, BYTES_MAX), path, len(exchanges) + 1)
    found = conformity(exchanges)
    code = EXIT_VIOLATED if found.found else EXIT_HELD if found.compared else EXIT_UNKNOWN
    is_known(code)
    if json_file is not None:
        write_json(json_file, conformity_json(found))
    if style_file is not None:
        write_text(style_file, style_of(found))
    if "-" not in (json_file, style_file):
        show(report(found), conclusion(found))
    raise click.exceptions.Exit(code)
