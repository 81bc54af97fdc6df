"""The command line. Each command imports late what it needs, so that `--help` is there at once.

stdout is for data and reports, stderr for messages. Exit codes: 0 all held, 1 something violated, 2 usage, scenario
or implementation error, 3 nothing violated but something could not be judged, 130 interrupted. When nobody reads on
(`| head`) it is that of the result where there is one, 0 for a listing, else 141.
"""

import sys
from typing import Any

import click

from harness.cli import exit_codes
from harness.cli.bench import bench
from harness.cli.compare import compare
from harness.cli.completion import completion
from harness.cli.judge import judge
from harness.cli.listing import list_, schema, show, validate
from harness.cli.living import doctor, init
from harness.cli.merge import merge
from harness.cli.options_file import config, default_map
from harness.cli.report import report
from harness.cli.run import run
from harness.cli.serve import serve
from harness.errors import EXIT_INTERRUPTED, EXIT_USAGE, HarnessError

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
DISTRIBUTION = "callback-contract-harness"


class _Commands(click.Group):
    """A group with the commands of plugins, that answers a mistyped command with the nearest one."""

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
            raise click.UsageError(f'there is no command "{args[0]}"{hint}' if args else str(error), ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise BrokenPipeError from None  # without its number, by which click knows it and ends with 1


def _plugin_commands() -> dict[str, click.Command]:
    """The commands of plugins by name; raises PluginError for what is none, or has a shipped one's name."""
    from harness.errors import PluginError
    from harness.plugins import plugins

    found: dict[str, click.Command] = {}
    for target, value in plugins("commands"):
        if not isinstance(value, click.Command) or value.name is None:
            raise PluginError(f"{target}: {value!r} is not a click command")
        if value.name in cli.commands or value.name in found:
            raise PluginError(f'{target}: there is a command "{value.name}" already; choose another name')
        found[value.name] = value
    return found


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"harness {version(DISTRIBUTION)}")
    except PackageNotFoundError:
        click.echo("harness (a checkout that is not installed)")
    ctx.exit()


@click.group(cls=_Commands, context_settings=CONTEXT)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Says which one it is."
)
@click.pass_context
def cli(context: click.Context) -> None:
    """Knows, before production does, what your callback code will do when Suno and Kie.ai are slow, broken or lying.

    \b
    harness compare                          all strategies through all scenarios
    harness run synchronous slow/image-16s   one implementation, one scenario, and why
    harness run shop.web:app                 your own application
    harness run harness.toml --speed 50      the same in any language
    """
    context.default_map = default_map(cli.commands)


_COMMANDS = (
    bench,
    compare,
    completion,
    config,
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
    """The entry point: errors that a user can mend become a message and an exit code, never a traceback."""
    try:
        exit_codes.begin()
        code = cli(prog_name="harness", standalone_mode=False)
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
        code = exit_codes.code_of_broken_pipe(_asked_for())
    except OSError as error:
        sentence = exit_codes.sentence_of(error)
        if sentence is None:
            raise
        code = _complain(sentence, EXIT_USAGE)
    raise SystemExit(code)


def _complain(sentence: str, code: int) -> int:
    from harness.terminal import complain

    complain(sentence)
    return code


def _asked_for() -> str | None:
    """The name of the command that was asked for."""
    return next((word for word in sys.argv[1:] if not word.startswith("-")), None)
