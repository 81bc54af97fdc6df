"""The fakes' OpenAPI documents: valid, served, and consistent with the fakes' behaviour."""

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from harness.fakes import kie, suno
from harness.fakes.kie import contract as kie_contract
from harness.fakes.kie import models as kie_models
from harness.fakes.kie import products as kie_products
from harness.fakes.kie import uploads as kie_uploads
from harness.fakes.kie.openapi import describe as describe_pictures
from harness.fakes.openapi import field_schema
from harness.fakes.script import KieScript, Script, SunoScript
from harness.fakes.suno import contract as suno_contract
from harness.fakes.suno.extras import FORMS as EXTRA_FORMS
from harness.fakes.suno.extras import STYLE_FORM, TIMESTAMPED_FORM, endpoints_of
from harness.fakes.suno.openapi import describe as describe_music
from harness.fakes.suno.variants import VARIANTS, form_of
from harness.fakes.validation import Field, Form
from tests.fakes.stage import Stage

DOCUMENTS = {
    "music at Kie.ai": describe_music(SunoScript()),
    "music at sunoapi.org": describe_music(SunoScript(dialect="sunoapi.org")),
    "music, few models, documented style": describe_music(SunoScript(models=("V5",), records="documented")),
    "pictures": describe_pictures(KieScript()),
    "pictures as documented": describe_pictures(KieScript(profile="documented", records="documented")),
    "pictures of other models": describe_pictures(KieScript(models=("seedream/6", kie_models.SEEDREAM_4_5))),
}
FORMS = {
    "music": suno_contract.rules_of("kie").form,
    "music at sunoapi.org": suno_contract.rules_of("sunoapi.org").form,
    **{variant.operation: form_of(variant, suno_contract.MODELS) for variant in VARIANTS},
    **EXTRA_FORMS,
    "style": STYLE_FORM,
    "timestamped lyrics": TIMESTAMPED_FORM,
    "flat": kie_contract.synchronous_form(),
    "job": kie_contract.job_form(),
    **{name: known.input for name, known in kie_models.KNOWN.items()},
    "download": kie_contract.DOWNLOAD,
    "4o image": kie_products.FORM_4O,
    "Flux Kontext": kie_products.FORM_KONTEXT,
    "download of a 4o image": kie_products.DOWNLOAD_4O,
    **{path: form for path, form in kie_uploads.FORMS.items() if path != kie_uploads.STREAM_UPLOAD},
}
FIELDS = [(name, field) for name, form in FORMS.items() for field in form.fields]
NEAR_TEXTS = (
    *("", "m", "f", "V5", "V9", "1K", "square_hd", "16:9", "16:9\n", "0:9", "basic", "ultra"),
    *("2048x1152", "6240x6240", "6241x1", "9999x10", "x" * 3000, "x" * 5001, "\U0001f3b5" * 5000),
    *("http://app.test/c", "https://[::1]:1/", "http://", "ftp://app.test", "http://app.test/\n"),
    *(kie_models.SEEDREAM_4, "seedream/5-lite-", "seedream/5-lite-x y", "seedream/5-lite"),
)
NEAR: st.SearchStrategy[Any] = st.sampled_from(
    [*NEAR_TEXTS, 0, 1, 1.0, 1.5, 6, 6.5, 7, -1, 10**30, 1e300, True, False, None, [], {}, {"a": 1}]
)
ANYTHING = NEAR | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_a_valid_openapi_3_1_document(name: str) -> None:
    OpenAPIV31SpecValidator(DOCUMENTS[name]).validate()

    assert DOCUMENTS[name]["openapi"] == "3.1.0"
    assert json.loads(json.dumps(DOCUMENTS[name])) == DOCUMENTS[name]


@pytest.mark.parametrize(
    ("document", "endpoints"),
    [
        (DOCUMENTS["music at Kie.ai"], endpoints_of(suno_contract.KIE)),
        (DOCUMENTS["music at sunoapi.org"], endpoints_of(suno_contract.SUNOAPI_ORG)),
        (DOCUMENTS["pictures"], kie_products.ENDPOINTS),
        (DOCUMENTS["pictures as documented"], kie_products.DOCUMENTED_ENDPOINTS),
    ],
)
def test_a_document_has_exactly_the_endpoints_that_the_fake_offers(
    document: dict[str, Any], endpoints: tuple[tuple[str, str], ...]
) -> None:
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}

    assert described == set(endpoints)


def test_every_operation_that_takes_a_callback_url_describes_its_callback() -> None:
    for document in DOCUMENTS.values():
        for item in document["paths"].values():
            for operation in item.values():
                takes_one = "callBackUrl" in json.dumps(operation.get("requestBody", {}))
                assert ("callbacks" in operation) is takes_one


def test_only_kie_describes_signed_callbacks() -> None:
    assert "X-Webhook-Signature" in json.dumps(DOCUMENTS["music at Kie.ai"])
    assert "X-Webhook-Signature" in json.dumps(DOCUMENTS["pictures"])
    assert "X-Webhook" not in json.dumps(DOCUMENTS["music at sunoapi.org"])


@pytest.mark.parametrize(
    "field", [field for _, field in FIELDS], ids=[f"{name}: {field.name}" for name, field in FIELDS]
)
def test_a_field_admits_exactly_what_its_schema_does(field: Field) -> None:
    form = Form([field])
    validator = jsonschema_rs.Draft202012Validator(
        {"properties": {field.name: field_schema(field)}, "required": [field.name] if field.required else []}
    )

    @settings(max_examples=60, derandomize=True, deadline=None, database=None)
    @given(ANYTHING)
    def agree(value: Any) -> None:
        body = {field.name: value}
        assert (form.problems(body) == []) is validator.is_valid(body)

    agree()


@pytest.mark.asyncio
@pytest.mark.parametrize("provider", ["suno", "kie"])
async def test_each_fake_serves_its_document_without_a_key_and_without_an_event(provider: str) -> None:
    async with Stage() as stage:
        script = Script(suno=SunoScript(dialect="sunoapi.org"), kie=KieScript(profile="documented"))
        publish, notes = stage.media.publish, stage.notes
        app: Any = (
            suno.create_app(script.suno, publish=publish, observe=notes)
            if provider == "suno"
            else kie.create_app(script.kie, publish=publish, observe=notes)
        )
        expected = describe_music(script.suno) if provider == "suno" else describe_pictures(script.kie)
        async with stage.client_of(app) as api:
            answer = await api.get("/openapi.json", headers={"Authorization": ""})

    assert answer.status_code == 200
    assert answer.json() == expected
    assert stage.notes.events == []


@pytest.mark.asyncio
async def test_behind_one_host_both_are_described_together() -> None:
    async with Stage() as stage:
        document = (await stage.api.get("/openapi.json")).json()

    OpenAPIV31SpecValidator(document).validate()
    assert set(document["paths"]) == {path for _, path in (*endpoints_of(suno_contract.KIE), *kie_products.ENDPOINTS)}
    assert stage.notes.events == []


def test_the_documents_cost_nothing_before_they_are_requested() -> None:
    import subprocess
    import sys

    code = "import sys, harness.fakes.gateway; print([name for name in sys.modules if name.endswith('openapi')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
