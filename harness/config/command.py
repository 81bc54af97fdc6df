"""The command that starts an application, as its package.json or its Python files show it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config.sources import Source

PYTHON_NAMES = ("app", "main", "server", "wsgi", "asgi", "run")
FACTORIES = "create_app|make_app|build_app|get_app"
DJANGO = 'sh -c "{0}python manage.py migrate --noinput && exec {0}python manage.py runserver --noreload {{port}}"'
"""Its run begins with an empty database."""
_APP = re.compile(rf"^(\w+)\s*(?::\s*\w+\s*)?=\s*(FastAPI|Starlette|Flask|Quart|{FACTORIES})\(", re.M)
_FACTORY = re.compile(rf"^(?:async\s+)?def\s+({FACTORIES})\(", re.M)
_STARTS = re.compile(r"__main__|uvicorn\.run\(|run_app\(|^\w+\.run\(", re.M)
_IMPORTS_FLASK = re.compile(r"^[ \t]*(?:from|import)\s+flask\b", re.M)


@dataclass(frozen=True, slots=True)
class Command:
    """A command, and how it was found."""

    line: str = "node server.js"
    how: str = "No start command was found: set the command."
    on_node: bool = True


def command_of(folder: Path, package: Mapping[str, Any], sources: Sequence[Source]) -> Command:
    """Return the command for an application with this package.json (empty if it has none)."""
    scripts = package.get("scripts")
    name = next((name for name in ("start", "dev") if isinstance(scripts, dict) and name in scripts), None)
    if isinstance(scripts, dict) and name is not None:
        return _of_node(str(scripts[name]), name, "build" in scripts)
    found = _of_python(folder, sources)
    if package and found is None:
        return Command(how="package.json has no start script: set the command.")
    if found is not None:
        return found
    suffixes = {source.path.suffix for source in sources}
    return (
        Command("python app.py", on_node=False) if ".py" in suffixes and not suffixes - {".py", ".sql"} else Command()
    )


def _of_node(script: str, name: str, is_built: bool) -> Command:
    is_plain = script.startswith("node ") and not re.search(r"[&|;$]", script)
    build = " Build it first: npm run build." if is_built and name == "start" else ""
    return Command(script if is_plain else f"npm run {name}", f"Found in package.json: {name}.{build}")


def _of_python(folder: Path, sources: Sequence[Source]) -> Command | None:
    """Return the command for Python files, the likeliest first; an ASGI or WSGI application gets its server."""
    programs = next((f"{name}/bin/" for name in (".venv", "venv") if (folder / name / "bin" / "python").exists()), "")
    files = sorted((source for source in sources if source.is_python), key=_likelihood)
    if any(str(source.path) == "manage.py" for source in files):
        return Command(DJANGO.format(programs), "Found: manage.py.", on_node=False)
    on_flask = any(_IMPORTS_FLASK.search(source.text) for source in files)
    lines = [*_lines(files, on_flask), *_less_probable_lines(files, on_flask)]
    return next((Command(programs + line, f"Found: {source.path}.", on_node=False) for line, source in lines), None)


def _likelihood(source: Source) -> tuple[int, int, str]:
    stem = source.path.stem
    place = PYTHON_NAMES.index(stem) if stem in PYTHON_NAMES else len(PYTHON_NAMES)
    return len(source.path.parts), place, str(source.path)


def _lines(files: Sequence[Source], on_flask: bool) -> Iterator[tuple[str, Source]]:
    for source in files:
        made = _APP.search(source.text)
        at_root, module = len(source.path.parts) == 1, source.module.replace("/", ".")
        if _STARTS.search(source.text) and (made is None or "port" in source.text.lower()):
            yield f"python {source.path}" if at_root else f"python -m {module}", source
        elif made is not None:
            is_flask = made[2] == "Flask" or (on_flask and made[2] not in ("FastAPI", "Starlette", "Quart"))
            yield _served(f"{module}:{made[1]}", is_flask), source


def _less_probable_lines(files: Sequence[Source], on_flask: bool) -> Iterator[tuple[str, Source]]:
    """The commands for factories, then for files that only have a usual name."""
    for source in files:
        factory = _FACTORY.search(source.text)
        if factory is not None:
            served = _served(f"{source.module.replace('/', '.')}:{factory[1]}", on_flask)
            yield served if on_flask else f"{served} --factory", source
    for source in files:
        if len(source.path.parts) == 1 and source.path.stem in PYTHON_NAMES[:3]:
            yield f"python {source.path}", source


def _served(name: str, is_flask: bool) -> str:
    return f"flask --app {name} run --port {{port}}" if is_flask else f"uvicorn {name} --port {{port}}"
