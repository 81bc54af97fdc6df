"""The configuration of an application that runs in its own process: `harness.toml`, or `[tool.harness]`.

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

    [credits]
    read = "GET /api/me"
    column = "user.credits"

    [supabase]
    schema = "supabase/migrations/*.sql"

    [cron]
    request = "GET /api/cron"
    every = "1m"

    [logs]
    image-requested = "[SYNC IMAGE] Model:"

These are the frozen values of such a file; `harness.config.schema` defines its keys.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.config.environment import Surroundings
from harness.errors import ImplementationError
from harness.fakes.registry import PROVIDERS
from harness.results.redaction import is_secret_name

FILE_NAME = "harness.toml"
PLACEHOLDERS = (
    *(*PROVIDERS, "app", "port", "api_key", "signing_key", "next_signing_key", "folder", "scratch", "database"),
    *("supabase", "supabase_key", "supabase_anon_key"),
)
"""The placeholders in braces of a command, an environment variable or a path."""
TRACK_FIELDS = (
    "id",
    "title",
    "status",
    "audio_url",
    "image_url",
    "image_resolution",
    "image_label",
    "failure_reason",
)
"""The invariants' names for the columns of a track."""
TRACK_PLACES = ("read", "sqlite", "postgres", "command", "store")
USER_ID, USER_EMAIL = "00000000-0000-4000-8000-000000000001", "user@example.com"
REQUEST = re.compile(r"(GET|POST|PUT|PATCH) (/\S*)")
DELETE_REQUEST = re.compile(r"(DELETE|POST) (/\S*\{id\}\S*)")
CRON_REQUEST = re.compile(r"(GET|POST) (/\S*)")
CRON_EVERY_S_MIN = 1.0
PLATFORM, BROWSER = "platform", "browser"
"""The callers of periodic routes, in the journal: of one for all tracks, and of one for each."""
URL_READY_S = 2.0
"""The timeout for an application that is already running."""


@dataclass(frozen=True, slots=True)
class Application:
    """[application]: how it is started, or where it is already running."""

    command: str | None = None
    url: str | None = None
    folder: str = "."
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    """0 selects any free one."""
    ready_s: float = 30.0
    """Real seconds within which it must listen."""
    warm_up: tuple[str, ...] = ()
    """Requests before the clock starts, such as "GET /path", for applications that compile on the first request."""
    reach: str = "variables"
    """How its requests reach the fakes: "variables", "preload" or "proxy" (see `world.live.redirect`)."""
    api_key: str | None = None
    """The key that it sends, if it does not read `{api_key}` from its environment."""
    serverless: bool = False
    """Whether it is frozen (SIGSTOP) between a response and the next request."""
    platform: str | None = None
    """The preset in `harness.scenario.platform` for scenarios without a platform."""


@dataclass(frozen=True, slots=True)
class Start:
    """[start]: how a track is requested."""

    request: str = "POST /tracks"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = field(default_factory=lambda: {"title": "{title}", "prompt": "{prompt}"})
    id: str = "id"
    """The path of the track's id in the response, such as `track.id`."""
    delete: str | None = None
    """The request that deletes the track `{id}`, if there is one."""


@dataclass(frozen=True, slots=True)
class TrackReading:
    """[track]: where the tracks are, and the names of their fields there."""

    read: str | None = None
    """A request whose response contains the track."""
    inside: str = ""
    """The path of the track in that response."""
    headers: Mapping[str, str] = field(default_factory=dict)
    sqlite: str | None = None
    """A database file, instead of a request."""
    postgres: str | None = None
    """The URL of a PostgreSQL, or the name of an environment variable with it: `$DATABASE_URL`."""
    history: bool = False
    """Whether that PostgreSQL gets an audit trigger during a run, so that no write is missed."""
    command: str | None = None
    """A command that prints the track `{id}` as JSON."""
    store: tuple[str, str] | None = None
    """A plugin's store: its name, which is its key in [track], and the text there."""
    table: str = "tracks"
    fields: Mapping[str, str] = field(default_factory=dict)
    complete: tuple[str, ...] = ("complete",)
    failed: tuple[str, ...] = ("failed",)
    """The final values of its status."""

    @property
    def is_somewhere(self) -> bool:
        """Return whether a store is configured."""
        return any(getattr(self, name) is not None for name in TRACK_PLACES)

    @property
    def place(self) -> tuple[str, str]:
        """Return the kind of store and its configuration; by default GET /tracks/{id}."""
        if self.store is not None:
            return self.store
        name = next((name for name in TRACK_PLACES if getattr(self, name) is not None), "read")
        return name, getattr(self, name) or "GET /tracks/{id}"


@dataclass(frozen=True, slots=True)
class Credits:
    """[credits]: where the user's own balance is."""

    read: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    sqlite: str | None = None
    postgres: str | None = None
    history: bool = False
    command: str | None = None
    table: str = "users"
    id: str = "id"
    """The column with the user's id."""
    user: str = ""
    """The user's id; unused if a request or a command knows the user."""
    column: str = "credits"
    """The column of the balance, or its path in a response."""

    @property
    def reading(self) -> TrackReading:
        """Return how a store reads the user's row, as it reads a track."""
        return TrackReading(
            read=self.read,
            headers=self.headers,
            sqlite=self.sqlite,
            postgres=self.postgres,
            history=self.history,
            command=self.command,
            table=self.table,
            fields={"id": self.id},
        )


@dataclass(frozen=True, slots=True)
class Supabase:
    """[supabase]: the stand-in for a Supabase project, with the URL `{supabase}`."""

    schema: tuple[str, ...] = ()
    """SQL files, relative to the configuration; `*` matches several, which are sorted by name."""
    postgres: str | None = None
    """A PostgreSQL server on which the schema gets its own database; by default that of the extra `supabase`."""
    key: str | None = None
    """The service role's key, if the application does not read `{supabase_key}` from its environment."""
    anon_key: str | None = None
    """The anonymous key, if it does not read `{supabase_anon_key}`; the schema's policies apply to it."""
    host: str | None = None
    """The host in the code ("abcd.supabase.co"), which a Node preload redirects to the stand-in."""
    user: Mapping[str, str] = field(default_factory=lambda: {"id": USER_ID, "email": USER_EMAIL})
    """The user of a bearer token: `id` and `email`."""
    without: tuple[str, ...] = ()
    """Missing columns, as after a forgotten migration: `tracks.image_resolution`."""
    schema_files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Cron:
    """[cron]: a route that its platform calls periodically, or with {id} the open page of each track."""

    request: str = "GET /api/cron"
    headers: Mapping[str, str] = field(default_factory=dict)
    every_s: float = 60.0

    @property
    def is_for_each_track(self) -> bool:
        return "{id}" in self.request


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration."""

    application: Application
    start: Start = Start()
    track: TrackReading = TrackReading()
    credits: Credits | None = None
    supabase: Supabase | None = None
    cron: tuple[Cron, ...] = ()
    promised_logs: tuple[tuple[str, str], ...] = ()
    """[logs]: pairs of an event and a text that the application then logs; several for one event are in order."""
    settled_after_s: float = 90.0
    """Scenario seconds without events after which finished tracks count as final: polling happens every 30 s or so, and
    a late poll may still write."""
    quiet_after_s: float = 600.0
    """The same for tracks that are not finished."""
    patience_s: float = 240.0
    """Real seconds that a scenario may take when it is repeated more slowly; beyond that it stays inconclusive."""
    path: Path = Path(FILE_NAME)
    surroundings: Surroundings = field(default_factory=Surroundings)

    @property
    def folder(self) -> Path:
        """Return the application's folder."""
        return (self.path.parent / self.application.folder).resolve()

    @property
    def credentials(self) -> tuple[str, ...]:
        """Return the secrets in it, which no output may show: variables and headers with names of such, and keys."""
        crons = [each.headers for each in self.cron]
        balance = {} if self.credits is None else self.credits.headers
        named = [self.application.environment, self.start.headers, self.track.headers, balance, *crons]
        values = [value.split()[-1] for each in named for name, value in each.items() if value and is_secret_name(name)]
        keys = [] if self.supabase is None else [self.supabase.key, self.supabase.anon_key]
        return tuple(each for each in (*values, *keys, self.application.api_key) if each and "{" not in each)


def settings_for_url(url: str) -> Settings:
    """Return the settings for a running application with the routes of the shipped strategies."""
    return Settings(
        Application(url=url, ready_s=URL_READY_S),
        track=TrackReading(read="GET /tracks/{id}"),
        path=Path.cwd() / FILE_NAME,
    )


def server_of(written: str, where: str) -> str:
    """Return the URL of a PostgreSQL; `$NAME` is read from the environment. Raise ImplementationError."""
    if not written.startswith("$"):
        return written
    found = os.environ.get(written[1:])
    if not found:
        raise ImplementationError(f"{where} is {written}, but the environment has no such variable; set it")
    return found


def environment_of(
    settings: Settings,
    values: Mapping[str, str],
    own: Mapping[str, str] | None = None,
    *,
    timezone: str | None = None,
) -> dict[str, str]:
    """Return the environment of a process of the application; `own` is added by the harness, `timezone` is the
    scenario's."""
    surroundings, table = settings.surroundings, settings.application.environment
    named = {**surroundings.environment, **{name: filled(value, values) for name, value in table.items()}}
    return surroundings.inherited() | dict(own or {}) | named | surroundings.fixed(timezone, named)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with each known `{name}` replaced; other braces stay."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def filled_body(body: Any, values: Mapping[str, str]) -> Any:
    """Return a JSON value with the placeholders in its texts replaced."""
    if isinstance(body, str):
        return filled(body, values)
    if isinstance(body, Mapping):
        return {name: filled_body(value, values) for name, value in body.items()}
    return [filled_body(value, values) for value in body] if isinstance(body, list) else body


def at_path(value: Any, path: str) -> Any:
    """Return the value at `a.b.0` in a JSON value; None if there is none."""
    for key in filter(None, path.split(".")):
        if isinstance(value, list) and key.isdecimal() and len(key) < 10 and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, Mapping):
            value = value.get(key)
        else:
            return None
    return value
