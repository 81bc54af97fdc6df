"""Writes a first `harness.toml` by looking at a project: how it is started, and what it calls its base URLs."""

import json
import re
from pathlib import Path

SOURCES = (".ts", ".tsx", ".js", ".mjs", ".cjs", ".py")
IGNORED = frozenset({"node_modules", ".git", ".next", ".venv", "venv", "dist", "build", "__pycache__"})
FILES_MAX = 2_000
PROVIDER_HOSTS = ("api.kie.ai", "api.sunoapi.org")
_VARIABLE = re.compile(r"""process\.env\.(\w+)|environ(?:\.get\(|\[)\s*["'](\w+)["']|getenv\(\s*["'](\w+)["']""")

TEMPLATE = """\
# How `harness run harness.toml --speed 50` plays scenarios to this application. {how}
[application]
command = "{command}"
{reach}
# url = "http://127.0.0.1:3000"   # instead of command: something that runs already (speed 1)
# warm_up = ["GET /"]             # requested before the clock starts

[application.environment]         # {{suno}} {{kie}} {{app}} {{port}} {{api_key}} {{database}} ... are filled in
{environment}

[start]                           # how a track is asked for
request = "POST /tracks"
body = {{ title = "{{title}}", prompt = "{{prompt}}" }}
id = "id"                         # where its id stands in the answer: "track.id" for nested ones

[track]                           # where it can be read afterwards
read = "GET /tracks/{{id}}"
# sqlite = "{{database}}"           # or a table of a database file
complete = ["complete"]           # the values of its status that are ends
failed = ["failed"]

[track.fields]                    # what its columns are called: ours = theirs
status = "status"
audio_url = "audio_url"
image_url = "image_url"
image_resolution = "image_resolution"
image_label = "image_label"
failure_reason = "failure_reason"
"""


def first_settings(folder: Path) -> str:
    """The text of a `harness.toml` for the project in a folder, with what could be found out about it."""
    command, runs_on_node, how = _command(folder)
    variables, hard_coded = _looked_through(folder)
    reach = 'reach = "variables"            # or "preload" (Node), or "proxy" (any client), for hard-coded hosts'
    if hard_coded:
        way = "preload" if runs_on_node else "proxy"
        reach = f'reach = "{way}"              # because {", ".join(sorted(hard_coded))} stands in its code'
    environment = "\n".join(f'{name} = "{value}"' for name, value in _environment(variables).items())
    return TEMPLATE.format(command=command, reach=reach, environment=environment, how=how)


def _command(folder: Path) -> tuple[str, bool, str]:
    package = folder / "package.json"
    if package.is_file():
        try:
            scripts = json.loads(package.read_text(encoding="utf-8")).get("scripts", {})
        except (ValueError, AttributeError):
            scripts = {}
        name = next((name for name in ("start", "dev") if name in scripts), None)
        if name is not None:
            return f"npm run {name}", True, f"Found in package.json: {name}."
        return "node server.js", True, "package.json has no start script: write the command."
    for name in ("app.py", "main.py", "server.py"):
        if (folder / name).is_file():
            return f"python {name}", False, f"Found: {name}."
    return "node server.js", True, "Nothing was found that starts it: write the command."


def _looked_through(folder: Path) -> tuple[list[str], set[str]]:
    """Names of environment variables that the code reads, and the providers' hosts that stand in it."""
    variables: dict[str, None] = {}
    hosts: set[str] = set()
    seen = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SOURCES or IGNORED & set(path.relative_to(folder).parts):
            continue
        seen += 1
        if seen > FILES_MAX:
            break
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        variables.update(dict.fromkeys(next(filter(None, found)) for found in _VARIABLE.findall(text)))
        hosts |= {host for host in PROVIDER_HOSTS if f"//{host}" in text}
    return list(variables), hosts


def _environment(variables: list[str]) -> dict[str, str]:
    """What the variables that the code reads probably mean."""
    meant: dict[str, str] = {}
    for name in variables:
        told = name.upper()
        if "SIGN" in told or ("WEBHOOK" in told and "SECRET" in told):
            meant[name] = "{signing_key}"
        elif ("KIE" in told or "SUNO" in told) and ("KEY" in told or "TOKEN" in told):
            meant[name] = "{api_key}"
        elif "KIE" in told and "URL" in told:
            meant[name] = "{kie}"
        elif "SUNO" in told and "URL" in told:
            meant[name] = "{suno}"
        elif told == "PORT":
            meant[name] = "{port}"
        elif "DATABASE" in told or told in ("DB_PATH", "SQLITE_PATH"):
            meant[name] = "{database}"
        elif "URL" in told and any(word in told for word in ("PUBLIC", "SITE", "APP", "BASE", "CALLBACK")):
            meant[name] = "{app}"
    return meant or {"PORT": "{port}", "PUBLIC_URL": "{app}", "KIE_API_KEY": "{api_key}"}
