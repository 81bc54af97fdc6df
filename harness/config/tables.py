"""The table of the tracks: its columns in SQL or in a Django model, and the files of a Supabase project's schema."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.config.sources import FILE_BYTES_MAX, Source

SCHEMA_FOLDERS = ("supabase/migrations", "supabase-migrations", "supabase", "migrations", "sql", "db", "database", ".")
"""Where a Supabase project's SQL is, the likeliest place first; the last one is beside package.json."""
FILES_MAX = 200
_MAKES_TABLE = re.compile(r"\b(?:create|alter)\s+table\b", re.I)
_TABLE = re.compile(
    r"create\s+table\s+(?:if\s+not\s+exists\s+)?(?:\"?\w+\"?\.)?\"?(\w+)\"?\s*\((.{0,8000}?)\)\s*(?:;|\"\"\"|['\"`]\s*\)|['\"`]|$)",
    re.I | re.S,
)
_CONTINUED = re.compile(r"[\"']\s*\n\s*f?[\"']")
"""Between two texts that Python joins."""
_ALTERED = re.compile(r"alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?:\"?\w+\"?\.)?\"?(\w+)\"?([^;]{0,8000})", re.I)
_ADDED = re.compile(r"\badd\s+column\s+(?:if\s+not\s+exists\s+)?\"?(\w+)", re.I)
_MODEL = re.compile(r"^class\s+(\w+)\([^)]*\bmodels\.Model\b[^)]*\):(.*?)(?=^\S|\Z)", re.M | re.S)
_MODEL_FIELD = re.compile(r"^[ \t]+(\w+)\s*(?::[^=\n]+)?=\s*models\.(\w+)\(", re.M)
_MODEL_TABLE = re.compile(r"\bdb_table\s*=\s*[\"']([\w.]+)[\"']")
_TRACKS = re.compile(r"track|song|music|generation", re.I)
_CONSTRAINT = frozenset(("primary", "unique", "foreign", "check", "constraint", "references"))


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its columns, which are empty where the code computes them."""

    name: str
    columns: tuple[str, ...]


def track_table(sources: Sequence[Source]) -> Table | None:
    """Return the table that is named after tracks, or the first one."""
    found: dict[str, Table] = {}
    for source in sources:
        for table in _tables(source):
            found.setdefault(table.name, table)
    for source in sources:
        for name, text in _ALTERED.findall(source.text):
            if name in found:
                found[name] = Table(name, (*found[name].columns, *_ADDED.findall(text)))
    return next((each for each in found.values() if _TRACKS.search(each.name)), next(iter(found.values()), None))


def _tables(source: Source) -> Iterator[Table]:
    text = _CONTINUED.sub("\n", source.text) if source.is_python else source.text
    for name, inside in _TABLE.findall(text):
        columns = re.findall(r"(?:^|,)\s*\"?(\w+)", inside)
        is_whole = source.path.suffix == ".sql" or re.search(r"\{\w+\}", inside) is None
        yield Table(name, tuple(each for each in columns if each.lower() not in _CONSTRAINT) if is_whole else ())
    if not source.is_python:
        return
    for name, body in _MODEL.findall(source.text):
        columns = [f"{column}_id" if kind == "ForeignKey" else column for column, kind in _MODEL_FIELD.findall(body)]
        given = _MODEL_TABLE.search(body)
        own_id = () if re.search(r"primary_key\s*=\s*True", body) else ("id",)
        yield Table(given[1] if given else f"{_django_app(source)}_{name.lower()}", (*own_id, *columns))


def _django_app(source: Source) -> str:
    parts = source.path.parts
    return parts[parts.index("models") - 1] if "models" in parts[1:] else (parts[-2] if len(parts) > 1 else "app")


def columns_in_code(
    sources: Sequence[Source], columns: Mapping[str, Sequence[str]], ends: Sequence[str]
) -> tuple[str, ...]:
    """Return those of the known names of `columns` that the code gives values to, where no table was found: `status`
    only if it gets one of the texts `ends`, other names than those of URLs only if they are attributes."""
    texts = [source.text for source in sources if source.path.suffix != ".sql"]
    found: list[str] = []
    for ours, names in columns.items():
        for name in names:
            attribute, key = rf"\.{name}\s*=(?!=)\s*", rf"\b{name}[\"']?\s*[:=](?!=)\s*"
            if ours == "status":
                given = rf"(?:{attribute}|{key})[\"'](?:{'|'.join(ends)})[\"']" if ends else r"(?!)"
            else:
                given = rf"{attribute}|{key}" if ours.endswith("_url") else attribute
            if any(re.search(given, text) for text in texts):
                found.append(name)
    return tuple(found)


def schema_files(folder: Path) -> tuple[str, ...]:
    """Return the SQL files with a Supabase project's schema, as patterns relative to `folder`; empty if there are none.

    A pattern matches all files of a folder if each of them makes or alters tables, or has a name with a number, as
    migrations have; otherwise the files are listed.
    """
    for name in SCHEMA_FOLDERS:
        if not (folder / name).is_dir() or (folder / name).is_symlink():
            continue
        paths = sorted(path for path in (folder / name).glob("*.sql") if path.is_file() and not path.is_symlink())
        making = [path for path in paths[:FILES_MAX] if _makes_table(path)]
        if not making:
            continue
        within = "" if name == "." else f"{name}/"
        if len(paths) > 1 and (making == paths or all(re.match(r"\d", path.name) for path in paths)):
            return (f"{within}*.sql",)
        return (f"{within}*.sql",) if name.endswith("migrations") else tuple(f"{within}{path.name}" for path in making)
    return ()


def _makes_table(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return _MAKES_TABLE.search(file.read(FILE_BYTES_MAX)) is not None
    except OSError:
        return False
