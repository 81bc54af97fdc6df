"""Writing a first `harness.toml` for a project, with the detected settings and comments on the others."""

import json
import re
from pathlib import Path

from harness.config.detect import Project, look_at


def first_settings(folder: Path) -> str:
    """Return the text of a `harness.toml` for the project in a folder."""
    project = look_at(folder)
    environment = _environment(project)
    on_supabase = project.migrations is not None and any("{supabase}" in value for value in environment.values())
    parts = [_application(project, environment), _start(project)]
    if on_supabase:
        parts.append(
            f"[supabase]                        # a stand-in for the project\n{_is('schema', project.migrations)}\n"
        )
    parts.append(_track(project, environment, on_supabase))
    if project.cron is not None:
        request = _is("request", f"GET {project.cron}")
        parts.append(f'[cron]                            # found in vercel.json\n{request}\nevery = "1m"\n')
    return "\n".join(parts)


def _application(project: Project, environment: dict[str, str]) -> str:
    if project.hosts:
        way = "preload" if project.on_node else "proxy"
        reach = f'reach = "{way}"  # hard-coded hosts: {", ".join(sorted(project.hosts))}'
    else:
        reach = 'reach = "variables"               # or "preload" (Node), or "proxy" (any client), for hard-coded hosts'
    variables = "\n".join(_is(name, value) for name, value in environment.items())
    return f"""\
# How the harness runs this application: harness run . --speed 50
# {project.how}
[application]
{_is("command", project.command)}
{reach}
# url = "http://127.0.0.1:3000"   # instead of command: a running application (speed 1)
# warm_up = ["GET /"]             # requested before the clock starts

[application.environment]         # {{suno}} {{kie}} {{app}} {{port}} {{api_key}} {{database}} ... are replaced
{variables}
"""


def _start(project: Project) -> str:
    return f"""\
[start]                           # how a track is requested{"" if project.start else ": no route was found, set it"}
{_is("request", f"POST {project.start or '/tracks'}")}
body = {{ title = "{{title}}", prompt = "{{prompt}}" }}
{_is("id", project.id)}  # the path of its id in the response, such as "track.id"
"""


def _track(project: Project, environment: dict[str, str], on_supabase: bool) -> str:
    lines = ["[track]                           # where it is read from"]
    if on_supabase:
        lines.append('# read = "GET /api/tracks/{id}"     # instead of the tables of [supabase]')
    elif _database_variable(project) is not None:
        lines.append(f'postgres = "${_database_variable(project)}"  # from the environment')
        lines.append("# history = true                # record every write, by a trigger during a run")
    elif any("{database}" in value for value in environment.values()) and project.table is not None:
        lines.append('sqlite = "{database}"')
        lines.append('# read = "GET /tracks/{id}"         # or a request')
    else:
        lines.append(_is("read", f"GET {project.start or '/tracks'}/{{id}}"))
        if project.inside:
            lines.append(_is("inside", project.inside) + "  # the path of the track in that response")
        if not project.on_postgres:
            lines.append('# sqlite = "{database}"           # or a table of a SQLite file')
    if project.table not in (None, "tracks"):
        lines.append(_is("table", project.table))
    ends = f"complete = {json.dumps(project.complete or ('complete',))}"
    lines.append(f"{ends}  # final values of its status")
    lines.append(f"failed = {json.dumps(project.failed or ('failed',))}")
    lines += ["", "[track.fields]                    # the names of its columns: harness = application"]
    for ours in ("status", "audio_url", "image_url", "image_resolution", "image_label", "failure_reason"):
        unseen = "# " if project.columns and ours not in project.fields else ""
        lines.append(unseen + _is(ours, project.fields.get(ours, ours)))
    return "\n".join(lines) + "\n"


def _is(name: str, value: str | None) -> str:
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"


def _database_variable(project: Project) -> str | None:
    """Return the environment variable with the URL of the project's PostgreSQL, if there is one."""
    names = (name for name in project.variables if re.search("DATABASE|POSTGRES|PG_?URL", name.upper()))
    return next(names, None) if project.on_postgres else None


def _environment(project: Project) -> dict[str, str]:
    """Return probable values for the environment variables that the code reads."""
    meant: dict[str, str] = {}
    for name in project.variables:
        reported = name.upper()
        if "SUPABASE" in reported:
            if "URL" in reported:
                meant[name] = "{supabase}"
            elif "KEY" in reported:
                is_public = "ANON" in reported or "PUBLISHABLE" in reported
                meant[name] = "{supabase_anon_key}" if is_public else "{supabase_key}"
        elif "SIGN" in reported or ("WEBHOOK" in reported and "SECRET" in reported):
            meant[name] = "{signing_key}"
        elif reported == "API_KEY" or (
            ("KIE" in reported or "SUNO" in reported) and ("KEY" in reported or "TOKEN" in reported)
        ):
            meant[name] = "{api_key}"
        elif "KIE" in reported and "URL" in reported:
            meant[name] = "{kie}"
        elif "SUNO" in reported and "URL" in reported:
            meant[name] = "{suno}"
        elif "DATABASE" in reported or reported in ("DB_PATH", "SQLITE_PATH"):
            meant[name] = project.database_url
        elif "URL" in reported and any(word in reported for word in ("PUBLIC", "SITE", "APP", "BASE", "CALLBACK")):
            meant[name] = "{app}"
    own = _database_variable(project)
    if own is not None:
        meant.pop(own, None)
    if not meant:
        return {"PORT": "{port}", "PUBLIC_URL": "{app}", "KIE_API_KEY": "{api_key}"}
    return {**meant, "PORT": "{port}"}
