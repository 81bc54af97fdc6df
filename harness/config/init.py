"""Writing a first `harness.toml` for a project, with the detected settings and comments on the others."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from harness.config.detect import Project, look_at
from harness.config.variables import MADE_UP, others, secrets_without_provider, values_of

NO_PROVIDER = "no provider gives this; set a value that your tests use"
NAMES_MAX = 20
"""The most other variables that are listed."""


def first_settings(folder: Path) -> str:
    """Return the text of a `harness.toml` for the project in a folder."""
    project = look_at(folder)
    environment = _environment(project)
    parts = [_application(project, environment), _start(project, environment)]
    on_supabase = _is_on_supabase(project, environment)
    if on_supabase:
        parts.append(_supabase(project))
    parts.append(_track(project, environment, on_supabase))
    if project.cron is not None:
        parts.append(_cron(project))
    return "\n".join(parts)


def _application(project: Project, environment: Mapping[str, str]) -> str:
    lines = [_is(name, value) for name, value in environment.items()]
    secrets = secrets_without_provider(project.variables, environment)
    if _database_variable(project) in secrets:
        secrets.remove(str(_database_variable(project)))
    lines += [f"{_is(name, MADE_UP)}  # {NO_PROVIDER}" for name in secrets]
    unset = [name for name in others(project.variables, environment) if name != _database_variable(project)]
    if unset:
        lines.append(f"# also read by the code: {', '.join(unset[:NAMES_MAX])}{' ...' if unset[NAMES_MAX:] else ''}")
    variables = "\n".join(lines)
    return f"""\
# How the harness runs this application: harness run . --speed 50
# {project.command.how}
[application]
{_is("command", project.command.line)}
{_reach(project)}
# url = "http://127.0.0.1:3000"   # instead of command: a running application (speed 1)
# warm_up = ["GET /"]             # requested before the clock starts

[application.environment]         # {{suno}} {{kie}} {{app}} {{port}} {{api_key}} {{database}} ... are replaced
{variables}
"""


def _reach(project: Project) -> str:
    hosts = sorted(project.variables.hosts)
    if project.supabase_host is not None and project.command.on_node:
        hosts.append(project.supabase_host)
    if hosts:
        way = "preload" if project.command.on_node else "proxy"
        return f'reach = "{way}"  # hard-coded hosts: {", ".join(hosts)}'
    return 'reach = "variables"               # or "preload" (Node), or "proxy" (any client), for hard-coded hosts'


def _start(project: Project, environment: Mapping[str, str]) -> str:
    path = "/tracks" if project.start is None else project.start.path
    headers = ", ".join(f"{name} = {_json(_header(name, code, environment))}" for name, code in project.headers.items())
    checked = f"# headers = {{ {headers} }}  # the code reads them\n" if headers else ""
    return f"""\
[start]                           # how a track is requested{"" if project.start else ": no route was found, set it"}
{_is("request", f"POST {path}")}
{checked}body = {{ title = "{{title}}", prompt = "{{prompt}}" }}
{_is("id", project.id)}  # the path of its id in the response, such as "track.id"
"""


def _header(name: str, code: str, environment: Mapping[str, str]) -> str:
    """Return a value for a header: that of a variable in the code around it, if that has no placeholder."""
    near = (value for variable, value in environment.items() if variable in code and "{" not in value)
    value = next(near, MADE_UP)
    return f"Bearer {value}" if name == "authorization" else value


def _is_on_supabase(project: Project, environment: Mapping[str, str]) -> bool:
    is_used = any("{supabase}" in value for value in environment.values()) or project.supabase_host is not None
    return is_used and bool(project.schema)


def _supabase(project: Project) -> str:
    schema = project.schema[0] if len(project.schema) == 1 else list(project.schema)
    lines = ["[supabase]                        # a stand-in for the project", f"schema = {_json(schema)}"]
    if project.supabase_host is not None and project.command.on_node:
        lines.append(f"{_is('host', project.supabase_host)}  # in the code; its requests go to the stand-in")
    elif project.supabase_host is not None:
        lines.append(f"# {project.supabase_host} is in the code: read it from a variable that is {{supabase}}")
    return "\n".join(lines) + "\n"


def _track(project: Project, environment: Mapping[str, str], on_supabase: bool) -> str:
    lines = ["[track]                           # where it is read from"]
    from_table = True
    table = None if project.table is None else project.table.name
    if on_supabase:
        lines.append('# read = "GET /api/tracks/{id}"     # instead of the tables of [supabase]')
    elif _database_variable(project) is not None:
        lines.append(f'postgres = "${_database_variable(project)}"  # from the environment')
        lines.append("# history = true                # record every write, by a trigger during a run")
    elif any("{database}" in value for value in environment.values()) and table is not None:
        lines.append('sqlite = "{database}"')
        lines.append('# read = "GET /tracks/{id}"         # or a request')
    else:
        from_table = False
        lines.append(_is("read", project.read or "GET /tracks/{id}"))
        if project.inside:
            lines.append(_is("inside", project.inside) + "  # the path of the track in that response")
        if not project.on_postgres:
            lines.append('# sqlite = "{database}"           # or a table of a SQLite file')
    if table not in (None, "tracks"):
        lines.append(_is("table", table))
    lines.append(f"complete = {_json(project.complete or ('complete',))}  # final values of its status")
    lines.append(f"failed = {_json(project.failed or ('failed',))}")
    return "\n".join([*lines, "", *_fields(project, from_table)]) + "\n"


def _fields(project: Project, from_table: bool) -> list[str]:
    lines = ["[track.fields]                    # the names of its columns: harness = application"]
    if from_table and project.id_column is not None:
        lines.append(_is("id", project.id_column) + f"  # the route's response has it as {project.id}")
    for ours in ("status", "audio_url", "image_url", "image_resolution", "image_label", "failure_reason"):
        unseen = "# " if project.columns and ours not in project.fields else ""
        lines.append(unseen + _is(ours, project.fields.get(ours, ours)))
    return lines


def _cron(project: Project) -> str:
    lines = ["[cron]                            # found in vercel.json", _is("request", f"GET {project.cron}")]
    if "CRON_SECRET" in project.variables.names:
        lines.append(f'headers = {{ authorization = "Bearer {MADE_UP}" }}  # Vercel sends CRON_SECRET')
    return "\n".join([*lines, 'every = "1m"']) + "\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _is(name: str, value: str | None) -> str:
    return f"{name} = {_json(value)}"


def _database_variable(project: Project) -> str | None:
    """Return the environment variable with the URL of the project's PostgreSQL, if there is one."""
    names = (name for name in project.variables.names if re.search("DATABASE|POSTGRES|PG_?URL", name.upper()))
    return next(names, None) if project.on_postgres else None


def _environment(project: Project) -> dict[str, str]:
    """Return probable values for the environment variables that the code reads."""
    found = values_of(project.variables, project.database_url, project.callback)
    own = _database_variable(project)
    if own is not None:
        found.pop(own, None)
    if not found:
        return {"PORT": "{port}", "PUBLIC_URL": "{app}", "KIE_API_KEY": "{api_key}"}
    return {**found, "PORT": "{port}"}
