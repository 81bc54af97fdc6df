"""The layout of help texts: commands in sections, options in groups, within the terminal's width."""

import shutil
from collections.abc import Callable, Iterable

import click

WIDTH_MIN, WIDTH_MAX = 36, 80
NARROW = 60
"""Columns below which terms and descriptions share the width differently."""
TERM_MAX, TERM_MAX_NARROW = 30, 14
COMMAND_SECTIONS = {
    "Run and compare": ("run", "explain", "compare", "bench", "judge"),
    "Reports": ("report", "merge"),
    "Live applications": ("init", "doctor", "serve"),
    "Scenarios and settings": ("list", "show", "validate", "conform", "schema", "config", "completion"),
}
PLUGINS = "Commands of plugins"
OPTION_GROUPS = {
    "Selection": ("with", "only", "invariant", "shard", "tracks", "model", "models", "samples", "rate"),
    "Judging": ("severity", "off", "strict", "baseline", "reference", "fail-if"),
    "Execution": ("seed", "workers", "speed", "twice", "limit", "clean-environment", "debug", "real", "rounds", "for"),
    "Connections": ("port", "callback-host", "api-key", "signing-key", "admin-token"),
    "Output": (
        *("save", "resume", "html", "junit", "markdown", "github", "ndjson", "har", "json", "style", "report"),
        *("journal", "raw", "verbose", "quiet"),
    ),
}
OTHER = "Other options"


class GroupedCommand(click.Command):
    """A command whose help lists options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, group by group; a single group is titled "Options"."""
        known = {name: group for group, names in OPTION_GROUPS.items() for name in names}
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in (*OPTION_GROUPS, OTHER)}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                groups[known.get(_long_name(parameter), OTHER)].append(record)
        filled = {title: records for title, records in groups.items() if records}
        if len(filled) == 1:
            filled = {"Options": next(iter(filled.values()))}
        for title, records in filled.items():
            with formatter.section(title):
                _write(formatter, records)


def write_commands(
    formatter: click.HelpFormatter, names: Iterable[str], find: Callable[[str], click.Command | None]
) -> None:
    """Write the commands section by section, each with its one-line summary."""
    left = dict.fromkeys(names)
    sections = {title: [name for name in listed if name in left] for title, listed in COMMAND_SECTIONS.items()}
    sections[PLUGINS] = [name for name in left if not any(name in listed for listed in COMMAND_SECTIONS.values())]
    for title, listed in sections.items():
        found = {name: command for name in listed if (command := find(name)) is not None and not command.hidden}
        if found:
            with formatter.section(title):
                _write(formatter, [(name, each.get_short_help_str(WIDTH_MAX)) for name, each in found.items()])


def width() -> int:
    """Return the width of help texts on this terminal."""
    return min(WIDTH_MAX, max(WIDTH_MIN, shutil.get_terminal_size((WIDTH_MAX, 24)).columns))


def _write(formatter: click.HelpFormatter, records: list[tuple[str, str]]) -> None:
    formatter.write_dl(records, col_max=TERM_MAX if formatter.width >= NARROW else TERM_MAX_NARROW)


def _long_name(parameter: click.Parameter) -> str:
    return max(parameter.opts, key=len).lstrip("-")
