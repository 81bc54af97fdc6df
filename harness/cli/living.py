"""Commands for live applications: `harness init` and `doctor`."""

import os
from pathlib import Path

import click

from harness.cli.help import GroupedCommand
from harness.cli.options_file import DEFAULT_SEED
from harness.errors import EXIT_VIOLATED, HarnessError


@click.command(cls=GroupedCommand)
@click.argument("folder", type=click.Path(exists=True, file_okay=False), default=".")
@click.option("--force", is_flag=True, help="Replace an existing harness.toml.")
def init(folder: str, force: bool) -> None:
    """Write a harness.toml for the application in FOLDER.

    Detects its framework, command and store, and comments every setting.

    \b
    Example:
      harness init . && harness doctor . && harness run .
    """
    from harness.config.init import first_settings
    from harness.project_file import FILE_NAME
    from harness.results.files import write_text

    path = Path(folder) / FILE_NAME
    if os.path.exists(path) and not force:
        raise HarnessError(f"{path} already exists; --force replaces it")
    write_text(str(path), first_settings(Path(folder)))
    click.echo(f"wrote {path}; check it, then run: harness doctor {path}")


@click.command(cls=GroupedCommand)
@click.argument("target", default=".")
def doctor(target: str) -> None:
    """Check that an application works with its harness.toml.

    Starts TARGET (a harness.toml, its folder or a URL) once and reports each problem, the likeliest cause first.

    \b
    Examples:
      harness doctor
      harness doctor http://127.0.0.1:3000

    Exit codes: 0 no problem, 1 a problem was found, 2 the application cannot be started.
    """
    from rich.padding import Padding
    from rich.text import Text

    from harness.cell import seccomp
    from harness.results.redaction import Redaction, errors_redacted
    from harness.serve.doctor import CHECKUP, diagnose, hurried
    from harness.targets import load_live
    from harness.terminal import screen, visible
    from harness.world.live.world import LiveWorld

    who = load_live(target)
    console = screen()
    unsealed = seccomp.unsealed()
    if unsealed is not None:
        console.print(f"· Python implementations: {unsealed}")
    console.print(f"starting {target} ...", style="dim")
    world = LiveWorld(CHECKUP, hurried(who.settings), DEFAULT_SEED, 1.0, who.name)
    with errors_redacted((world.api_key, *who.settings.credentials)):
        journal = world.run()
    signs = diagnose(Redaction.of(journal).journal(journal), who.settings)
    for sign in signs:
        mark, style = ("!", "yellow") if sign.warns else ("✓", "green") if sign.fits else ("✗", "red")
        console.print(Text(f"{mark} {visible(sign.seen)}", style=style))
        if sign.advice:
            console.print(Padding(Text(f"→ {visible(sign.advice)}"), (0, 0, 0, 2)))
    fits = all(sign.fits for sign in signs)
    console.print(Text.assemble(("next: ", "dim"), (_next(target, fits=fits), "cyan")), soft_wrap=True)
    raise click.exceptions.Exit(0 if fits else EXIT_VIOLATED)


def _next(target: str, *, fits: bool) -> str:
    """Return the command to go on with: scenarios, fifty times as fast as real time where that is possible."""
    if not fits:
        return f"harness doctor {target}"
    from harness.world.live.faketime import library

    speed = "" if target.startswith(("http://", "https://")) or library() is None else " --speed 50"
    return f"harness run {target} baseline slow{speed}"
