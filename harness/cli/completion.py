"""`harness completion`, and the completions of arguments and options."""

from typing import TYPE_CHECKING

import click

from harness.cli.help import GroupedCommand
from harness.errors import HarnessError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=GroupedCommand)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the shell completion script.

    It completes commands, options, scenarios, strategies and files.

    \b
    Examples:
      eval "$(harness completion bash)"    in ~/.bashrc
      eval "$(harness completion zsh)"     in ~/.zshrc
      harness completion fish > ~/.config/fish/completions/harness.fish
    """
    from click.shell_completion import get_completion_class

    root = click.get_current_context().find_root().command
    script = get_completion_class(shell)
    if script is None:
        raise HarnessError(f"click has no completion for {shell}")
    click.echo(script(root, {}, "harness", "_HARNESS_COMPLETE").source())


def complete_scenarios(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Complete shipped scenarios and their groups, else files."""
    from click.shell_completion import CompletionItem

    from harness.scenario import catalogue

    names = catalogue.shipped_names()
    groups = dict.fromkeys(name.rpartition("/")[0] for name in names)
    found = [CompletionItem(name) for name in (*groups, *names) if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def complete_implementations(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    """Complete strategies with their descriptions, else files."""
    from click.shell_completion import CompletionItem

    from harness.strategies.registry import STRATEGIES

    found = [CompletionItem(each.name, help=each.sentence) for each in STRATEGIES.values()]
    found = [item for item in found if item.value.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def complete_listed(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Complete scenarios after `list scenarios`; the other lists take no further arguments."""
    return complete_scenarios(context, parameter, incomplete) if context.params.get("what") == "scenarios" else []


def complete_strategies(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Complete strategies."""
    return [item for item in complete_implementations(context, parameter, incomplete) if item.type == "plain"]


def complete_models(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Complete the models of `harness bench`."""
    from click.shell_completion import CompletionItem

    from harness.bench.models import MODELS

    return [CompletionItem(name) for name in MODELS if name.startswith(incomplete)]


def complete_files(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Let the shell complete files and folders."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]
