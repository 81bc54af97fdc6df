"""Schemathesis against both fakes: what their documents allow is accepted, what they forbid is refused.

The providers refuse with HTTP 200 and another body code. With `errors_as_http` the same refusals are HTTP statuses, so
there the tool's own checks decide whether a request was rightly refused; without it `refused_in_the_body` does.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NOT_SET
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.run import PhaseName

from harness.fakes import kie, suno
from harness.fakes.account import API_KEY
from harness.fakes.http_client import ClientResponse
from harness.fakes.kie.openapi import NEEDS_A_FILE
from harness.fakes.latency import Fixed
from harness.fakes.pictures import PictureSpec
from harness.fakes.published_files import Publisher
from harness.fakes.response_hooks import inspected_by
from harness.fakes.script import Extra, Extras, Image, KieScript, Music, SunoScript
from harness.fakes.suno.extras_openapi import NEEDS_A_TASK

EXAMPLES = 20
PLENTY: dict[str, Any] = {"credits": 10**12, "creations_per_10_s": 10**6, "queries_per_s": 10**6}
BY_STATUS = ("negative_data_rejection", "positive_data_acceptance", "ignored_auth", "missing_required_header")
"""The tool's checks that only look at the HTTP status."""


def publish(
    extension: str,
    *,
    picture: PictureSpec | None,
    audio_seconds: float | None,
    host: str | None = None,
    is_stream: bool = False,
) -> str:
    """A publisher whose files are never fetched."""
    return f"http://media.test/file.{extension}"


def publish_nothing(
    extension: str,
    *,
    picture: PictureSpec | None,
    audio_seconds: float | None,
    host: str | None = None,
    is_stream: bool = False,
) -> str:
    """A publisher that returns no URL."""
    return "somewhere"


def lend(url: str, lifetime_s: float) -> str | None:
    """A lender that knows every file."""
    return "http://media.test/lent"


async def swallow(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
    """A `Post` that delivers nothing: the URLs are made up."""
    return ClientResponse(200, b"")


@schemathesis.check
def refused_in_the_body(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """The same two checks for refusals that are HTTP 200: a valid request has the body code 200 or, if it requests
    something that does not exist, 422; an invalid one has another, or finds nothing."""
    if response.status_code != 200 or case.meta is None:
        return
    code, data = response.json()["code"], response.json().get("data")
    if case.meta.generation.mode is not GenerationMode.NEGATIVE:
        assert code == 200 or (case.method == "GET" and code == 422), f"a sound request was refused with {code}"
    elif case.body is not NOT_SET or case.operation.query:
        assert code != 200 or data is None, "an unsound request was accepted"


def config(examples: int, *, by_body: bool) -> SchemathesisConfig:
    """Return the configuration of generation and checks; `by_body` if refusals are HTTP 200."""
    return SchemathesisConfig.from_dict(
        {
            "seed": 20_260_101,
            "headers": {"Authorization": f"Bearer {API_KEY}"},
            "generation": {
                "mode": "all",
                "max-examples": examples,
                "deterministic": True,
                "database": "none",
                "with-security-parameters": False,
            },
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["200"]},
                "negative_data_rejection": {"expected-statuses": ["400", "401", "413", "422", "500"]},
                "not_a_server_error": {"enabled": False},  # a picture's wrong input has the code 500
                **({name: {"enabled": False} for name in BY_STATUS} if by_body else {}),
            },
        }
    )


MUSIC: dict[str, Any] = {
    "music": (Music(takes=Fixed(0.0)),),
    "variants": (Music(takes=Fixed(0.0)),),
    "extras": Extras(lyrics=Extra(takes=Fixed(0.0)), style_takes=Fixed(0.0)),
    **PLENTY,
}
PICTURES: dict[str, Any] = {"images": (Image(takes=Fixed(0.0)),), "credits": 10**12, "creations_per_10_s": 10**6}
SCRIPTS: dict[str, SunoScript | KieScript] = {
    "music": SunoScript(**MUSIC),
    "music, HTTP statuses": SunoScript(**MUSIC, errors_as_http=True),
    "music at sunoapi.org": SunoScript(**MUSIC, dialect="sunoapi.org", errors_as_http=True, records="documented"),
    "pictures": KieScript(**PICTURES),
    "pictures, HTTP statuses": KieScript(**PICTURES, errors_as_http=True, records="documented"),
}
ALIKE = ("music, HTTP statuses", "music at sunoapi.org", "pictures")
"""Those that differ from another one, or from the other provider's, in how they refuse only."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of one run: the violations, and the number of requests in each phase."""

    failures: list[str]
    asked: Counter[PhaseName]


def findings(script: SunoScript | KieScript, publish: Publisher = publish, examples: int = EXAMPLES) -> Findings:
    """Run Schemathesis against a fake that executes `script`, with the document that the fake itself serves."""
    app = (
        suno.create_app(script, publish=publish, post=swallow)
        if isinstance(script, SunoScript)
        else kie.create_app(script, publish=publish, lend=lend, post=swallow)
    )
    made = config(examples, by_body=not script.errors_as_http)
    found = Findings([], Counter())
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=made).exclude(_needs_a_task)
    for event in from_schema(schema).execute():
        assert not isinstance(event, NonFatalError | FatalError), event
        if isinstance(event, ScenarioFinished):
            found.failures.extend(told_of(event))
            found.asked[event.phase] += len(event.recorder.cases)
    return found


def _needs_a_task(context: Any) -> bool:
    """Return whether an operation refuses sound requests that name no task, or no file, that there is; generated ones
    never do."""
    return any(context.operation.definition.raw.get(marker) for marker in (NEEDS_A_TASK, NEEDS_A_FILE))


def told_of(event: ScenarioFinished) -> list[str]:
    """Yield the findings of a scenario, each with the command that repeats it."""
    return [
        f"{check.name}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
        for checks in event.recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.thorough if name in ALIKE else ()) for name in SCRIPTS]
)
def test_a_fake_behaves_exactly_as_its_document_says(name: str) -> None:
    found = findings(SCRIPTS[name])

    assert found.failures == []
    assert (
        min(found.asked[phase] for phase in (PhaseName.COVERAGE, PhaseName.FUZZING, PhaseName.STATEFUL_TESTING))
        > EXAMPLES
    )


def test_it_finds_invalid_urls() -> None:
    with inspected_by(None):
        found = findings(SCRIPTS["pictures, HTTP statuses"], publish=publish_nothing, examples=3)

    assert any("response_schema_conformance" in failure and "generate/image" in failure for failure in found.failures)
