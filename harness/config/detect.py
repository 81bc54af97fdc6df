"""Detecting an application's settings from its files: its command, its environment and where its tracks are.

The results are guesses for a first `harness.toml`, which its user reviews and completes. Files are read, never run.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.config.command import Command, command_of
from harness.config.routes import Route, routes_of
from harness.config.sources import Source, definitions, read_sources
from harness.config.starting_route import (
    callback_path,
    checked_headers,
    id_path,
    reading_route,
    request_of,
    starting_route,
    wrapping_keys,
)
from harness.config.tables import Table, columns_in_code, schema_files, track_table
from harness.config.variables import Variables, read_variables
from harness.json_text import parse_json

ENDS = ("complete", "completed", "done", "ready", "finished", "succeeded", "success", "published")
FAILURES = ("failed", "failure", "errored")
COLUMNS = {
    "status": ("status", "state"),
    "audio_url": ("audio_url", "audioUrl", "audio", "song_url", "mp3_url"),
    "image_url": ("image_url", "imageUrl", "cover_url", "coverUrl", "cover", "image", "picture_url", "artwork_url"),
    "image_resolution": ("image_resolution", "imageResolution", "resolution", "image_size", "cover_size"),
    "image_label": ("image_label", "imageLabel", "label"),
    "failure_reason": (
        "failure_reason",
        "error",
        "error_message",
        "errorMessage",
        "problem",
        "reason",
        "failed_reason",
    ),
}
"""Our column names, and common other names, the likeliest first."""
SUPABASE_HOST = re.compile(r"https://([a-z0-9-]+\.supabase\.co)\b")
NOT_A_PROJECT = re.compile(r"your|example|placeholder|xxx|project-?(?:id|ref)|^abc|^my")
"""Hosts in comments and examples."""
MANIFEST_BYTES_MAX = 400_000
_POSTGRES_IN_PYTHON = re.compile(r"^[ \t]*[\"']?(?:psycopg|asyncpg|pg8000)", re.M)
_POSTGRES_IN_NODE = ("pg", "postgres", "@vercel/postgres", "@neondatabase/serverless", "postgres-js")


@dataclass(frozen=True, slots=True)
class Project:
    """The detected settings; empty where nothing was found."""

    command: Command = field(default_factory=Command)
    variables: Variables = field(default_factory=Variables)
    start: Route | None = None
    """The route by which a track is requested."""
    id: str = "id"
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers that this route reads, each with the code around it."""
    read: str | None = None
    """The request that reads a track."""
    inside: str = ""
    """The path of the track in the response of the route that reads it."""
    callback: str | None = None
    """The path of the route for callbacks."""
    on_postgres: bool = False
    """Whether it has a client for PostgreSQL."""
    database_url: str = "{database}"
    """The value of an environment variable with its database."""
    table: Table | None = None
    columns: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    schema: tuple[str, ...] = ()
    """The SQL files of a Supabase project."""
    supabase_host: str | None = None
    """The host of a Supabase project in the code."""
    cron: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """Return our names and the project's, for the columns that were found."""
        found = {ours: next((name for name in names if name in self.columns), None) for ours, names in COLUMNS.items()}
        return {ours: theirs for ours, theirs in found.items() if theirs is not None}

    @property
    def id_column(self) -> str | None:
        """Return the column with the id in the response of the starting route, where it is not `id`."""
        last = self.id.rpartition(".")[2]
        plain = {column.replace("_", "").lower(): column for column in self.columns}
        wanted = last.replace("_", "").lower()
        if wanted == "id" and "id" not in self.columns:
            return next((plain[name] for name in ("uuid", "trackid", "songid", "taskid") if name in plain), None)
        ending = (column for name, column in plain.items() if wanted != "id" and name.endswith(wanted))
        return plain[wanted] if wanted != "id" and wanted in plain else next(ending, None)


def look_at(folder: Path) -> Project:
    """Return the settings detected from the files in a folder."""
    sources = read_sources(folder)
    defined = definitions(sources)
    routes = routes_of(sources, defined)
    start = starting_route(routes, defined)
    reading = reading_route(routes, start)
    words = {word for source in sources for word in re.findall(r"""["'](\w+)["']""", source.text)}
    complete = tuple(word for word in ENDS if word in words)
    failed = tuple(word for word in FAILURES if word in words)
    table = track_table(sources)
    return Project(
        command=command_of(folder, json_file(folder / "package.json"), sources),
        variables=read_variables(sources),
        start=start,
        id="id" if start is None else id_path(start.handler),
        headers={} if start is None else checked_headers(start.handler, defined),
        read=_read_request(start, reading),
        inside="" if reading is None else wrapping_keys(reading.handler),
        callback=callback_path(routes),
        on_postgres=_is_on_postgres(folder),
        database_url="sqlite:///{database}" if any("sqlite:///" in each.text for each in sources) else "{database}",
        table=table,
        columns=(() if table is None else table.columns) or columns_in_code(sources, COLUMNS, (*complete, *failed)),
        complete=complete,
        failed=failed,
        schema=schema_files(folder),
        supabase_host=_supabase_host(sources),
        cron=_cron(folder),
    )


def _read_request(start: Route | None, reading: Route | None) -> str | None:
    if reading is not None:
        return f"GET {request_of(reading)}"
    return None if start is None else f"GET {start.path.rstrip('/')}/{{id}}"


def _supabase_host(sources: Sequence[Source]) -> str | None:
    """Return the first host of a Supabase project in the code that is not an example's."""
    hosts = (host for source in sources for host in SUPABASE_HOST.findall(source.text))
    return next((host for host in hosts if NOT_A_PROJECT.search(host) is None), None)


def _is_on_postgres(folder: Path) -> bool:
    wanted = json_file(folder / "package.json").get("dependencies")
    if isinstance(wanted, dict) and set(_POSTGRES_IN_NODE) & set(wanted):
        return True
    texts = (_manifest(folder / name) for name in ("requirements.txt", "pyproject.toml"))
    return any(_POSTGRES_IN_PYTHON.search(text) for text in texts)


def _cron(folder: Path) -> str | None:
    """Return the first periodic route in a vercel.json."""
    crons = json_file(folder / "vercel.json").get("crons") or [{}]
    path = crons[0].get("path") if isinstance(crons, list) and isinstance(crons[0], dict) else None
    return path if isinstance(path, str) and path.startswith("/") else None


def _manifest(path: Path) -> str:
    """Return the beginning of a file; "" if it is none, or cannot be read."""
    try:
        if not path.is_file():
            return ""
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MANIFEST_BYTES_MAX)
    except OSError:
        return ""


def json_file(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; empty if there is no such file or no object in it."""
    try:
        found = parse_json(_manifest(path))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
