"""The pages of commands and their exit codes."""

import inspect
from collections.abc import Iterator
from typing import Any

import click

from docs.generators.markdown import one_line, table
from harness import errors
from harness.cli import cli

EXIT_MEANINGS = {
    errors.EXIT_HELD: "No invariant of severity `error` is violated. `compare`: the comparison was made.",
    errors.EXIT_VIOLATED: "An invariant of severity `error` is violated, `--twice` found a difference, or a result is "
    "worse than in the `--baseline`.",
    errors.EXIT_USAGE: "A mistake in the command, a scenario file, a configuration, a journal or a results "
    "archive: damaged, too large, no file at all; or an implementation that cannot be imported or started.",
    errors.EXIT_UNKNOWN: "Nothing is violated, but a verdict is inconclusive, or with `--strict` a fault or an answer "
    "of a scenario never acted (`compare`: in no run). `compare --baseline`: nothing could be "
    "compared. `judge`: the journal is incomplete.",
    errors.EXIT_THRESHOLD: "`bench`: a `--fail-if` threshold was exceeded.",
    errors.EXIT_BUG: "A bug of the harness, with its traceback; it says nothing about what was tested.",
    errors.EXIT_INTERRUPTED: "Interrupted (128 + SIGINT).",
    errors.EXIT_TERMINATED: "Terminated (128 + SIGTERM); `serve` ends with 0, since a signal is how it is stopped.",
    errors.EXIT_PIPE: "The reader of stdout closed it (`| head`) before there was a result (128 + SIGPIPE). With a "
    "result, the result's code is used; a listing ends with 0.",
}


def commands() -> Iterator[str]:
    """Each command with its help. mkdocs-click 0.9 flattens examples, and prints click 8.5's sentinels as defaults."""
    yield (
        "# Commands\n\nReports go to stdout, messages to stderr. `NO_COLOR`, `FORCE_COLOR` and `COLUMNS` are "
        "honoured. Every command ends with one of the [exit codes](exit-codes.md). SCENARIOS are names "
        "(`slow/image-16s`), groups (`slow`), patterns (`slow/image-*`), files or folders; all shipped ones by "
        "default.\n"
    )
    context = click.Context(cli, info_name="harness", **cli.context_settings)
    yield f"\n{_help(cli)}\n"
    yield table(
        ("command", "purpose"),
        [(f"[`{name}`](#harness-{name})", each.get_short_help_str(200)) for name, each in cli.commands.items()],
    )
    for name, command in cli.commands.items():
        inner = click.Context(command, info_name=name, parent=context)
        usage = " ".join([inner.command_path, *command.collect_usage_pieces(inner)])
        yield f"\n## harness {name}\n\n```text\n{usage}\n```\n"
        yield f"\n{_help(command)}\n"
        records = [record for each in command.get_params(inner) if (record := each.get_help_record(inner))]
        rows = [(" ".join(f"`{names}`".split()), one_line(says)) for names, says in records if "--help" not in names]
        if rows:
            yield table(("option", "meaning"), rows)


def _help(command: Any) -> str:
    """A command's help; what click must not wrap (after `\\b`) as it stands."""
    parts = []
    for part in inspect.cleandoc(command.help or "").split("\n\n"):
        verbatim = part.removeprefix("\b\n")
        parts.append(f"```text\n{inspect.cleandoc(verbatim)}\n```" if verbatim != part else part)
    return "\n\n".join(parts)


def exit_codes() -> Iterator[str]:
    yield "# Exit codes\n\nEvery command ends with one of these.\n"
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert codes == EXIT_MEANINGS.keys(), "each exit code has a meaning here"
    yield table(("code", "meaning"), EXIT_MEANINGS.items())
