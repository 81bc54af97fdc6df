"""The keys of a harness.toml as pydantic models; each block makes a value of `config.app_config`."""

import os
import re
import shlex
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from harness.config.app_config import (
    CRON_EVERY_S_MIN,
    CRON_REQUEST,
    DELETE_REQUEST,
    PLACEHOLDERS,
    REQUEST,
    TRACK_FIELDS,
    TRACK_PLACES,
    USER_EMAIL,
    USER_ID,
    Application,
    Credits,
    Cron,
    Start,
    Supabase,
    TrackReading,
)
from harness.config.environment import LIMITS, Surroundings
from harness.errors import nearest_hint
from harness.invariants.logging import LOG_EVENTS
from harness.plugins import plugins
from harness.scenario.fields import Keys, Made, Seconds, Timezone, key
from harness.scenario.platform_fields import PresetName
from harness.scenario.values import found


def _key(name: str) -> str:
    return name.removesuffix("_s")


class Block(Keys):
    """A table of harness.toml; keys are spelled with underscores."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=_key, arbitrary_types_allowed=True)


def _text(value: Any) -> str:
    """Text, or a number in the place of text, as in `PORT = 3000`."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"expected text, got {found(value)}")
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    """A list of texts, or one text alone."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise ValueError(f"expected a list of texts, got {found(value)}")
    return tuple(listed)


def known_name(name: str, known: tuple[str, ...], kind: str) -> str:
    """Return `name` if it is known; else raise ValueError with the nearest one."""
    if name not in known:
        raise ValueError(f'unknown {kind} "{name}"{nearest_hint(name, known) or ", known: " + ", ".join(known)}')
    return name


def placeholders(text: str) -> str:
    """Return `text` if each `{name}` in it is a placeholder; else raise ValueError."""
    for name in re.findall(r"\{([^{}]*)\}", text):
        known_name(name, PLACEHOLDERS, "placeholder")
    return text


def command_words(command: str) -> list[str]:
    """Return a command's words, split as by a shell. Raise ValueError for unbalanced quotes."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"{command!r} cannot be read by a shell: {error}; close each quote") from error
    if not words:
        raise ValueError("is empty, expected a program and its arguments")
    return words


def _command(text: str) -> str:
    command_words(text)
    return text


def _request(pattern: re.Pattern[str], expected: str) -> Any:
    def checked(value: Any) -> str:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise ValueError(f"expected {expected}, got {found(value)}")
        return value

    return PlainValidator(checked)


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[str, ...], PlainValidator(_texts)]
TextTable = dict[str, Annotated[str, PlainValidator(_text)]]
Command = Annotated[Text, AfterValidator(_command)]
RequestLine = Annotated[str, _request(REQUEST, 'a method and a path such as "GET /tracks/{id}"')]
StartRequest = Annotated[str, _request(re.compile(r"POST /\S*"), 'POST and a path such as "POST /tracks"')]


def _id_only(request: str) -> str:
    unknown = next((name for name in re.findall(r"\{(.*?)\}", request) if name != "id"), None)
    if unknown is not None:
        raise ValueError(f"unknown placeholder {{{unknown}}}, expected {{id}}, the track's id")
    return request


DeleteRequest = Annotated[
    str, _request(DELETE_REQUEST, 'DELETE or POST and a path with {id} such as "DELETE /tracks/{id}"')
]
CronRequest = Annotated[
    str,
    _request(CRON_REQUEST, 'GET or POST and a path such as "GET /api/cron"'),
    AfterValidator(_id_only),
]


class ApplicationBlock(Block):
    """How the application is started, or where it is already running."""

    makes = Application
    command: Annotated[Command, AfterValidator(placeholders)] = key("How it is started.", "node server.js")
    url: Text = key("Where it runs already, instead of command.", "http://127.0.0.1:3000")
    folder: Text = key("Where it is started, relative to this file.", "web")
    environment: dict[str, Annotated[str, PlainValidator(_text), AfterValidator(placeholders)]] = key(
        "Its environment variables, with placeholders.", {"KIE_BASE_URL": "{kie}", "PORT": "{port}"}
    )
    port: int = key("The port that it listens on; 0 for any free one.", 3000, ge=0, le=65_535)
    ready_s: Seconds = key("Real time until it has to listen.", "30s")
    warm_up: Annotated[tuple[RequestLine, ...], BeforeValidator(_texts)] = key(
        "Requests that are sent before the clock starts, for what is compiled on its first request.", ["GET /"]
    )
    reach: Literal["variables", "preload", "proxy"] = key(
        "How its requests reach the fakes: base URLs in its environment, a preload for Node, or a proxy.", "preload"
    )
    api_key: Text = key("The key that it sends, if it does not take {api_key} from its environment.", "test-key")
    serverless: bool = key("Whether it is frozen (SIGSTOP) between a response and the next request.", True)
    platform: PresetName = key("Its platform, for scenarios that have none.", "vercel-hobby")

    @model_validator(mode="after")
    def _one_way(self) -> "ApplicationBlock":
        if (self.command is None) == (self.url is None):
            raise ValueError('expected either a command ("node server.js") or a url, and not both')
        if self.url is not None and self.reach != "variables":
            raise ValueError("reach needs an application that the harness starts (command)")
        return self


class StartBlock(Block):
    """How a track is requested."""

    makes = Start
    request: StartRequest = key("The request that starts a track.", "POST /api/tracks")
    headers: TextTable = key("Its headers.", {"authorization": "Bearer test"})
    body: Any = key("Its JSON body, with {title} and {prompt}.", {"title": "{title}"})
    id: Text = key("Where its response has the track's id, as a path of keys.", "track.id")
    delete: DeleteRequest = key("The request that deletes a track, with the same headers.", "DELETE /api/tracks/{id}")


class TrackBlock(Block):
    """Where the tracks are, and the names of their fields there."""

    makes = TrackReading
    read: RequestLine = key("A request whose response is the track.", "GET /api/tracks/{id}")
    inside: Text = key("Where the track is in that response, as a path of keys.", "data.track")
    headers: TextTable = key("Headers of that request.", {"authorization": "Bearer test"})
    sqlite: Text = key("An SQLite file with the tracks.", "{database}")
    postgres: Text = key("A PostgreSQL with the tracks: its URL, or the variable that has it.", "$DATABASE_URL")
    history: bool = key("Whether that PostgreSQL gets an audit trigger during a run, so no write is missed.", True)
    command: Command = key("A command that prints the track {id} as JSON.", "node print-track.js {id}")
    store: tuple[str, str] = key('The store of a plugin; written as `name = "text"`.')
    table: Text = key("The table of the tracks.", "tracks")
    fields: TextTable = key("What the fields of a track are called there.", {"status": "state"})
    complete: Texts = key("The values of its status that mean complete.", ["done"])
    failed: Texts = key("The values of its status that mean failed.", ["error"])

    @model_validator(mode="before")
    @classmethod
    def _own_store(cls, written: Any) -> Any:
        """Move the value of a plugin's store to the key `store`."""
        names = [value.name for _, value in plugins("stores")]
        if not isinstance(written, dict) or "store" in written or not any(name in written for name in names):
            return written
        name = next(name for name in names if name in written)
        return {key: value for key, value in written.items() if key != name} | {"store": (name, str(written[name]))}

    @model_validator(mode="after")
    def _one_place(self) -> "TrackBlock":
        places_of(self)
        if self.history and self.postgres is None:
            raise ValueError("history needs tracks in a PostgreSQL (track.postgres)")
        return self

    @field_validator("fields")
    @classmethod
    def _known_fields(cls, fields: dict[str, str]) -> dict[str, str]:
        for name in fields:
            known_name(name, TRACK_FIELDS, "field")
        return fields


def places_of(block: Block) -> list[str]:
    """Return the keys of a block that name a store. Raise ValueError for more than one."""
    places = [name for name in TRACK_PLACES if getattr(block, name, None) is not None]
    if len(places) > 1:
        raise ValueError(f"expected one store, got {' and '.join(places)}")
    return places


class CreditsBlock(Block):
    """Where the balance of the application's own user is, so that what the user is charged is judged."""

    makes = Credits
    read: RequestLine = key("A request whose response has the balance.", "GET /api/me")
    headers: TextTable = key("Headers of that request.", {"authorization": "Bearer test"})
    sqlite: Text = key("An SQLite file with the balances.", "{database}")
    postgres: Text = key("A PostgreSQL with the balances: its URL, or the variable that has it.", "$DATABASE_URL")
    history: bool = key("Whether that PostgreSQL gets an audit trigger during a run, so no change is missed.", True)
    command: Command = key("A command that prints an object with the balance as JSON.", "node print-balance.js")
    table: Text = key("The table of the balances.", "profiles")
    id: Text = key("Its column with the user's id.", "user_id")
    user: Text = key("The user's id.", USER_ID)
    column: Text = key("Its column with the balance, or the path of keys in the response.", "user.credits")

    @model_validator(mode="after")
    def _one_place(self) -> "CreditsBlock":
        places = places_of(self)
        if not places:
            raise ValueError("expected a store: read, sqlite, postgres or command")
        if places[0] in ("sqlite", "postgres") and self.user is None:
            raise ValueError("a table has many users; expected user, the id of the one whose balance changes")
        if self.history and self.postgres is None:
            raise ValueError("history needs balances in a PostgreSQL (credits.postgres)")
        return self


class SupabaseBlock(Block):
    """The stand-in for a Supabase project."""

    makes = Supabase
    schema_: Texts = key(
        "Files of SQL, relative to this file, `*` for several.",
        "supabase/migrations/*.sql",
        default=...,
        alias="schema",
    )
    postgres: Text = key("A PostgreSQL server for the tables; else that of the extra `supabase`.", "$DATABASE_URL")
    key_: Text = key("The service role's key, if it is not taken from {supabase_key}.", "service-key", alias="key")
    anon_key: Text = key("The anonymous key, if it is not taken from {supabase_anon_key}.", "anon-key")
    host: Text = key("The host in the code, which a Node preload redirects to the stand-in.", "abcd.supabase.co")
    user: TextTable = key("The user that other bearer tokens stand for: id and email.", {"email": "user@example.com"})
    without: Texts = key("Columns that are missing, as where a migration was forgotten.", ["tracks.image_resolution"])

    @model_validator(mode="after")
    def _two_keys(self) -> "SupabaseBlock":
        if self.key_ is not None and self.key_ == self.anon_key:
            raise ValueError("anon_key is the same as key; the service role and anonymous clients have one each")
        return self

    @field_validator("user")
    @classmethod
    def _known_user(cls, user: dict[str, str]) -> dict[str, str]:
        for name in user:
            known_name(name, ("id", "email"), "key")
        return {"id": USER_ID, "email": USER_EMAIL, **user}

    @field_validator("without")
    @classmethod
    def _columns(cls, without: tuple[str, ...]) -> tuple[str, ...]:
        for column in without:
            if re.fullmatch(r"\w+(\.\w+)+", column) is None:
                raise ValueError(f'expected a table and its column such as "tracks.title", got "{column}"')
        return without

    @field_validator("schema_")
    @classmethod
    def _files(cls, patterns: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for pattern in patterns:
            if not schema_files((pattern,), cast(Path, info.context)):
                raise ValueError(f'there is no file "{pattern}"')
        return patterns

    def given(self) -> dict[str, Any]:
        return {name.removesuffix("_"): value for name, value in super().given().items()}


def schema_files(patterns: tuple[str, ...], folder: Path) -> tuple[Path, ...]:
    """Return the files that patterns match, relative to `folder`; those of a `*` by name."""
    found: list[Path] = []
    for pattern in patterns:
        found += sorted(folder.glob(pattern)) if "*" in pattern else [folder / pattern]
    return tuple(path for path in found if os.path.isfile(path))


class CronBlock(Block):
    """A route that is called periodically: by the platform, or with {id} by the open page of each track."""

    makes = Cron
    request: CronRequest = key(
        "The request. With {id} it is sent for each track, until that is final.",
        "GET /api/cron",
        "GET /api/tracks/{id}/status",
    )
    headers: TextTable = key("Its headers.", {"authorization": "Bearer test"})
    every_s: Seconds = key("How often.", "1m")

    @field_validator("every_s")
    @classmethod
    def _possible(cls, every_s: float) -> float:
        if every_s < CRON_EVERY_S_MIN:
            raise ValueError(f"expected at least {CRON_EVERY_S_MIN:g} s, got {every_s:g} s")
        return every_s


def _one_or_many(value: Any) -> str:
    """Return the tag of the branch that reads [cron] or [[cron]]."""
    return "=many" if isinstance(value, list) else "=one"


Crons = Annotated[
    Annotated[Made[CronBlock], AfterValidator(lambda cron: (cron,)), Tag("=one")]
    | Annotated[list[Made[CronBlock]], AfterValidator(tuple), Tag("=many")],
    Discriminator(_one_or_many),
]


class CellBlock(Block):
    """The surroundings of an application, and the limits of a Python application's runs."""

    makes = Surroundings
    timezone: Timezone = key("Its time zone, where the scenario has none; default UTC.", "Asia/Tokyo")
    is_clean: bool = key(
        "true: of the shell's environment it gets only what is necessary.", True, alias="clean-environment"
    )
    environment: TextTable = key("Variables that it gets in any case.", {"CURRENCY": "EUR"})
    processor: Any = key("Processor time of a run; default 5m.", "10m")
    time: Any = key("Real time of a run; default 15m.", "1h")
    memory: Any = key("Memory of a run; default 2 GiB.", "4 GiB")
    patience: Any = key("Time without giving control back; default 10s, 30s while it is imported.", "1m")

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in super().given().items() if name not in LIMITS}


class CellConfig(Block):
    """The part of a harness.toml that concerns a Python application."""

    cell: Made[CellBlock] = key("Surroundings and limits of an application.")


def _log_event(name: Any) -> str:
    return known_name(name, tuple(LOG_EVENTS), "event")


class ConfigBlock(Block):
    """A whole harness.toml."""

    application: Made[ApplicationBlock] = key("How the application is started, or where it runs.", default=...)
    start: Made[StartBlock] = key("How a track is requested.")
    track: Made[TrackBlock] = key("Where the tracks are.")
    credits: Made[CreditsBlock] = key("Where the user's own balance is.")
    supabase: Made[SupabaseBlock] = key("The stand-in for a Supabase project.")
    cron: Crons = key("A route that is called periodically; [[cron]] for each of several.")
    logs: dict[Annotated[str, PlainValidator(_log_event)], Texts] = key(
        "Texts that are logged when something happens, by event.", {"image-requested": "[SYNC IMAGE] Model:"}
    )
    settled_after_s: Seconds = key("Scenario time without events after which finished tracks count as final.", "90s")
    quiet_after_s: Seconds = key("The same for tracks that are not finished.", "10m")
    patience_s: Seconds = key("Real time that one scenario may take when it is repeated more slowly.", "4m")
    options: Any = key("Defaults of the command line's options.", {"seed": 7})
    plugins: Any = key("Plugins by kind.", {"faults": ["shop.faults:Teapot"]})
    cell: Made[CellBlock] = key("Surroundings and limits of an application.")
    invariants: Any = key("Invariants that are switched off or have another severity.", {"off": ["image-durable"]})

    @model_validator(mode="after")
    def _reachable(self) -> "ConfigBlock":
        if self.supabase is not None and self.supabase.host is not None and self.application.reach != "preload":
            raise ValueError('supabase.host needs reach = "preload" in [application]; else use {supabase} for its URL')
        return self
