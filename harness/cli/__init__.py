"""The command line. Each command imports what it needs when it runs, so that `--help` is fast.

stdout is for data and reports, stderr for messages. Exit codes: 0 all held, 1 something violated, 2 usage, scenario
or implementation error, 3 nothing violated but something inconclusive, 70 a bug of the harness, 130 interrupted, 143
terminated. If stdout is closed early (`| head`), the exit code is that of the result if there is one, 0 for a listing,
else 141.
"""

import sys
from typing import Any

import click

from harness.cli import exit_codes, termination
from harness.cli.bench import bench
from harness.cli.compare import compare
from harness.cli.completion import completion
from harness.cli.conform import conform
from harness.cli.explain import explain
from harness.cli.help import WIDTH_MAX, width, write_commands
from harness.cli.judge import judge
from harness.cli.listing import list_, schema, show, validate
from harness.cli.living import doctor, init
from harness.cli.merge import merge
from harness.cli.options_file import config, default_map
from harness.cli.report import report
from harness.cli.run import run
from harness.cli.serve import serve
from harness.errors import EXIT_BUG, EXIT_INTERRUPTED, EXIT_USAGE, HarnessError

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": WIDTH_MAX}
DISTRIBUTION = "callback-contract-harness"


class _Commands(click.Group):
    """The command group: adds the commands of plugins, lists commands in sections and suggests the nearest name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_plugin_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _plugin_commands().get(cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from harness.errors import nearest_hint

            hint = nearest_hint(args[0], self.list_commands(ctx)) if args else ""
            raise click.UsageError(f'unknown command "{args[0]}"{hint}' if args else str(error), ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in sections."""
        write_commands(formatter, self.list_commands(ctx), lambda name: self.get_command(ctx, name))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise BrokenPipeError from None  # without its errno, which makes click exit with 1


def _plugin_commands() -> dict[str, click.Command]:
    """Return the commands of plugins by name. Raise PluginError for a wrong type or a name that is taken."""
    from harness.errors import PluginError
    from harness.plugins import plugins

    found: dict[str, click.Command] = {}
    for target, value in plugins("commands"):
        if not isinstance(value, click.Command) or value.name is None:
            raise PluginError(f"{target}: {value!r} is not a click command")
        if value.name in cli.commands or value.name in found:
            raise PluginError(f'{target}: the command name "{value.name}" is taken; choose another name')
        found[value.name] = value
    return found


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"harness {version(DISTRIBUTION)}")
    except PackageNotFoundError:
        click.echo("harness (not installed, run from a checkout)")
    ctx.exit()


@click.group(cls=_Commands, context_settings=CONTEXT)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(context: click.Context) -> None:
    """Test your callback code against slow, failing and low-resolution Suno and Kie.ai.

    \b
    Examples:
      harness compare                         all strategies, all scenarios
      harness run synchronous slow/image-16s  one strategy, one scenario, and why
      harness run shop.web:app                your own application
      harness run harness.toml --speed 50     an application in any language
    """
    context.default_map = default_map(cli.commands)


_COMMANDS = (
    bench,
    compare,
    completion,
    config,
    conform,
    explain,
    doctor,
    init,
    judge,
    list_,
    merge,
    report,
    run,
    schema,
    serve,
    show,
    validate,
)
for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command line; an error that the user can fix becomes a message and an exit code, not a traceback."""
    try:
        exit_codes.begin()
        termination.begin()
        code = cli(prog_name="harness", standalone_mode=False, terminal_width=width())
        sys.stdout.flush()
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except HarnessError as error:
        code = _complain(str(error), error.exit_code)
    except BrokenPipeError:
        code = exit_codes.code_of_broken_pipe(_command_name())
    except Exception as error:
        sentence = exit_codes.sentence_of(error) if isinstance(error, OSError) else None
        code = _report_bug() if sentence is None else _complain(sentence, EXIT_USAGE)
    termination.end()
    raise SystemExit(code)


def _report_bug() -> int:
    sys.excepthook(*sys.exc_info())
    return _complain("this is a bug of the harness, and says nothing about what was tested", EXIT_BUG)


def _complain(sentence: str, code: int) -> int:
    from harness.results.redaction import Redaction
    from harness.terminal import complain

    complain(Redaction().text(sentence))
    return code


def _command_name() -> str | None:
    """Return the name of the command on the command line."""
    return next((word for word in sys.argv[1:] if not word.startswith("-")), None)
