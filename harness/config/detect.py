"""Detecting an application's settings from its files: its command, its environment and where its tracks are.

The results are guesses for a first `harness.toml`, which its user reviews and completes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.fakes.registry import KIE, SUNO
from harness.json_text import parse_json

SOURCES = (".ts", ".tsx", ".js", ".mjs", ".cjs", ".py", ".sql")
IGNORED = frozenset({"node_modules", ".git", ".next", ".venv", "venv", "dist", "build", "__pycache__"})
FILES_MAX = 2_000
PROVIDER_HOSTS = (*KIE.hosts, *SUNO.hosts)
NOT_A_START = re.compile(r"callback|webhook|hook|cron|auth|\[|:|<|\{")
"""Paths that others call, or that concern an existing track."""
ENDS = ("complete", "completed", "done", "ready", "finished", "succeeded", "success", "published")
FAILURES = ("failed", "failure", "errored")
COLUMNS = {
    "status": ("status", "state"),
    "audio_url": ("audio_url", "audioUrl", "audio", "song_url", "mp3_url"),
    "image_url": ("image_url", "imageUrl", "cover_url", "cover", "image", "picture_url", "artwork_url"),
    "image_resolution": ("image_resolution", "resolution", "image_size", "cover_size"),
    "image_label": ("image_label", "label"),
    "failure_reason": ("failure_reason", "error", "error_message", "problem", "reason", "failed_reason"),
}
"""Our column names, and common other names, the likeliest first."""
_VARIABLE = re.compile(r"""process\.env\.(\w+)|environ(?:\.get\(|\[)\s*["'](\w+)["']|getenv\(\s*["'](\w+)["']""")
_NEXT_POST = re.compile(r"export\s+(?:async\s+function|const)\s+POST\b")
_PYTHON_POST = re.compile(r"""\.post\(\s*["'](/[^"']*)["']|\.route\(\s*["'](/[^"']*)["'][^)]*POST""")
_NODE_POST = re.compile(r"""(?:app|router|server)\.post\(\s*["'](/[^"']*)["']""")
_NESTED_ID = re.compile(r"\{\s*[\"']?(\w+)[\"']?\s*:\s*\{\s*[\"']?(id|\w+_id)\b")
_ANSWER = re.compile(r"(?:json(?:ify)?\(|\breturn)\s*(?=\{)")
_ONLY_KEY = re.compile(r"""\{\s*["']?(\w+)["']?\s*(?::\s*(?=\{)|:\s*[\w.()\[\]]+\s*\}|\})""")
"""The only key of an object, whose value is an object, or a name, or (`{ song }`) the key itself."""
NOT_A_TRACK = frozenset({"error", "message", "detail", "ok", "success", "status", "id"})
HANDLER_CHARACTERS = 1_000
PYTHON_NAMES = ("app", "main", "server")
_PYTHON_APP = re.compile(r"^(\w+)\s*(?::\s*\w+\s*)?=\s*(FastAPI|Starlette|Flask)\(", re.M)
_PYTHON_STARTS = re.compile(r"__main__|uvicorn\.run\(|run_app\(|^\w+\.run\(", re.M)
_POSTGRES_IN_PYTHON = re.compile(r"^\s*[\"']?(?:psycopg|asyncpg|pg8000)", re.M)
_POSTGRES_IN_NODE = ("pg", "postgres", "@vercel/postgres", "@neondatabase/serverless", "postgres-js")
_TABLE = re.compile(
    r"create\s+table\s+(?:if\s+not\s+exists\s+)?(?:\w+\.)?\"?(\w+)\"?\s*\((.*?)\)\s*(?:;|\"\"\"|['\"`]|$)", re.I | re.S
)


@dataclass(slots=True)
class Project:
    """The detected settings; empty where nothing was found."""

    command: str = "node server.js"
    how: str = "No start command was found: set the command."
    on_node: bool = True
    variables: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    """The providers' hosts in the code."""
    start: str | None = None
    """The path by which a track is requested."""
    id: str = "id"
    inside: str = ""
    """The path of the track in the response of the route that reads it."""
    on_postgres: bool = False
    """Whether it has a client for PostgreSQL."""
    database_url: str = "{database}"
    """The value of an environment variable with its database."""
    table: str | None = None
    columns: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    migrations: str | None = None
    """The SQL files of a Supabase project."""
    cron: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """Return our names and the project's, for the columns that were found."""
        found = {ours: next((name for name in names if name in self.columns), None) for ours, names in COLUMNS.items()}
        return {ours: theirs for ours, theirs in found.items() if theirs is not None}


def look_at(folder: Path) -> Project:
    """Return the settings detected from the files in a folder."""
    project = Project()
    _find_command(folder, project)
    variables: dict[str, None] = {}
    words: set[str] = set()
    sources = list(_sources(folder))
    if not (folder / "package.json").is_file():
        _find_python_command(folder, project, {path.suffix for path, _ in sources})
    for path, text in sources:
        variables.update(dict.fromkeys(next(filter(None, found)) for found in _VARIABLE.findall(text)))
        project.hosts |= {host for host in PROVIDER_HOSTS if f"//{host}" in text}
        words.update(re.findall(r"""["'](\w+)["']""", text))
        _find_start(path.relative_to(folder), text, project)
        for name, inside in _TABLE.findall(text):
            if project.table is None or "track" in name.lower():
                project.table, project.columns = name, tuple(re.findall(r"(?:^|,)\s*\"?(\w+)", inside))
    project.inside = _inside(sources, folder, project.start)
    project.on_postgres = _is_on_postgres(folder)
    if any("sqlite:///" in text for _, text in sources):
        project.database_url = "sqlite:///{database}"
    project.variables = list(variables)
    project.complete = tuple(word for word in ENDS if word in words)
    project.failed = tuple(word for word in FAILURES if word in words)
    for pattern in ("supabase/migrations/*.sql", "supabase/schema.sql", "schema.sql"):
        if project.migrations is None and any(folder.glob(pattern)):
            project.migrations = pattern
    project.cron = _cron(folder)
    return project


def _find_command(folder: Path, project: Project) -> None:
    package = folder / "package.json"
    if package.is_file():
        scripts = _json(package).get("scripts")
        scripts = scripts if isinstance(scripts, dict) else {}
        name = next((name for name in ("start", "dev") if name in scripts), None)
        if name is None:
            project.how = "package.json has no start script: set the command."
            return
        script = str(scripts[name])
        is_plain = script.startswith("node ") and not re.search(r"[&|;$]", script)
        project.command = script if is_plain else f"npm run {name}"
        project.how = f"Found in package.json: {name}."
        if "build" in scripts and name == "start":
            project.how += " Build it first: npm run build."


def _find_python_command(folder: Path, project: Project, suffixes: set[str]) -> None:
    """Set the command from Python files, the likeliest names first; an ASGI or WSGI application gets its server."""
    likely = [folder / f"{name}.py" for name in PYTHON_NAMES]
    files = [path for path in (*likely, *sorted(set(folder.glob("*.py")) - set(likely))) if path.is_file()]
    for path in files:
        text = path.read_text(encoding="utf-8", errors="replace")
        made = _PYTHON_APP.search(text)
        if _PYTHON_STARTS.search(text):
            project.command = f"python {path.name}"
        elif made is not None and made[2] == "Flask":
            project.command = f"flask --app {path.stem}:{made[1]} run --port {{port}}"
        elif made is not None:
            project.command = f"uvicorn {path.stem}:{made[1]} --port {{port}}"
        elif path in likely:
            project.command = f"python {path.name}"
        else:
            continue
        project.how, project.on_node = f"Found: {path.name}.", False
        return
    if suffixes & {".py"} and not suffixes - {".py", ".sql"}:
        project.command, project.on_node = "python app.py", False


def _is_on_postgres(folder: Path) -> bool:
    wanted = _json(folder / "package.json").get("dependencies")
    if isinstance(wanted, dict) and set(_POSTGRES_IN_NODE) & set(wanted):
        return True
    reported = [folder / name for name in ("requirements.txt", "pyproject.toml")]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in reported if path.is_file()]
    return any(_POSTGRES_IN_PYTHON.search(text) for text in texts)


def _inside(sources: list[tuple[Path, str]], folder: Path, start: str | None) -> str:
    """Return the path of the track in the response of the route that reads one, as far as the code shows it."""
    if start is None:
        return ""
    reads = re.compile(r"\.(?:get|route)\(\s*[\"']" + re.escape(start) + r"/[:<{]")
    for path, text in sources:
        route = "/".join(part for part in path.relative_to(folder).parts if not part.startswith("("))
        found = reads.search(text)
        if re.search(re.escape(f"app{start}/") + r"\[\w+\]/route\.\w+$", route):
            found = re.search(r"\bGET\b", text)
        if found is not None:
            return _only_keys(text[found.end() : found.end() + HANDLER_CHARACTERS])
    return ""


def _only_keys(handler: str) -> str:
    """Return the keys around the first response that is not an error: "data.song" for `{ data: { song: row } }`."""
    for answer in _ANSWER.finditer(handler):
        keys: list[str] = []
        at = answer.end()
        while (found := _ONLY_KEY.match(handler, at)) is not None and found[1] not in NOT_A_TRACK:
            keys.append(found[1])
            at = found.end()
        if keys:
            return ".".join(keys)
    return ""


def _sources(folder: Path) -> Iterator[tuple[Path, str]]:
    seen = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SOURCES or IGNORED & set(path.relative_to(folder).parts):
            continue
        seen += 1
        if seen > FILES_MAX:
            return
        try:
            yield path, path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue


def _find_start(path: Path, text: str, project: Project) -> None:
    """Set the start path to the first POST route that is not for callbacks."""
    if project.start is not None:
        return
    paths = [next(filter(None, found)) for found in _PYTHON_POST.findall(text)] if path.suffix == ".py" else []
    if path.stem == "route" and "app" in path.parts and _NEXT_POST.search(text):
        parts = path.parent.parts[path.parts.index("app") + 1 :]
        paths = ["/" + "/".join(part for part in parts if not part.startswith("("))]
    elif path.suffix != ".py":
        paths = _NODE_POST.findall(text)
    for each in paths:
        if NOT_A_START.search(each.lower()) is None:
            project.start = each
            nested = _NESTED_ID.search(text)
            project.id = f"{nested[1]}.{nested[2]}" if nested is not None else "id"
            return


def _cron(folder: Path) -> str | None:
    """Return the first periodic route in a vercel.json."""
    crons = _json(folder / "vercel.json").get("crons") or [{}]
    path = crons[0].get("path") if isinstance(crons, list) and isinstance(crons[0], dict) else None
    return path if isinstance(path, str) and path.startswith("/") else None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
