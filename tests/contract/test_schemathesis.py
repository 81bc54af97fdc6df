"""Schemathesis against both fakes: what their documents allow is accepted, what they forbid is refused.

The providers refuse in their own way, as HTTP 200 with another body code. With `errors_as_http` the same refusals are
HTTP statuses, so there the tool's own checks say whether a request was rightly refused; without it
`refused_in_the_body` does.
"""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NOT_SET
from schemathesis.specs.openapi.checks import ignored_auth, missing_required_header

from fakes import kie, suno
from fakes.desk import API_KEY
from fakes.durations import Fixed
from fakes.pictures import PictureSpec
from fakes.post import Answer
from fakes.script import Image, KieScript, Music, SunoScript

EXAMPLES = 25
PLENTY: dict[str, Any] = {"credits": 10**12, "creations_per_10_s": 10**6}
KEY = {"Authorization": f"Bearer {API_KEY}"}
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 20_260_101,
        "generation": {
            "mode": "all",
            "max-examples": EXAMPLES,
            "deterministic": True,
            "database": "none",
            "with-security-parameters": False,
        },
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["200"]},
            "negative_data_rejection": {"expected-statuses": ["400", "401", "413", "422"]},
        },
    }
)


def publish(name_hint: str, *, picture: PictureSpec | None, audio_seconds: float | None) -> str:
    """A publisher of files that nobody fetches."""
    return f"http://media.test/{name_hint}"


def lend(url: str, lifetime_s: float) -> str | None:
    """A lender that knows every file."""
    return "http://media.test/lent"


async def swallow(url: str, content: bytes, headers: dict[str, str]) -> Answer:
    """A post office that delivers nothing: the URLs are made up."""
    return Answer(200, b"")


def described(script: SunoScript | KieScript) -> Any:
    """The schema of a fake that plays `script`, served by the fake itself."""
    app = (
        suno.create_app(script, publish=publish, post=swallow)
        if isinstance(script, SunoScript)
        else kie.create_app(script, publish=publish, lend=lend, post=swallow)
    )
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=CONFIG)


def refused_in_the_body(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """The same two checks for refusals that are HTTP 200: a sound request has the body code 200 or, where it asks for
    something that is not there, 422; an unsound one has another."""
    if response.status_code != 200 or case.meta is None:
        return
    code = response.json()["code"]
    if case.meta.generation.mode is not GenerationMode.NEGATIVE:
        assert code == 200 or (case.method == "GET" and code == 422), f"a sound request was refused with {code}"
    elif case.body is not NOT_SET or case.operation.query:
        assert code != 200, "an unsound request was accepted"


def validate_bodies(case: Case[Any]) -> None:
    """Call and check, where refusals are HTTP 200."""
    by_status = [negative_data_rejection, positive_data_acceptance, ignored_auth, missing_required_header]
    case.call_and_validate(headers=KEY, excluded_checks=by_status, additional_checks=[refused_in_the_body])


MUSIC: dict[str, Any] = {"music": (Music(takes=Fixed(0.0)),), **PLENTY}
PICTURES: dict[str, Any] = {"images": (Image(takes=Fixed(0.0)),), **PLENTY}
SCRIPTS: tuple[SunoScript | KieScript, ...] = (
    SunoScript(**MUSIC),
    SunoScript(**MUSIC, errors_as_http=True),
    SunoScript(**MUSIC, errors_as_http=True, dialect="sunoapi.org", records="documented"),
    KieScript(**PICTURES),
    KieScript(**PICTURES, errors_as_http=True),
    KieScript(**PICTURES, errors_as_http=True, profile="documented", records="documented"),
)
music, music_as_http, music_elsewhere, pictures, pictures_as_http, documented = map(described, SCRIPTS)


@music.parametrize()  # type: ignore[untyped-decorator]
def test_music_is_as_described(case: Case[Any]) -> None:
    validate_bodies(case)


@music_as_http.parametrize()  # type: ignore[untyped-decorator]
def test_music_is_as_described_also_with_http_statuses(case: Case[Any]) -> None:
    case.call_and_validate(headers=KEY)


@music_elsewhere.parametrize()  # type: ignore[untyped-decorator]
def test_music_at_sunoapi_org_is_as_described(case: Case[Any]) -> None:
    case.call_and_validate(headers=KEY)


@pictures.parametrize()  # type: ignore[untyped-decorator]
def test_pictures_are_as_described(case: Case[Any]) -> None:
    validate_bodies(case)


@pictures_as_http.parametrize()  # type: ignore[untyped-decorator]
def test_pictures_are_as_described_also_with_http_statuses(case: Case[Any]) -> None:
    case.call_and_validate(headers=KEY)


@documented.parametrize()  # type: ignore[untyped-decorator]
def test_pictures_in_the_documented_profile_are_as_described(case: Case[Any]) -> None:
    case.call_and_validate(headers=KEY)
