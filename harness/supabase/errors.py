"""The errors of PostgREST, as its clients see them: a status, and a body of code, message, details and hint.

Codes and statuses are those of https://docs.postgrest.org/en/v14/references/errors.html.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

_STATUSES = {
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "42501": 403,
    "42883": 404,
    "42P01": 404,
    "42P17": 500,
    "53400": 500,
    "P0001": 400,
}
_STATUSES_BY_CLASS = {
    "08": 503,
    "09": 500,
    "0L": 403,
    "0P": 403,
    "25": 500,
    "28": 403,
    "2D": 500,
    "38": 500,
    "39": 500,
    "3B": 500,
    "40": 500,
    "53": 503,
    "54": 500,
    "55": 500,
    "57": 500,
    "58": 500,
    "F0": 500,
    "HV": 500,
    "P0": 500,
    "XX": 500,
}


@dataclass
class RestError(Exception):
    """A request that PostgREST answers with an error."""

    status: int
    code: str
    message: str
    details: str | None = None
    hint: str | None = None

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "details": self.details, "hint": self.hint, "message": self.message}


@dataclass
class NotReproduced(Exception):
    """A feature that the stand-in lacks, so the run is inconclusive."""

    what: str


def from_postgres(state: str, message: str, details: str | None = None, hint: str | None = None) -> RestError:
    """Return the error for one of PostgreSQL's, by its SQLSTATE."""
    status = _STATUSES.get(state) or _STATUSES_BY_CLASS.get(state[:2], 400)
    return RestError(status, state, message, details, hint)


def no_table(name: str, known: list[str]) -> RestError:
    near = get_close_matches(name, known, 1)
    hint = f"Perhaps you meant the table 'public.{near[0]}'" if near else None
    message = f"Could not find the table 'public.{name}' in the schema cache"
    return RestError(404, "PGRST205", message, None, hint)


def no_written_column(table: str, column: str) -> RestError:
    """Return the error for a column of a body that the table lacks."""
    message = f"Could not find the '{column}' column of '{table}' in the schema cache"
    return RestError(400, "PGRST204", message)


def no_function(name: str, parameters: list[str]) -> RestError:
    called = f"public.{name}"
    listed = ", ".join(parameters)
    plural = "s" if len(parameters) > 1 else ""
    reported = f" with parameter{plural} {listed}" if parameters else " without parameters"
    return RestError(
        404,
        "PGRST202",
        f"Could not find the function {called}{f'({listed})' if parameters else ' without parameters'}"
        " in the schema cache",
        f"Searched for the function {called}{reported} or with a single unnamed json/jsonb parameter, but no matches "
        "were found in the schema cache.",
    )


def not_one_row(count: int) -> RestError:
    return RestError(
        406, "PGRST116", "Cannot coerce the result to a single JSON object", f"The result contains {count} rows"
    )


def invalid_body(message: str) -> RestError:
    return RestError(400, "PGRST102", message)


def unreadable_query(what: str) -> RestError:
    return RestError(400, "PGRST100", f'"failed to parse {what}" (line 1, column 1)', "unexpected input")
