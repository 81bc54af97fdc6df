"""The routes of PostgREST and the auth server as an ASGI app, for the requests of supabase-js.

Statuses, headers and bodies follow https://docs.postgrest.org/en/v14/references/api.html; the judge is the published
client (tests/live/test_supabase.py). What is not reproduced is answered with 501 and reported, so that it is not
taken for the application's mistake.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.json_text import parse_json
from harness.supabase.databases import Called, Caller, Found
from harness.supabase.errors import (
    NotReproduced,
    RestError,
    from_postgres,
    invalid_body,
    no_table,
    not_one_row,
    unreadable_query,
)
from harness.supabase.on_postgres import PostgresDatabase
from harness.supabase.queries import Preferences, Query, read_preferences, read_query

JSON = "application/json; charset=utf-8"
OBJECT = "application/vnd.pgrst.object+json; charset=utf-8"
EPOCH = "2025-01-01T00:00:00Z"
AfterWrite = Callable[[int], Awaitable[None]]
"""Called after a possible write, with the number of the request's entry in the journal."""


@dataclass(frozen=True, slots=True)
class Told:
    """A request as it is recorded."""

    method: str
    path: str
    """With its query."""
    status: int
    changed: bool = False
    """Whether it changed a row."""
    code: str | None = None
    message: str | None = None
    """Those of an error."""


OnRequest = Callable[[Told], int]
"""Called for each request; returns the number of its entry in the journal, 0 for none."""


class StandIn:
    """Serves one database under its project's keys; `app` is the ASGI app."""

    def __init__(
        self,
        database: PostgresDatabase,
        keys: Mapping[str, str],
        user: Mapping[str, Any],
        *,
        on_request: OnRequest,
        after_write: AfterWrite,
        on_not_reproduced: Callable[[str], object],
    ) -> None:
        """`keys` maps the project's keys to their roles (service_role, anon)."""
        self._database = database
        self._keys = keys
        self._user = user
        self._on_request = on_request
        self._after_write = after_write
        self._on_not_reproduced = on_not_reproduced
        self._one_write_at_a_time = asyncio.Lock()
        """So that what is seen after a write is what it has made."""
        verbs = ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT"]
        self.app = Starlette(
            routes=[
                Route("/rest/v1/rpc/{name}", self._answering(self._call), methods=verbs),
                Route("/rest/v1/{name}", self._answering(self._table), methods=verbs),
                Route("/auth/v1/user", self._answering(self._auth), methods=verbs),
                Route("/{path:path}", self._answering(_elsewhere), methods=verbs),
            ]
        )

    def _answering(self, handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Check the key, record the request, and turn errors into responses."""

        async def answer(request: Request) -> Response:
            if request.method in ("GET", "HEAD"):
                return await respond(request)
            async with self._one_write_at_a_time:
                return await respond(request)

        async def respond(request: Request) -> Response:
            error: RestError | None = None
            try:
                response = self._refused_key(request) or await handle(request)
            except RestError as raised:
                error = raised
                response = _json(raised.body(), raised.status)
            except NotReproduced as raised:
                what = f"Supabase's stand-in does not reproduce {raised.what}"
                self._on_not_reproduced(what)
                error = RestError(501, "HARNESS", what)
                response = _json(error.body(), 501)
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            changed = getattr(request.state, "changed", False)
            reported = Told(request.method, path, response.status_code, changed)
            number = self._on_request(replace(reported, code=error.code, message=error.message) if error else reported)
            if request.method not in ("GET", "HEAD") and response.status_code < 300:
                await self._after_write(number)
            return response

        return answer

    def _refused_key(self, request: Request) -> Response | None:
        """What the gateway before PostgREST answers without the project's key."""
        given = request.headers.get("apikey") or request.query_params.get("apikey")
        if given is None:
            hint = "No `apikey` request header or url param was found."
            return _json({"message": "No API key found in request", "hint": hint}, 401)
        if given not in self._keys:
            hint = "Double check your Supabase `anon` or `service_role` API key."
            return _json({"message": "Invalid API key", "hint": hint}, 401)
        return None

    def _caller(self, request: Request) -> Caller:
        """The role of the bearer token: a key's own, and that of a user for any other one."""
        token = _bearer(request) or request.headers.get("apikey") or request.query_params["apikey"]
        if token in self._keys:
            return Caller(self._keys[token])
        return Caller("authenticated", {"sub": self._user["id"], "email": self._user["email"], "aud": "authenticated"})

    # Tables

    async def _table(self, request: Request) -> Response:
        name = request.path_params["name"]
        _public(request)
        if "." in name:
            raise no_table(name, [])
        query, wanted = _requested(request)
        caller = self._caller(request)
        if request.method in ("GET", "HEAD"):
            return await self._read(name, query, wanted, caller)
        if request.method == "PUT":
            raise NotReproduced("PUT")
        if request.method == "POST":
            rows = _rows(await _body(request))
            found = await self._database.insert(name, rows, query, wanted, caller)
            request.state.changed = bool(found.total)
            is_new = wanted.resolution is None or found.inserted > 0 or not rows
            return _written(found, wanted, 201 if is_new else 200, "*")
        if not query.where:
            verb = "UPDATE" if request.method == "PATCH" else "DELETE"
            raise from_postgres("21000", f"{verb} requires a WHERE clause")  # the safeupdate module of Supabase
        if request.method == "DELETE":
            found = await self._database.delete(name, query, wanted, caller)
            request.state.changed = bool(found.total)
            return _written(found, wanted, 204, "*")
        row = await _body(request)
        if isinstance(row, list) and len(row) == 1:
            row = row[0]
        if not isinstance(row, dict):
            raise invalid_body("All object keys must match")
        found = await self._database.update(name, row, query, wanted, caller)
        request.state.changed = bool(found.total)
        return _written(found, wanted, 204, f"0-{len(found.rows) - 1}" if found.rows else "*")

    async def _read(self, name: str, query: Query, wanted: Preferences, caller: Caller) -> Response:
        found = await self._database.select(name, query, wanted, caller)
        total = found.total
        if total is not None and query.offset > total:
            details = f"An offset of {query.offset} was requested, but there are only {total} rows."
            raise RestError(416, "PGRST103", "Requested range not satisfiable", details)
        last = query.offset + len(found.rows) - 1
        span = f"{query.offset}-{last}" if found.rows else "*"
        headers = {"Content-Range": f"{span}/{'*' if total is None else total}"}
        partial = total is not None and len(found.rows) < total
        return _shown(found.rows, wanted, 206 if partial else 200, headers)

    # Functions

    async def _call(self, request: Request) -> Response:
        _public(request)
        if request.method not in ("GET", "HEAD", "POST"):
            raise RestError(405, "PGRST101", f"Cannot use the {request.method} method on RPC")
        query, wanted = Query(), read_preferences(request.headers.get("prefer", ""), request.headers.get("accept", ""))
        if request.method == "POST":
            arguments = await _body(request)
            query = read_query(_pairs(request))
        else:
            arguments = dict(_pairs(request))
        if not isinstance(arguments, dict):
            raise NotReproduced("a call with a list of arguments")
        if query.where or query.order or query.limit is not None or query.select != Query().select:
            raise NotReproduced("a filter or a selection on what a function gives")
        called = await self._database.call(request.path_params["name"], arguments, self._caller(request))
        request.state.changed = called.is_void or bool(called.value)
        return _result(called, wanted)

    # Users

    async def _auth(self, request: Request) -> Response:
        if request.method != "GET":
            raise NotReproduced(f"{request.method} /auth/v1/user")
        token = _bearer(request)
        if not token:
            problem = {"code": 401, "error_code": "no_authorization", "msg": "This endpoint requires a Bearer token"}
            return _json(problem, 401)
        if token in self._keys:
            return _json({"code": 403, "error_code": "bad_jwt", "msg": "invalid claim: missing sub claim"}, 403)
        return _json(user_body(self._user), 200)


def user_body(user: Mapping[str, Any]) -> dict[str, Any]:
    """Return a user as `auth/v1/user` does."""
    return {
        "id": user["id"],
        "aud": "authenticated",
        "role": "authenticated",
        "email": user["email"],
        "email_confirmed_at": EPOCH,
        "phone": "",
        "confirmed_at": EPOCH,
        "last_sign_in_at": EPOCH,
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {},
        "identities": [],
        "created_at": EPOCH,
        "updated_at": EPOCH,
        "is_anonymous": False,
    }


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _pairs(request: Request) -> list[tuple[str, str]]:
    return [(key, value) for key, value in request.query_params.multi_items() if key != "apikey"]


def _public(request: Request) -> None:
    profile = request.headers.get("accept-profile") or request.headers.get("content-profile") or "public"
    if profile != "public":
        raise RestError(
            406, "PGRST106", f"Invalid schema: {profile}", None, "Only the following schemas are exposed: public"
        )


def _requested(request: Request) -> tuple[Query, Preferences]:
    query = read_query(_pairs(request))
    wanted = read_preferences(request.headers.get("prefer", ""), request.headers.get("accept", ""))
    first, dash, last = request.headers.get("range", "").partition("-")
    if dash and request.method == "GET":
        if not first.isdigit() or not (last.isdigit() or not last):
            raise unreadable_query("Range")
        query = replace(query, offset=int(first), limit=int(last) - int(first) + 1 if last else query.limit)
    return query, wanted


async def _body(request: Request) -> Any:
    content = await request.body()
    if not content:
        return {}
    try:
        return parse_json(content)
    except ValueError:
        raise invalid_body("Empty or invalid json") from None


def _rows(body: Any) -> list[dict[str, Any]]:
    rows = body if isinstance(body, list) else [body]
    if not all(isinstance(row, dict) for row in rows):
        raise invalid_body("All object keys must match")
    return rows


def _written(found: Found, wanted: Preferences, status: int, span: str) -> Response:
    """Return the response to a write; 204 becomes 200 if there is a body."""
    headers = {"Content-Range": f"{span}/{found.total if wanted.counted else '*'}"}
    if wanted.returns != "representation":
        return Response(None, status, headers)
    headers["Preference-Applied"] = "return=representation"
    return _shown(found.rows, wanted, 200 if status == 204 else status, headers)


def _shown(rows: list[dict[str, Any]], wanted: Preferences, status: int, headers: dict[str, str]) -> Response:
    if wanted.strips_nulls:
        rows = [{name: value for name, value in row.items() if value is not None} for row in rows]
    if not wanted.one_object:
        return _json(rows, status, headers)
    if len(rows) != 1:
        raise not_one_row(len(rows))
    return _json(rows[0], status, headers, OBJECT)


def _result(called: Called, wanted: Preferences) -> Response:
    if called.is_void:
        return Response(None, 204)
    if called.is_set:
        return _shown(called.value, wanted, 200, {"Content-Range": "*/*"}) if wanted.one_object else _json(called.value)
    return _json(called.value)


def _json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON) -> Response:
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, status, {**(headers or {}), "Content-Type": media_type})


async def _elsewhere(request: Request) -> Response:
    raise NotReproduced(f"{request.method} {request.url.path}")
