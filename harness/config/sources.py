"""Reading the source files of an application's folder, within bounds, and finding the definitions in them."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

SUFFIXES = frozenset({".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".py", ".sql"})
IGNORED = frozenset({"node_modules", "venv", "dist", "build", "out", "__pycache__", "site-packages"})
TESTS = frozenset({"test", "tests", "__tests__", "e2e", "cypress"})
"""Folders with calls of the application's routes, which are no routes."""
FOLDERS_MAX, FILES_MAX, FILE_BYTES_MAX, BYTES_MAX = 5_000, 2_000, 400_000, 20_000_000
DEFINITION_CHARACTERS_MAX = 4_000
_DEFINITION = re.compile(
    r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)|^class[ \t]+(\w+)"
    r"|\bfunction[ \t]+(\w+)"
    r"|(?:\b(?:const|let|var)[ \t]+|\bexports\.)(\w+)[ \t]*=[ \t]*(?:async\b[ \t]*)?(?:\(|function\b|\w+[ \t]*=>)"
    r"|^[ \t]+(?:async[ \t]+)?(?!if\b|for\b|while\b|switch\b|catch\b)(\w+)\([^()\n]*\)[ \t]*\{",
    re.M,
)


@dataclass(frozen=True, slots=True)
class Source:
    """A source file: its path, relative to the application's folder, and its text."""

    path: PurePosixPath
    text: str

    @property
    def is_python(self) -> bool:
        """Return whether it is Python."""
        return self.path.suffix == ".py"

    @property
    def module(self) -> str:
        """Return its path as imports name it: without its suffix, and a package's without the file."""
        path = self.path.with_suffix("")
        return str(path.parent if path.name in ("index", "__init__") else path)

    def is_module(self, name: str) -> bool:
        """Return whether an import of `name` ("routes/songs") can mean it."""
        return self.module == name or self.module.endswith(f"/{name}")


def read_sources(folder: Path) -> list[Source]:
    """Return the source files of a folder, sorted by path; folders of packages, builds and tests are skipped, and so
    are links, large files, and what lies beyond the bounds."""
    found, size = [], 0
    for path in _paths(folder):
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_BYTES_MAX:
                continue
            size += status.st_size
            if size > BYTES_MAX:
                break
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found.append(Source(PurePosixPath(path.relative_to(folder).as_posix()), text))
    return found


def _paths(folder: Path) -> list[Path]:
    found: list[Path] = []
    for count, (parent, folders, names) in enumerate(os.walk(folder)):
        if count >= FOLDERS_MAX or len(found) >= FILES_MAX:
            break
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in IGNORED | TESTS)
        found += [Path(parent, name) for name in names if os.path.splitext(name)[1] in SUFFIXES]
    return sorted(found)[:FILES_MAX]


def definitions(sources: Sequence[Source]) -> dict[str, str]:
    """Return the functions, methods and classes by name, each with its text up to the next one; of several of one name
    the first."""
    found: dict[str, str] = {}
    for source in sources:
        if source.path.suffix != ".sql":
            for name, text in _definitions(source.text):
                found.setdefault(name, text)
    return found


def _definitions(text: str) -> Iterator[tuple[str, str]]:
    for match, until_next in split_at(_DEFINITION, text):
        yield next(filter(None, match.groups())), until_next[:DEFINITION_CHARACTERS_MAX]


def split_at(pattern: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Yield each match of a pattern, with the text from it to the next one."""
    matches = list(pattern.finditer(text))
    starts = [match.start() for match in matches] + [len(text)]
    for match, end in zip(matches, starts[1:], strict=True):
        yield match, text[match.start() : end]
