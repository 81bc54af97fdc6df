"""What a project's files tell of an application: how it is started, what it reads, where its tracks are.

Guesses, for a first `harness.toml` that somebody reads through; what is not found is left to them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SOURCES = (".ts", ".tsx", ".js", ".mjs", ".cjs", ".py", ".sql")
IGNORED = frozenset({"node_modules", ".git", ".next", ".venv", "venv", "dist", "build", "__pycache__"})
FILES_MAX = 2_000
PROVIDER_HOSTS = ("api.kie.ai", "api.sunoapi.org")
NOT_A_START = re.compile(r"callback|webhook|hook|cron|auth|\[|:|<|\{")
"""Paths that are called by others, or about a track that is there already."""
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
"""Ours, and what others call them, the likeliest first."""
_VARIABLE = re.compile(r"""process\.env\.(\w+)|environ(?:\.get\(|\[)\s*["'](\w+)["']|getenv\(\s*["'](\w+)["']""")
_NEXT_POST = re.compile(r"export\s+(?:async\s+function|const)\s+POST\b")
_PYTHON_POST = re.compile(r"""\.post\(\s*["'](/[^"']*)["']|\.route\(\s*["'](/[^"']*)["'][^)]*POST""")
_NODE_POST = re.compile(r"""(?:app|router|server)\.post\(\s*["'](/[^"']*)["']""")
_NESTED_ID = re.compile(r"\{\s*[\"']?(\w+)[\"']?\s*:\s*\{\s*[\"']?id\b")
_TABLE = re.compile(
    r"create\s+table\s+(?:if\s+not\s+exists\s+)?(?:\w+\.)?\"?(\w+)\"?\s*\((.*?)\)\s*(?:;|\"\"\"|['\"`]|$)", re.I | re.S
)


@dataclass(slots=True)
class Project:
    """What was found; empty where nothing was."""

    command: str = "node server.js"
    how: str = "Nothing was found that starts it: write the command."
    on_node: bool = True
    variables: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    """The providers' hosts that stand in the code."""
    start: str | None = None
    """The path by which a track is asked for."""
    id: str = "id"
    table: str | None = None
    columns: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    migrations: str | None = None
    """The SQL files of a Supabase project."""
    cron: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """Ours and theirs, for those columns that were found."""
        found = {ours: next((name for name in names if name in self.columns), None) for ours, names in COLUMNS.items()}
        return {ours: theirs for ours, theirs in found.items() if theirs is not None}


def look_at(folder: Path) -> Project:
    """What the files in a folder tell."""
    project = Project()
    _find_command(folder, project)
    variables: dict[str, None] = {}
    words: set[str] = set()
    for path, text in _sources(folder):
        variables.update(dict.fromkeys(next(filter(None, found)) for found in _VARIABLE.findall(text)))
        project.hosts |= {host for host in PROVIDER_HOSTS if f"//{host}" in text}
        words.update(re.findall(r"""["'](\w+)["']""", text))
        _find_start(path.relative_to(folder), text, project)
        for name, inside in _TABLE.findall(text):
            if project.table is None or "track" in name.lower():
                project.table, project.columns = name, tuple(re.findall(r"(?:^|,)\s*\"?(\w+)", inside))
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
            project.how = "package.json has no start script: write the command."
            return
        script = str(scripts[name])
        is_plain = script.startswith("node ") and not re.search(r"[&|;$]", script)
        project.command = script if is_plain else f"npm run {name}"
        project.how = f"Found in package.json: {name}."
        if "build" in scripts and name == "start":
            project.how += " It has to be built before: npm run build."
        return
    for name in ("app.py", "main.py", "server.py"):
        if (folder / name).is_file():
            project.command, project.how, project.on_node = f"python {name}", f"Found: {name}.", False
            return


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
    """Takes the first route that takes a POST and is no callback's."""
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
            project.id = f"{nested[1]}.id" if nested is not None else "id"
            return


def _cron(folder: Path) -> str | None:
    """The first periodic route that a vercel.json names."""
    crons = _json(folder / "vercel.json").get("crons") or [{}]
    path = crons[0].get("path") if isinstance(crons, list) and isinstance(crons[0], dict) else None
    return path if isinstance(path, str) and path.startswith("/") else None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
