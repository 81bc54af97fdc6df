"""Pages: README.md and docs/, their code blocks, and how the examples in them are run.

A block whose first line names a file (`# shop.py`) is written into the page's folder. A `console` block is a
transcript: each line that begins with `$ ` is a command, the lines after it are what it prints. Blocks are taken in the
order in which they stand, so a page is a session in one folder. A line `...` in a transcript stands for lines that are
omitted.

A comment on the line before a block says more about it:

    <!-- live -->                   it is run only by the tests with this marker (`live`, `node`, `slow`)
    <!-- files of docs/x.md -->     the files of another page are written first
    <!-- copy of tests/apps/x -->   a folder of this repository is copied first, but for files that are there

A page with `overlay: true` in its front matter is about changing this repository: its files and diffs are applied to a
copy of it, and its commands run there.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from glob import glob
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
COLUMNS = 80
COMMAND_TIMEOUT_S = 280
OVERLAY_PYTEST = {"PYTEST_ADDOPTS": "-p no:cacheprovider"}
READERS_PYTEST = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "-p no:cacheprovider -p harness.pytest_plugin",
}
"""A reader's project need not have the plugins of this one, whose import takes most of the time of a short test."""
OVERLAID = ("harness", "fakes", "scenarios", "tests", "conftest.py", "pyproject.toml")
"""What a copy of the repository holds, for pages about changing it."""
BLOCK = re.compile(r"(?:^ *<!-- ([^\n]*?) -->\n)?^( *)```(\w+)[^\n]*\n(.*?)^\2```$", re.MULTILINE | re.DOTALL)
MARKERS: dict[str, Callable[[], bool]] = {
    "live": lambda: bool(glob("/usr/lib/*/faketime/libfaketimeMT.so.1")),
    "node": lambda: shutil.which("npm") is not None,
    "slow": lambda: True,
}
"""The markers of the tests that run a block, and whether this machine has what they need."""
FILE_NAME = re.compile(r"(?:#|//|--) ([\w./-]+\.\w+)")
FRONT_MATTER = re.compile(r"\A---\n(.*?)^---\n", re.MULTILINE | re.DOTALL)
NOT_REPEATABLE = re.compile(
    r"(?<= in )[0-9.]+ ?(?:ms|s)\b|\b\d+(?= deselected)"
    r"|(?<=127\.0\.0\.1:)\d+|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
)
"""Wall-clock times, ports, random ids, and how many other tests there are."""
OMITTED = "..."
FOLDER = "project"
"""The folder in which a page is played; scenarios of one's own are named after it."""
FILES = ("python", "yaml", "yml", "toml", "javascript", "typescript", "sql", "json", "text")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: its language, its text, and where the text stands in the page."""

    language: str
    text: str
    start: int
    end: int
    indent: str = ""
    comment: str = ""

    @property
    def file(self) -> str | None:
        """The name of the file that the block shows."""
        named = FILE_NAME.fullmatch(self.text.partition("\n")[0])
        return named[1] if named and self.language in FILES else None

    @property
    def marker(self) -> str | None:
        """The marker of the tests that run the block; None for those that run everywhere."""
        return next((name for name in MARKERS if name in re.split(r"\W+", self.comment)), None)

    @property
    def files_of(self) -> str | None:
        """The page whose files the block needs."""
        named = re.search(r"files of (\S+\.md)", self.comment)
        return named[1] if named else None

    @property
    def copy_of(self) -> str | None:
        """The folder that the block needs."""
        named = re.search(r"copy of (\S+)", self.comment)
        return named[1] if named else None

    @property
    def content(self) -> str:
        """The file's text; a first line that is a comment in no language of the file is not part of it."""
        return self.text.partition("\n")[2] if self.language in ("json", "text") else self.text

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The commands of a transcript, each with what the page shows as its output."""
        parts = re.split(r"^\$ (.*\n)", self.text, flags=re.MULTILINE)
        assert not parts[0], f"a transcript begins with a command, not with {parts[0]!r}"
        return [(command.strip(), printed) for command, printed in zip(parts[1::2], parts[2::2], strict=True)]


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "Page":
        return cls(path, path.read_text("utf-8"))

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def front_matter(self) -> dict[str, Any]:
        found = FRONT_MATTER.match(self.text)
        return yaml.safe_load(found[1]) if found else {}

    @property
    def markers(self) -> list[str]:
        """The markers of its blocks."""
        return [name for name in MARKERS if any(block.marker == name for block in self.blocks)]

    @property
    def overlay(self) -> bool:
        return bool(self.front_matter.get("overlay"))

    @cached_property
    def blocks(self) -> list[Block]:
        found = []
        for match in BLOCK.finditer(self.text):
            comment, indent, language, text = match.groups()
            dedented = "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
            found.append(Block(language, dedented, match.start(4), match.end(4), indent, comment or ""))
        return found

    def of(self, *languages: str) -> list[Block]:
        return [block for block in self.blocks if block.language in languages]


def pages() -> list[Page]:
    """The README and all pages of docs/."""
    return [Page.read(path) for path in [README, *sorted(DOCS.rglob("*.md"))]]


@dataclass(frozen=True, slots=True)
class Step:
    """A command that was run: what the page shows, and what was printed."""

    block: Block
    command: str
    shown: str
    printed: str
    exit_code: int

    @property
    def agrees(self) -> bool:
        return matches(self.shown, self.printed)


def play(page: Page, folder: Path, markers: Sequence[str | None]) -> Iterator[Step]:
    """Write the page's files and run its commands, in order: those whose marker is among `markers`, None for none."""
    folder.mkdir()
    if page.overlay:
        _copy_repository(folder)
    for block in page.blocks:
        if block.marker not in markers and block.file is None:
            continue
        if block.files_of is not None:
            for other in Page.read(ROOT / block.files_of).blocks:
                write(other, folder)
        if block.copy_of is not None:
            _copy(ROOT / block.copy_of, folder)
        if block.file is not None:
            write(block, folder)
        elif block.language == "diff":
            _patch(block.text, folder)
        elif block.language == "console":
            for command, shown in block.steps:
                exit_code, printed = _run(command, folder, OVERLAY_PYTEST if page.overlay else READERS_PYTEST)
                yield Step(block, command, shown, printed, exit_code)


def write(block: Block, folder: Path) -> None:
    """Write the file that a block shows, if it shows one."""
    if block.file is not None:
        path = folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.content, "utf-8")


def _copy(source: Path, folder: Path) -> None:
    for path in source.rglob("*"):
        target = folder / path.relative_to(source)
        if path.is_file() and not target.exists() and "node_modules" not in path.parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def _copy_repository(folder: Path) -> None:
    for name in OVERLAID:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("node_modules"))
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def _patch(text: str, folder: Path) -> None:
    """Apply a diff: `--- path`, then hunks, each after a line `@@`; its old lines stand in the file exactly once."""
    name, *hunks = re.split(r"^@@\n", text, flags=re.MULTILINE)
    path = folder / name.removeprefix("--- ").strip()
    content = path.read_text("utf-8")
    for hunk in hunks:
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        new = "".join(line[1:] for line in lines if line[0] in " +")
        assert content.count(old) == 1, f"{name.strip()}: this stands there {content.count(old)} times:\n{old}"
        content = content.replace(old, new)
    path.write_text(content, "utf-8")


def _run(command: str, folder: Path, pytest_options: dict[str, str]) -> tuple[int, str]:
    """The exit code of a command, and what it prints on both streams."""
    others = ("PYTEST_", "HARNESS_", "COV_", "CI", "GITHUB_")  # pytest cuts its summary short where there is no CI
    clean = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={
            **clean,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": str(COLUMNS),
            "NO_COLOR": "1",
            **pytest_options,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
    return done.returncode, "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def masked(text: str) -> list[str]:
    """The lines of a text without what no two runs have in common."""
    return [line.rstrip() for line in NOT_REPEATABLE.sub("…", text).strip("\n").splitlines()]


def matches(shown: str, printed: str) -> bool:
    """Whether a transcript shows what was printed, but for omitted lines, wall-clock times, ports and ids."""
    lines, found = masked(shown), masked(printed)
    if OMITTED not in lines:
        return lines == found
    cut = lines.index(OMITTED)
    head, tail = lines[:cut], lines[cut + 1 :]
    return len(found) >= len(head) + len(tail) and found[:cut] == head and found[len(found) - len(tail) :] == tail


def refreshed(shown: str, printed: str) -> str:
    """What a transcript has to show now: as many lines before and after the omission as it shows today."""
    lines, found = shown.strip("\n").splitlines(), printed.strip("\n").splitlines()
    if OMITTED in lines:
        cut = lines.index(OMITTED)
        tail = len(lines) - cut - 1
        if len(found) > cut + tail + 1:
            found = [*found[:cut], OMITTED, *found[len(found) - tail :]]
    return "".join(f"{line}\n" for line in found)
