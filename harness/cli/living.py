"""Commands around an application over real sockets: `harness init` and `doctor`."""

from pathlib import Path

import click

from harness.cli.options_file import DEFAULT_SEED
from harness.errors import EXIT_VIOLATED, HarnessError


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False), default=".")
@click.option("--force", is_flag=True, help="Replaces a harness.toml that is there.")
def init(folder: str, force: bool) -> None:
    """Writes a commented harness.toml for the application in FOLDER, by looking at it."""
    from harness.config.init import first_settings
    from harness.project_file import FILE_NAME
    from harness.results.files import write_text

    path = Path(folder) / FILE_NAME
    if path.exists() and not force:
        raise HarnessError(f"{path} is there already; --force replaces it")
    write_text(str(path), first_settings(Path(folder)))
    click.echo(f"wrote {path}; read it through, then: harness doctor {path}")


@click.command()
@click.argument("target", default=".")
def doctor(target: str) -> None:
    """Starts the application that TARGET (a harness.toml, its folder or a URL) names once, and says what does not fit.

    The likeliest reason comes first. Exit codes: 0 all fits, 1 something does not, 2 it cannot be started.
    """
    from rich.padding import Padding
    from rich.text import Text

    from harness.serve.doctor import CHECKUP, diagnose, hurried
    from harness.targets import load_live
    from harness.terminal import screen
    from harness.world.live.world import LiveWorld

    who = load_live(target)
    console = screen()
    console.print(f"starting {target} ...", style="dim")
    world = LiveWorld(CHECKUP, hurried(who.settings), DEFAULT_SEED, 1.0, who.name)
    signs = diagnose(world.run(), who.settings)
    for sign in signs:
        console.print(Text(f"{'✓' if sign.fits else '✗'} {sign.seen}", style="green" if sign.fits else "red"))
        if sign.advice:
            console.print(Padding(Text(f"→ {sign.advice}"), (0, 0, 0, 2)))
    raise click.exceptions.Exit(0 if all(sign.fits for sign in signs) else EXIT_VIOLATED)
