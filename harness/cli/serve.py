"""`harness serve`: only the fakes, on ports, for developing and debugging an application."""

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from harness.cli.completion import complete_files, complete_scenarios
from harness.cli.exit_codes import is_of_writing
from harness.cli.help import GroupedCommand
from harness.cli.options import speed_option
from harness.cli.options_file import DEFAULT_SEED
from harness.errors import HarnessError

if TYPE_CHECKING:
    import asyncio

    from rich.console import Console
    from rich.text import Text

    from harness.cli.scenario_picker import Picker
    from harness.serve.session import ServedFakes
    from harness.trace.journal import AnyEntry, Journal

KEYS = "r redeliver   a advance the clock   s switch the scenario   q quit"
HELD_BACK_MAX = 1_000
"""How many of the latest lines are printed after a line was typed."""


@click.command(cls=GroupedCommand)
@click.argument("scenario", default="baseline/healthy", shell_complete=complete_scenarios)
@click.option(
    "--port",
    type=click.IntRange(0, 65_532),
    default=0,
    help="Port of Suno; Kie.ai, the files and the admin endpoints get the next three.  [default: free ports]",
)
@click.option("--api-key", default="test-key", show_default=True, help="API key that the fakes accept.")
@click.option(
    "--signing-key",
    default="test-signing-key",
    show_default=True,
    help="Key for signing callbacks, if the scenario signs them.",
)
@click.option(
    "--callback-host",
    "callback_hosts",
    multiple=True,
    metavar="HOST",
    help="Also deliver callbacks to this host, not only to this machine; repeatable.",
)
@click.option(
    "--admin-token",
    envvar="HARNESS_ADMIN_TOKEN",
    metavar="TOKEN",
    help="Token of the admin endpoints (or $HARNESS_ADMIN_TOKEN).  [default: a random one]",
)
@click.option(
    "--journal",
    "journal_file",
    metavar="FILE",
    shell_complete=complete_files,
    help="Write the journal to FILE (JSON Lines).",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=DEFAULT_SEED,
    show_default=True,
    help="Seed; the same seed gives the same ids and files.",
)
@speed_option
@click.pass_context
def serve(
    context: click.Context,
    scenario: str,
    port: int,
    api_key: str,
    signing_key: str,
    callback_hosts: tuple[str, ...],
    admin_token: str | None,
    journal_file: str | None,
    seed: int,
    speed: float | None,
) -> None:
    """Serve the fakes of a scenario on local ports.

    Point your own application at them, with your debugger attached. Prints the environment variables to set, also
    those for an application whose hosts are in the code, then each exchange and each callback attempt. In a terminal, r
    redelivers the latest callback, a advances the clock to the next scheduled event, s switches the scenario, and q or
    Ctrl-C quits. The admin endpoints do the same for programs: GET /state, GET /journal, POST /reset, /scenario,
    /deliver and /advance.

    \b
    Example:
      harness serve slow/image-16s --port 8001 --journal run.jsonl
    """
    import secrets

    from harness.fakes.registry import PROVIDERS
    from harness.results.files import check_outputs
    from harness.serve.admin import Admin, by_name
    from harness.serve.journal_files import JournalFiles
    from harness.serve.session import ServedFakes
    from harness.terminal import inert, key_presses, screen

    if speed is None and context.get_parameter_source("speed") is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("--speed auto has no effect here: there is no application to measure; give a number")
    check_outputs({"journal": journal_file})
    token = admin_token or secrets.token_urlsafe(18)
    display = _Display(screen())
    files = None if journal_file is None else JournalFiles(None if journal_file == "-" else journal_file)
    serving = ServedFakes(
        by_name(scenario),
        seed,
        speed=speed or 1.0,
        api_key=api_key,
        signing_key=signing_key,
        callback_hosts=callback_hosts,
        on_entries=display.notify,
        files=files,
    )
    keys = _Keys(serving, display)
    ports = {name: port + index for index, name in enumerate(PROVIDERS)} if port else {}
    listening = _listening_errors(port)
    with contextlib.nullcontext() if files is None else contextlib.closing(files):
        with key_presses(serving.loop, keys.press) as has_keys, listening:
            serving.run(
                ports,
                lambda: display.introduce(serving, token, KEYS if has_keys else ""),
                Admin(serving, token),
                port + len(PROVIDERS) if port else 0,
            )
        if journal_file == "-":
            sys.stdout.writelines(inert(part.decode()) for part in serving.journal_parts())


@contextlib.contextmanager
def _listening_errors(port: int) -> Iterator[None]:
    """Report a port in use as a HarnessError. An error of stdout passes, since `main` reports it."""
    try:
        yield
    except OSError as error:
        if isinstance(error, BrokenPipeError) or is_of_writing(error):
            raise
        raise HarnessError(f"the fakes cannot listen on port {port} and the next three: {error}") from error


class _Display:
    """The screen: lines of output, and sometimes an input line at the bottom."""

    def __init__(self, console: "Console") -> None:
        self.console = console
        self.typing: Picker | None = None
        self._held_back: list[Text | str] = []
        self._environment: dict[str, str] = {}

    def notify(self, journal: "Journal", entries: "Sequence[AnyEntry]") -> None:
        from harness.report.deliveries import delivery_line

        columns = self.console.width if self.console.is_terminal else None
        lines = [line for entry in entries if (line := delivery_line(journal, entry, columns)) is not None]
        if lines:
            self.say(*lines)

    def say(self, *lines: "Text | str") -> None:
        """Print lines, or hold them back while a line is being typed."""
        from rich.text import Text

        if self.typing is not None:
            self._held_back += lines
            del self._held_back[:-HELD_BACK_MAX]
        else:
            reported = [Text(line, style="dim") if isinstance(line, str) else line for line in lines]
            self.console.print(Text("\n").join(reported), soft_wrap=True)

    def introduce(self, serving: "ServedFakes", token: str, keys: str) -> None:
        """Print what is served, and the environment variables if they have changed."""
        from harness.terminal import visible

        scenario, environment = serving.scenario, serving.environment()
        self.console.print(f"serving {scenario.name}: {visible(scenario.why.strip())}\n", style="dim", markup=False)
        if environment == self._environment:
            return
        if not self._environment:
            admin = {"HARNESS_ADMIN_URL": serving.admin_url, "HARNESS_ADMIN_TOKEN": token}
            for name, value in admin.items():
                self.console.print(f"export {name}={value}", style="dim", soft_wrap=True)
        self._export(environment)
        self._export(serving.hard_coded.preload, "or, where the hosts are in the code, for Node:")
        self._export(serving.hard_coded.proxy, "or, where the hosts are in the code, for clients that use a proxy:")
        self.console.print(f"\n{keys}\n" if keys else "", style="dim")
        self._environment = environment

    def _export(self, environment: "Mapping[str, str]", heading: str = "") -> None:
        import shlex

        if heading:
            self.console.print(f"\n{heading}", style="dim")
        for name, value in environment.items():
            self.console.print(f"export {name}={shlex.quote(value)}", soft_wrap=True, markup=False)

    def draw(self) -> None:
        """Draw the input line, or print the held-back lines once it is over."""
        out = self.console.file
        if self.typing is not None:
            out.write("\r\x1b[K" + self.typing.line(self.console.width))
            out.flush()
            return
        out.write("\r\x1b[K")
        out.flush()
        held_back, self._held_back = self._held_back, []
        if held_back:
            self.say(*held_back)


class _Keys:
    """The actions of the keys."""

    def __init__(self, serving: "ServedFakes", display: _Display) -> None:
        self._serving = serving
        self._display = display
        self._switching: asyncio.Task[None] | None = None

    def press(self, key: str) -> None:
        if self._display.typing is not None:
            self._type(self._display.typing, key)
        elif key == "q":
            self._serving.stop()
        elif key == "r":
            if self._serving.deliver_again() is None:
                self._display.say("no callback has been delivered yet")
        elif key == "a":
            seconds = self._serving.advance()
            self._display.say(f"advanced by {seconds:.1f} s")
        elif key == "s":
            from harness.cli.scenario_picker import Picker
            from harness.scenario import catalogue

            self._display.typing = Picker(catalogue.shipped_names())
            self._display.draw()

    def _type(self, picker: "Picker", key: str) -> None:
        picker.press(key)
        if picker.is_over:
            self._display.typing = None
        self._display.draw()
        if picker.is_over and picker.picked is not None:
            self._switching = self._serving.loop.create_task(self._switch(picker.picked))

    async def _switch(self, name: str) -> None:
        from harness.serve.admin import by_name

        try:
            await self._serving.play(by_name(name) if name else self._serving.scenario)
        except (HarnessError, OSError) as error:
            self._display.say(str(error))
