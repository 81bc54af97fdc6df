"""Commands around an application over real sockets: `harness serve`, `init` and `doctor`."""

from pathlib import Path

import click

from harness.cli.options import DEFAULT_SEED, scenarios_of, seed_option, speed_option
from harness.errors import EXIT_VIOLATED, HarnessError


@click.command()
@click.argument("scenario", default="baseline/healthy")
@click.option(
    "--port", type=click.IntRange(0, 65_533), default=0, help="Of Suno; Kie.ai and the files get the next two."
)
@click.option("--api-key", default="test-key", show_default=True, help="The key that the fakes accept.")
@click.option(
    "--signing-key", default="test-signing-key", show_default=True, help="Where the scenario signs callbacks."
)
@click.option("--journal", "journal_file", metavar="FILE", help="Keeps everything that happened there (JSON Lines).")
@seed_option
@speed_option
def serve(
    scenario: str,
    port: int,
    api_key: str,
    signing_key: str,
    journal_file: str | None,
    seed: int,
    speed: float,
) -> None:
    """Serves the fakes of one SCENARIO on ports, for your own application and debugger.

    Prints the environment to paste, then each exchange and each callback attempt as it happens. In a terminal r
    delivers the newest callback again, and q or Ctrl-C ends it.
    """
    from harness.console import key_presses, screen
    from harness.files import must_be_writable, write_text
    from harness.journal import Entry
    from harness.live.serving import Serving
    from harness.report.deliveries import delivery_line

    must_be_writable(journal_file)
    several = scenarios_of((scenario,))
    if len(several) != 1:
        raise HarnessError(f'"{scenario}" means {len(several)} scenarios; one can be served at a time')
    chosen = several[0]
    console = screen()

    def tell(entry: Entry) -> None:
        line = delivery_line(serving.journal, entry)
        if line is not None:
            console.print(line)

    def ready() -> None:
        console.print(f"serving {chosen.name}: {chosen.why.strip()}\n", style="dim")
        for name, value in serving.environment().items():
            console.print(f"export {name}={value}", soft_wrap=True)
        console.print("\nr delivers the newest callback again, q ends\n" if has_keys else "", style="dim")

    def press(key: str) -> None:
        if key == "q":
            serving.stop()
        elif key == "r" and not serving.deliver_again():
            console.print("there was no callback yet", style="dim")

    names = ("suno", "kie", "media")
    ports = {name: port + index for index, name in enumerate(names)} if port else {}
    serving = Serving(chosen, seed, speed=speed, api_key=api_key, signing_key=signing_key, on_entry=tell)
    with key_presses(serving.loop, press) as has_keys:
        try:
            journal = serving.run(ports, ready)
        except OSError as error:
            raise HarnessError(f"the fakes cannot listen at port {port} and the next two: {error}") from error
    if journal_file is not None:
        write_text(journal_file, journal.to_jsonl())


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False), default=".")
@click.option("--force", is_flag=True, help="Replaces a harness.toml that is there.")
def init(folder: str, force: bool) -> None:
    """Writes a commented harness.toml for the application in FOLDER, by looking at it."""
    from harness.files import write_text
    from harness.live.settings import FILE_NAME
    from harness.live.writing import first_settings

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

    from harness.console import screen
    from harness.implementations import load_live
    from harness.live.doctor import CHECKUP, diagnose
    from harness.live.world import LiveWorld

    who = load_live(target)
    console = screen()
    console.print(f"starting {who.settings.application.command or target} ...", style="dim")
    signs = diagnose(LiveWorld(CHECKUP, who.settings, DEFAULT_SEED, 1.0, who.name).run(), who.settings)
    for sign in signs:
        console.print(Text(f"{'✓' if sign.fits else '✗'} {sign.seen}", style="green" if sign.fits else "red"))
        if sign.advice:
            console.print(Padding(Text(f"→ {sign.advice}"), (0, 0, 0, 2)))
    raise click.exceptions.Exit(0 if all(sign.fits for sign in signs) else EXIT_VIOLATED)
