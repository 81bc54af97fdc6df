"""`harness serve`: the fakes alone on ports, for a developer with their own application and debugger."""

import contextlib
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from harness.cli.completion import complete_files, complete_scenarios
from harness.cli.exit_codes import is_of_writing
from harness.cli.options import speed_option
from harness.cli.options_file import DEFAULT_SEED
from harness.errors import HarnessError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from rich.console import Console
    from rich.text import Text

    from harness.cli.scenario_picker import Picker
    from harness.serve.session import ServedFakes
    from harness.trace.journal import AnyEntry, Journal

KEYS = "r delivers again   a lets time move on   s switches the scenario   q ends"


@click.command()
@click.argument("scenario", default="baseline/healthy", shell_complete=complete_scenarios)
@click.option(
    "--port",
    type=click.IntRange(0, 65_532),
    default=0,
    help="Of Suno; Kie.ai, the files and the admin endpoints get the next three.",
)
@click.option("--api-key", default="test-key", show_default=True, help="The key that the fakes accept.")
@click.option(
    "--signing-key", default="test-signing-key", show_default=True, help="Where the scenario signs callbacks."
)
@click.option(
    "--callback-host",
    "callback_hosts",
    multiple=True,
    metavar="HOST",
    help="Another host that callbacks may go to; without it they go to this machine only.",
)
@click.option(
    "--admin-token",
    envvar="HARNESS_ADMIN_TOKEN",
    metavar="TOKEN",
    help="What the admin endpoints ask for (or $HARNESS_ADMIN_TOKEN).  [default: a new one]",
)
@click.option(
    "--journal",
    "journal_file",
    metavar="FILE",
    shell_complete=complete_files,
    help="Keeps everything that happens there (JSON Lines).",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=DEFAULT_SEED, show_default=True, help="Same seed, same ids and files."
)
@speed_option
def serve(
    scenario: str,
    port: int,
    api_key: str,
    signing_key: str,
    callback_hosts: tuple[str, ...],
    admin_token: str | None,
    journal_file: str | None,
    seed: int,
    speed: float,
) -> None:
    """Serves the fakes of one SCENARIO on ports, for your own application and debugger.

    Prints the environment to paste, then each exchange and each callback attempt as it happens. In a terminal r
    delivers the newest callback again, a lets time move on until the next thing is due, s switches the scenario, and
    q or Ctrl-C ends it. The admin endpoints do the same for programs: GET /state, GET /journal, POST /reset,
    /scenario, /deliver and /advance.
    """
    import secrets

    from harness.fakes.registry import PROVIDERS
    from harness.results.files import must_be_writable
    from harness.serve.admin import Admin, by_name
    from harness.serve.session import ServedFakes
    from harness.terminal import key_presses, screen

    must_be_writable(journal_file)
    token = admin_token or secrets.token_urlsafe(18)
    board = _Board(screen())
    journals = _Journals(journal_file)

    def notify(journal: "Journal", entries: "Sequence[AnyEntry]") -> None:
        journals.keep(entries)
        board.notify(journal, entries)

    serving = ServedFakes(
        by_name(scenario),
        seed,
        speed=speed,
        api_key=api_key,
        signing_key=signing_key,
        callback_hosts=callback_hosts,
        on_entries=notify,
    )
    keys = _Keys(serving, board)
    with key_presses(serving.loop, keys.press) as has_keys:
        ports = {name: port + index for index, name in enumerate(PROVIDERS)} if port else {}
        try:
            serving.run(
                ports,
                lambda: board.introduce(serving, token, KEYS if has_keys else ""),
                Admin(serving, token),
                port + len(PROVIDERS) if port else 0,
            )
        except OSError as error:
            if isinstance(error, BrokenPipeError) or is_of_writing(error):
                raise  # it is about the screen, and told by whoever knows that
            raise HarnessError(f"the fakes cannot listen at port {port} and the next three: {error}") from error
        finally:
            journals.close()
    if journal_file == "-":
        sys.stdout.write(serving.journal.to_jsonl())


class _Journals:
    """Keeps each session's journal in a file as it happens: FILE.jsonl, then FILE-2.jsonl and so on."""

    def __init__(self, target: str | None) -> None:
        self._target = None if target in (None, "-") else target
        self._count = 0
        self._file: IO[str] | None = None

    def keep(self, entries: "Sequence[AnyEntry]") -> None:
        if self._target is None:
            return
        if entries[0].number == 1 or self._file is None:
            self._open(Path(self._target))
        assert self._file is not None
        try:
            self._file.writelines(entry.to_json() + "\n" for entry in entries)
            self._file.flush()  # a server that is killed leaves a journal up to that moment
        except OSError as error:
            raise HarnessError(f"{self._file.name}: cannot be written ({error.strerror})") from None

    def _open(self, path: Path) -> None:
        from harness.trace.journal import Journal

        self.close()
        self._count += 1
        if self._count > 1:
            path = path.with_name(f"{path.stem}-{self._count}{path.suffix}")
        try:
            self._file = path.open("w", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise HarnessError(f"{path}: cannot be written ({error.strerror})") from None
        self._file.write(Journal().to_jsonl())

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # what could not be written has been told
                self._file.close()


class _Board:
    """What is on the screen: lines, and at times a last one that is being typed."""

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
        """Prints lines, or keeps them until nothing is typed any more."""
        from rich.text import Text

        if self.typing is not None:
            self._held_back += lines
        else:
            reported = [Text(line, style="dim") if isinstance(line, str) else line for line in lines]
            self.console.print(Text("\n").join(reported), soft_wrap=True)

    def introduce(self, serving: "ServedFakes", token: str, keys: str) -> None:
        """What is served, and what to paste; the latter when it is new."""
        from harness.terminal import visible

        scenario, environment = serving.scenario, serving.environment()
        self.console.print(f"serving {scenario.name}: {visible(scenario.why.strip())}\n", style="dim", markup=False)
        if environment == self._environment:
            return
        if not self._environment:
            admin = {"HARNESS_ADMIN_URL": serving.admin_url, "HARNESS_ADMIN_TOKEN": token}
            for name, value in admin.items():
                self.console.print(f"export {name}={value}", style="dim", soft_wrap=True)
        for name, value in environment.items():
            self.console.print(f"export {name}={value}", soft_wrap=True)
        self.console.print(f"\n{keys}\n" if keys else "", style="dim")
        self._environment = environment

    def draw(self) -> None:
        """Shows the line that is typed, or what was held back meanwhile when it is over."""
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
    """What each key does."""

    def __init__(self, serving: "ServedFakes", board: _Board) -> None:
        self._serving = serving
        self._board = board
        self._switching: asyncio.Task[None] | None = None

    def press(self, key: str) -> None:
        if self._board.typing is not None:
            self._type(self._board.typing, key)
        elif key == "q":
            self._serving.stop()
        elif key == "r":
            if self._serving.deliver_again() is None:
                self._board.say("there was no callback yet")
        elif key == "a":
            seconds = self._serving.advance()
            self._board.say(f"time moves on by {seconds:.1f} s")
        elif key == "s":
            from harness.cli.scenario_picker import Picker
            from harness.scenario import catalogue

            self._board.typing = Picker(catalogue.shipped_names())
            self._board.draw()

    def _type(self, picker: "Picker", key: str) -> None:
        picker.press(key)
        if picker.is_over:
            self._board.typing = None
        self._board.draw()
        if picker.is_over and picker.picked is not None:
            self._switching = self._serving.loop.create_task(self._switch(picker.picked))

    async def _switch(self, name: str) -> None:
        from harness.serve.admin import by_name

        try:
            await self._serving.play(by_name(name) if name else self._serving.scenario)
        except (HarnessError, OSError) as error:
            self._board.say(str(error))
