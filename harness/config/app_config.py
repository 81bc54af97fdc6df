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

Here are the frozen values that such a file means; `harness.config.schema` says what may be written in it.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.config.environment import PROXIES
from harness.errors import ImplementationError
from harness.fakes.registry import PROVIDERS

FILE_NAME = "harness.toml"
PLACEHOLDERS = (
    *(*PROVIDERS, "app", "port", "api_key", "signing_key", "folder", "scratch", "database"),
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
TRACK_PLACES = ("read", "sqlite", "postgres", "command", "store")
USER_ID, USER_EMAIL = "00000000-0000-4000-8000-000000000001", "user@example.com"
REQUEST = re.compile(r"(GET|POST|PUT|PATCH) (/\S*)")
CRON_REQUEST = re.compile(r"(GET|POST) (/\S*)")
CRON_EVERY_S_MIN = 1.0
PLATFORM = "platform"
"""Who calls a periodic route, in the journal."""
URL_READY_S = 2.0
"""What runs already does not have to be waited for."""
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
    reach: str = "variables"
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
    store: tuple[str, str] | None = None
    """A plugin's store: its name, which is the key in [track], and the text there."""
    table: str = "tracks"
    fields: Mapping[str, str] = field(default_factory=dict)
    complete: tuple[str, ...] = ("complete",)
    failed: tuple[str, ...] = ("failed",)
    """The values of its status that are ends."""

    @property
    def is_somewhere(self) -> bool:
        """Whether it is configured where the tracks are."""
        return any(getattr(self, name) is not None for name in TRACK_PLACES)

    @property
    def place(self) -> tuple[str, str]:
        """The kind of store and what is configured of it; GET /tracks/{id} where nothing is."""
        if self.store is not None:
            return self.store
        name = next((name for name in TRACK_PLACES if getattr(self, name) is not None), "read")
        return name, getattr(self, name) or "GET /tracks/{id}"


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
    user: Mapping[str, str] = field(default_factory=lambda: {"id": USER_ID, "email": USER_EMAIL})
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


def settings_for_url(url: str) -> Settings:
    """The settings for something that runs already and speaks as the shipped strategies do."""
    return Settings(
        Application(url=url, ready_s=URL_READY_S),
        track=TrackReading(read="GET /tracks/{id}"),
        path=Path.cwd() / FILE_NAME,
    )


def server_of(written: str, where: str) -> str:
    """The URL of a PostgreSQL; `$NAME` is taken from the environment. Raises ImplementationError."""
    if not written.startswith("$"):
        return written
    found = os.environ.get(written[1:])
    if not found:
        raise ImplementationError(f"{where} is {written}, and there is no such variable in the environment")
    return found


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
