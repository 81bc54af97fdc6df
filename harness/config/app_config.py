"""What a user says of an application that runs as a process of its own: `harness.toml`, or `[tool.harness]`.

    [application]
    command = "node server.js"
    environment = { KIE_BASE_URL = "{kie}", SUNO_BASE_URL = "{suno}", PORT = "{port}", PUBLIC_URL = "{app}" }

    [start]
    request = "POST /api/tracks"
    body = { title = "{title}", prompt = "{prompt}" }
    id = "track.id"

    [track]
    read = "GET /api/tracks/{id}"
    fields = { status = "state", image_url = "cover" }
    complete = ["done"]

    [supabase]
    schema = "supabase/migrations/*.sql"

    [cron]
    request = "GET /api/cron"
    every = "1m"

    [logs]
    image-requested = "[SYNC IMAGE] Model:"

Read into frozen values; a mistake is refused with the file, the key, what was expected and the nearest known name.
"""

import os
import re
import shlex
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from harness.config.environment import PROXIES
from harness.errors import ImplementationError, nearest_hint
from harness.invariants.logging import LOG_EVENTS

FILE_NAME = "harness.toml"
PLACEHOLDERS = (
    *("suno", "kie", "media", "app", "port", "api_key", "signing_key", "folder", "scratch", "database"),
    *("supabase", "supabase_key", "supabase_anon_key"),
)
"""What may stand in braces in a command, an environment variable or a path."""
TRACK_FIELDS = (
    "id",
    "status",
    "audio_url",
    "image_url",
    "image_resolution",
    "image_label",
    "failure_reason",
)
"""What the invariants call the columns of a track."""
TRACK_PLACES = ("read", "sqlite", "postgres", "command")
USER_ID, USER_EMAIL = "00000000-0000-4000-8000-000000000001", "user@example.com"
REQUEST = re.compile(r"(GET|POST|PUT|PATCH) (/\S*)")
CRON_REQUEST = re.compile(r"(GET|POST) (/\S*)")
CRON_EVERY_S_MIN = 1.0
PLATFORM = "platform"
"""Who calls a periodic route, in the journal."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
URL_READY_S = 2.0
"""What runs already does not have to be waited for."""
Reach = str
WAITS = ("settled_after", "quiet_after", "patience")
REACHES = ("variables", "preload", "proxy")
"""How the application's requests come to the fakes: by base URLs in its environment, by a Node preload that rewrites
the providers' origins, or by a proxy with a throw-away certificate authority."""


@dataclass(frozen=True, slots=True)
class Application:
    """[application]: how it is started, or where it runs already."""

    command: str | None = None
    url: str | None = None
    folder: str = "."
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    """0 takes any free one."""
    ready_s: float = 30.0
    """Real seconds until it has to listen."""
    warm_up: tuple[str, ...] = ()
    """Requests that are made before the clock starts, as "GET /path": what compiles on the first request is slow."""
    reach: Reach = "variables"
    api_key: str | None = None
    """The key that it sends, if it does not take `{api_key}` from its environment."""
    serverless: bool = False
    """Whether it is frozen (SIGSTOP) between an answer and the next request."""


@dataclass(frozen=True, slots=True)
class Start:
    """[start]: how a track is asked for."""

    request: str = "POST /tracks"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = field(default_factory=lambda: {"title": "{title}", "prompt": "{prompt}"})
    id: str = "id"
    """Where the track's id stands in the answer, as a path of keys: `track.id`."""


@dataclass(frozen=True, slots=True)
class TrackReading:
    """[track]: where the final track is, and what its fields are called there."""

    read: str | None = None
    """A request whose answer is the track."""
    inside: str = ""
    """Where in that answer, as a path of keys."""
    headers: Mapping[str, str] = field(default_factory=dict)
    sqlite: str | None = None
    """A database file, instead of a request."""
    postgres: str | None = None
    """Where a PostgreSQL is, as a URL or as the name of an environment variable: `$DATABASE_URL`."""
    history: bool = False
    """Whether that PostgreSQL gets an audit trigger for the time of a run, so that no write is missed."""
    command: str | None = None
    """A command that prints the track `{id}` as JSON."""
    table: str = "tracks"
    fields: Mapping[str, str] = field(default_factory=dict)
    complete: tuple[str, ...] = ("complete",)
    failed: tuple[str, ...] = ("failed",)
    """The values of its status that are ends."""


@dataclass(frozen=True, slots=True)
class Supabase:
    """[supabase]: the stand-in for a Supabase project, which the application reaches at `{supabase}`."""

    schema: tuple[str, ...] = ()
    """Files of SQL, relative to the configuration; `*` stands for several, which are taken by name."""
    postgres: str | None = None
    """A PostgreSQL server on which the schema gets a database of its own; else that of the extra `supabase` is used."""
    key: str | None = None
    """The service role's key, if the application does not take `{supabase_key}` from its environment."""
    anon_key: str | None = None
    """The same for the anonymous key, `{supabase_anon_key}`, under which the schema's policies apply."""
    host: str | None = None
    """The host that stands in the code ("abcd.supabase.co"), from which a Node process is led to the stand-in."""
    user: Mapping[str, str] = field(default_factory=dict)
    """Whom a bearer token stands for: `id` and `email`."""
    without: tuple[str, ...] = ()
    """Columns that are missing, as where a migration was forgotten: `tracks.image_resolution`."""
    schema_files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Cron:
    """[cron]: a route that its platform calls again and again."""

    request: str = "GET /api/cron"
    headers: Mapping[str, str] = field(default_factory=dict)
    every_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it."""

    application: Application
    start: Start = Start()
    track: TrackReading = TrackReading()
    supabase: Supabase | None = None
    cron: Cron | None = None
    promised_logs: tuple[tuple[str, str], ...] = ()
    """[logs]: what happens, and a text that the application then logs; several for one event come in their order."""
    settled_after_s: float = 90.0
    """Scenario seconds without anything happening after which finished tracks count as final: polling happens every
    30 s or so, and a late poll may still write."""
    quiet_after_s: float = 600.0
    """The same for tracks that are not finished."""
    patience_s: float = 120.0
    """Real seconds that one scenario may take when it has to be run again more slowly; it could not be judged then."""
    path: Path = Path(FILE_NAME)

    @property
    def folder(self) -> Path:
        """Where the application lives."""
        return (self.path.parent / self.application.folder).resolve()


def read_settings(path: Path) -> Settings:
    """The settings in a file, or in the `harness.toml` or `pyproject.toml` of a folder. Raises ImplementationError."""
    if path.is_dir():
        path = next((path / name for name in (FILE_NAME, "pyproject.toml") if (path / name).is_file()), path)
        if path.is_dir():
            raise ImplementationError(f'there is no {FILE_NAME} in "{path}"; `harness init` writes one')
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImplementationError(f"{path}: cannot be read: {error}") from error
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ImplementationError(f"{path}: not TOML: {error}") from error
    if path.name == "pyproject.toml":
        written = written.get("tool", {}).get("harness")
        if written is None:
            raise ImplementationError(f"{path}: there is no [tool.harness] in it; expected the same as in {FILE_NAME}")
    return settings_of(written, path)


def settings_for_url(url: str) -> Settings:
    """The settings for something that runs already and speaks as the shipped strategies do."""
    return Settings(
        Application(url=url, ready_s=URL_READY_S),
        track=TrackReading(read="GET /tracks/{id}"),
        path=Path.cwd() / FILE_NAME,
    )


def settings_of(written: Any, path: Path) -> Settings:
    """The settings that a TOML document means."""
    reader = _Reader(path)
    reader.known(written, "", ("application", "start", "track", "supabase", "cron", "logs", "options", *WAITS))
    if "application" not in written:
        raise reader.refusal("application", "is missing; it says how the application is started, or where it runs")
    application = Application(**reader.values(written["application"], "application", Application))
    if (application.command is None) == (application.url is None):
        raise reader.refusal("application", 'needs either a command ("node server.js") or a url, and not both')
    if application.reach not in REACHES:
        raise reader.refusal("application.reach", f"is {application.reach!r}{nearest_hint(application.reach, REACHES)}")
    if application.url is not None and application.reach != "variables":
        raise reader.refusal("application.reach", "is for an application that the harness starts (command)")
    start = Start(**reader.values(written.get("start", {}), "start", Start))
    track = TrackReading(**reader.values(written.get("track", {}), "track", TrackReading))
    reader.known(track.fields, "track.fields", TRACK_FIELDS)
    if re.fullmatch(r"POST /\S*", start.request) is None:
        raise reader.refusal("start.request", f'is {start.request!r}, expected POST and a path: "POST /tracks"')
    if track.read is not None and REQUEST.fullmatch(track.read) is None:
        raise reader.refusal("track.read", f'is {track.read!r}, expected a method and a path: "GET /tracks/{{id}}"')
    for line in application.warm_up:
        if REQUEST.fullmatch(line) is None:
            raise reader.refusal("application.warm_up", f'has {line!r}, expected a method and a path: "GET /"')
    supabase = _supabase_of(written["supabase"], reader) if "supabase" in written else None
    if supabase is not None and supabase.host is not None and application.reach != "preload":
        raise reader.refusal(
            "supabase.host", 'needs reach = "preload" in [application]; else use {supabase} for its URL'
        )
    cron = Cron(**reader.values(written["cron"], "cron", Cron)) if "cron" in written else None
    if cron is not None and CRON_REQUEST.fullmatch(cron.request) is None:
        raise reader.refusal("cron.request", f'is {cron.request!r}, expected GET or POST and a path: "GET /api/cron"')
    if cron is not None and cron.every_s < CRON_EVERY_S_MIN:
        raise reader.refusal("cron.every", f"is less than {CRON_EVERY_S_MIN:g} s, which no platform offers")
    places = [name for name in TRACK_PLACES if getattr(track, name) is not None]
    if len(places) > 1:
        raise reader.refusal("track", f"has {' and '.join(places)}; the tracks are read at one place")
    if track.history and track.postgres is None:
        raise reader.refusal("track.history", "is for tracks in a PostgreSQL (track.postgres)")
    if not places and supabase is None:
        track = replace(track, read="GET /tracks/{id}")
    for name, value in application.environment.items():
        reader.placeholders(f"application.environment.{name}", value)
    reader.placeholders("application.command", application.command or "")
    reader.words("application.command", application.command)
    _known_program(reader, application, reader.words("track.command", track.command))
    extra = {f"{name}_s": reader.seconds(name, written[name]) for name in WAITS if name in written}
    logs = reader.logs(written.get("logs", {}))
    return Settings(application, start, track, supabase, cron, logs, path=path, **extra)


def _known_program(reader: "_Reader", application: Application, words: list[str]) -> None:
    """Refuses a track.command whose program is not there; it would be asked for again and again, in vain."""
    if not words or "{" in words[0]:
        return
    folder = reader.path.parent / application.folder
    path = application.environment.get("PATH")
    if (folder / words[0]).is_file() if "/" in words[0] else shutil.which(words[0], path=path):
        return
    raise reader.refusal("track.command", f'starts "{words[0]}", and there is no such program; expected one to run')


def _supabase_of(written: Any, reader: "_Reader") -> Supabase:
    names = tuple(each for each in fields(Supabase) if each.name != "schema_files")
    reader.known(written, "supabase", tuple(each.name for each in names))
    found = Supabase(**reader.values(written, "supabase", Supabase))
    reader.known(found.user, "supabase.user", ("id", "email"))
    for column in found.without:
        if re.fullmatch(r"\w+(\.\w+)+", column) is None:
            raise reader.refusal("supabase.without", f'has "{column}", expected a table and its column: "tracks.title"')
    if found.key is not None and found.key == found.anon_key:
        raise reader.refusal("supabase.anon_key", "is the same as supabase.key, expected a key of its own")
    files: list[Path] = []
    for pattern in found.schema:
        matching = sorted(reader.path.parent.glob(pattern)) if "*" in pattern else [reader.path.parent / pattern]
        if not matching or not matching[0].is_file():
            raise reader.refusal("supabase.schema", f'names "{pattern}", and there is no such file')
        files += matching
    if not files:
        raise reader.refusal("supabase.schema", 'is missing; it names the SQL of your tables: "supabase/schema.sql"')
    user = {"id": USER_ID, "email": USER_EMAIL, **found.user}
    return replace(found, user=user, schema_files=tuple(files))


def server_of(written: str, where: str) -> str:
    """The URL of a PostgreSQL; `$NAME` is taken from the environment. Raises ImplementationError."""
    if not written.startswith("$"):
        return written
    found = os.environ.get(written[1:])
    if not found:
        raise ImplementationError(f"{where} is {written}, and there is no such variable in the environment")
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path

    def refusal(self, key: str, says: str) -> ImplementationError:
        return ImplementationError(f"{self.path}: {key} {says}")

    def known(self, written: Any, where: str, names: tuple[str, ...]) -> None:
        if not isinstance(written, Mapping):
            raise self.refusal(where, f"is {written!r}, expected a table")
        for name in written:
            if name not in names:
                inside = f"{where}." if where else ""
                raise self.refusal(f"{inside}{name}", f"is not known{nearest_hint(name, names)}")

    def values(self, written: Any, where: str, kind: type) -> dict[str, Any]:
        """The keyword arguments for a table's class; durations are read by the key without its `_s`."""
        names = {each.name.removesuffix("_s"): each for each in fields(kind)}
        self.known(written, where, tuple(names))
        found: dict[str, Any] = {}
        for key, value in written.items():
            expected = names[key]
            spelled = f"{where}.{key}"
            if expected.name.endswith("_s"):
                found[expected.name] = self.seconds(spelled, value)
            elif key == "body":
                found[key] = value
            elif key in ("environment", "headers", "fields", "user"):
                self.texts(spelled, value)
                found[key] = {name: str(each) for name, each in value.items()}
            elif key in ("warm_up", "complete", "failed", "schema", "without"):
                found[key] = self.listed(spelled, value)
            elif key in ("serverless", "history"):
                if not isinstance(value, bool):
                    raise self.refusal(spelled, f"is {value!r}, expected true or false")
                found[key] = value
            elif key == "port":
                if not isinstance(value, int) or not 0 <= value <= 65_535:
                    raise self.refusal(spelled, f"is {value!r}, expected a port, or 0 for any free one")
                found[key] = value
            else:
                if not isinstance(value, str) or not value:
                    raise self.refusal(spelled, f"is {value!r}, expected a text")
                found[key] = value
        return found

    def logs(self, written: Any) -> tuple[tuple[str, str], ...]:
        """Pairs of an event and a text that is promised for it."""
        self.known(written, "logs", LOG_EVENTS)
        return tuple((event, text) for event in written for text in self.listed(f"logs.{event}", written[event]))

    def listed(self, where: str, value: Any) -> tuple[str, ...]:
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise self.refusal(where, f"is {value!r}, expected a list of texts")
        return tuple(listed)

    def texts(self, where: str, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise self.refusal(where, f"is {value!r}, expected a table of texts")
        for name, each in value.items():
            if not isinstance(each, str | int | float):
                raise self.refusal(f"{where}.{name}", f"is {each!r}, expected a text")

    def seconds(self, where: str, value: Any) -> float:
        matched = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if matched is None:
            raise self.refusal(where, f'is {value!r}, expected a duration with its unit: "30s", "10m"')
        return float(matched[1]) * _UNITS_S[matched[2]]

    def words(self, where: str, command: str | None) -> list[str]:
        """A command's words, as a shell would part them."""
        if command is None:
            return []
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise self.refusal(
                where, f"is {command!r}, which no shell could read: {error}; close each quote"
            ) from error
        if not words:
            raise self.refusal(where, "is empty, expected a program and its arguments")
        return words

    def placeholders(self, where: str, value: str) -> None:
        for name in re.findall(r"\{([^{}]*)\}", value):
            if name not in PLACEHOLDERS:
                raise self.refusal(where, f"has {{{name}}}, which is not known{nearest_hint(name, PLACEHOLDERS)}")


def environment_of(
    application: Application, values: Mapping[str, str], own: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What a process of the application finds in its environment; `own` is what the harness adds for itself."""
    given = {name: value for name, value in os.environ.items() if name not in PROXIES}
    return given | dict(own or {}) | {name: filled(value, values) for name, value in application.environment.items()}


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with each known `{name}` replaced; other braces stay."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def filled_body(body: Any, values: Mapping[str, str]) -> Any:
    """The same inside a JSON value."""
    if isinstance(body, str):
        return filled(body, values)
    if isinstance(body, Mapping):
        return {name: filled_body(value, values) for name, value in body.items()}
    return [filled_body(value, values) for value in body] if isinstance(body, list) else body


def at_path(value: Any, path: str) -> Any:
    """What stands at `a.b.0` in a JSON value; None where there is nothing."""
    for key in filter(None, path.split(".")):
        if isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, Mapping):
            value = value.get(key)
        else:
            return None
    return value
