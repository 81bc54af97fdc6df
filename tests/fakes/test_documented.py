"""Endpoints that the providers document and that no fake has: answered 501, reported as not reproduced."""

import httpx
import pytest

from harness.fakes.documented import is_documented
from harness.fakes.script import DialectName, Script, SunoScript
from tests.fakes.stage import Stage

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/veo/generate"),
        ("GET", "/api/v1/runway/record-detail"),
        ("GET", "/api/v1/models/wan/v2-2-t2v/schema"),
        ("POST", "/gemini-3-pro/v1/chat/completions"),
    ],
)
async def test_a_documented_endpoint_without_a_fake_is_501_and_breaks_no_rule(method: str, path: str) -> None:
    async with Stage() as stage:
        response = await stage.api.request(method, path, json={} if method == "POST" else None)

    assert response.status_code == 501
    assert response.json() == {"code": 501, "msg": f"not reproduced: {method} {path}", "data": None}
    assert stage.notes.of("endpoint.not-reproduced") == [{"provider": "kie", "method": method, "path": path}]
    assert stage.notes.of("contract.broken") == []


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/v1/films"), ("GET", "/api/v1/veo/generate"), ("POST", "/v1/chat/completions")]
)
async def test_what_no_page_documents_is_404_and_breaks_a_rule(method: str, path: str) -> None:
    async with Stage() as stage:
        response = await stage.api.request(method, path)

    assert response.status_code == 404
    assert stage.notes.of("endpoint.not-reproduced") == []
    assert len(stage.notes.of("contract.broken")) == 1


@pytest.mark.parametrize(("dialect", "documented"), [("kie", True), ("sunoapi.org", False)])
async def test_each_provider_documents_its_own(dialect: DialectName, documented: bool) -> None:
    assert is_documented(dialect, "GET", "/api/v1/models") is documented
    assert is_documented(dialect, "GET", "/api/v1/generate/credit") is not documented
    assert is_documented(dialect, "POST", "/api/v1/generate/mashup")


@pytest.mark.parametrize("dialect", ["kie", "sunoapi.org"])
async def test_every_endpoint_that_a_fake_has_is_documented_but_the_assumed_one(dialect: DialectName) -> None:
    async with Stage(Script(suno=SunoScript(dialect=dialect))) as stage:
        music = stage.app.suno.state.fake.endpoints()
        pictures = stage.app.kie.state.fake.endpoints()

    assert all(is_documented(dialect, *endpoint) for endpoint in music)
    assert [endpoint for endpoint in pictures if not is_documented("kie", *endpoint)] == [
        ("POST", "/api/v1/generate/image")
    ]


async def test_each_fake_alone_knows_them_too() -> None:
    async with Stage() as stage:
        for app in (stage.app.suno, stage.app.kie):
            async with stage.client_of(app) as client:
                response: httpx.Response = await client.post("/api/v1/veo/generate", json={})
                assert response.status_code == 501
