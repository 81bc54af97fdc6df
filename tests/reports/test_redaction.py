"""Redaction: keys, cookies and signatures are in no report, and everything else is left as it was."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.html.runs import Shared, run_view
from harness.results.archive import Run, StoredScenario
from harness.results.redaction import DEPTH_MAX, TOO_DEEP, Redaction, is_secret_name
from harness.trace.events import RunBegan
from harness.trace.journal import Journal, entry_of
from harness.world.run_header import keys
from tests.reports.runs import made_up_results, real_results

HIDDEN, SECRET = "(redacted-1)", "(secret-1)"


def view_of(run: Run, scenario: StoredScenario) -> str:
    """All that the page has of a run."""
    facts = Shared()
    return json.dumps([run_view(run, scenario, facts), facts.values])


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "proxy-authorization",
        "Cookie",
        "Set-Cookie",
        "X-Api-Key",
        "api_key",
        "apiKey",
        "APIKEY",
        "accessToken",
        "refresh_token",
        "client-secret",
        "X-Webhook-Signature",
        "password",
        "X-Amz-Signature",
    ],
)
def test_a_field_of_such_a_name_is_hidden(name: str) -> None:
    assert is_secret_name(name)
    assert Redaction().value({name: "something", "other": 1}) == {name: HIDDEN, "other": 1}


@pytest.mark.parametrize(
    "name", ["taskId", "tokens", "keyboard", "monkey", "signed", "image_url", "max_tokens", "keys"]
)
def test_a_field_of_another_name_is_shown(name: str) -> None:
    assert Redaction().value({name: "something"}) == {name: "something"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /a?token=abc&size=2", f"GET /a?token={HIDDEN}&size=2"),
        ("/p.png?X-Amz-Signature=0f&Expires=3", f"/p.png?X-Amz-Signature={HIDDEN}&Expires=3"),
        ("sent Authorization: Bearer eyJhbGciOi.x_y-z", f"sent Authorization: Bearer {HIDDEN}"),
        ('{"api_key": "abc\\"d", "model": "V4"}', f'{{"api_key": "{HIDDEN}", "model": "V4"}}'),
        ('{\\"apikey\\": \\"abc\\"}', f'{{\\"apikey\\": \\"{HIDDEN}\\"}}'),
        ("postgresql://me:word@host/db", f"postgresql://me:{HIDDEN}@host/db"),
        ("a basic question, and a bearer of news", "a basic question, and a bearer of news"),
        ("the key is in the door = here", "the key is in the door = here"),
    ],
)
def test_what_looks_like_a_credential_is_hidden_in_a_text(text: str, shown: str) -> None:
    assert Redaction().text(text) == shown


def test_the_runs_own_keys_are_replaced_wherever_they_stand() -> None:
    redaction = Redaction(["key-12345678", "key-1234567890", "abc"])
    assert redaction.text("xkey-1234567890x key-12345678 abc") == "x(secret-2)x (secret-1) (secret-3)"
    assert redaction.value([{"key-12345678": ["key-12345678"]}]) == [{SECRET: [SECRET]}]


def test_a_journal_without_a_beginning_can_be_shown() -> None:
    journal = Journal([entry_of(1, 0.0, "log", 0, {"text": "Bearer abcdefgh"})])
    assert Redaction.of(journal).journal(journal)[1].facts == {"text": f"Bearer {HIDDEN}"}
    odd = Journal([entry_of(1, 0.0, "run.began", 0, {"secrets": [7, None, "key-key-key"]})])
    assert Redaction.of(odd).text("key-key-key") == SECRET


def test_no_key_of_a_real_run_is_in_its_view() -> None:
    for run in real_results().runs:
        view = view_of(run, StoredScenario(run.result.scenario))
        assert run.journal.of(RunBegan)[0].event.secrets[0] == SECRET
        for secret in keys(1):
            assert secret not in view
    first = view_of(real_results().runs[0], StoredScenario("baseline/healthy"))
    assert "harness run synchronous baseline/healthy --seed 1" in first


def test_a_key_in_a_verdict_or_on_a_track_is_hidden_too() -> None:
    results = made_up_results(text="key-0123456789abcdef")
    view = view_of(results.runs[0], results.scenarios[0])
    assert "key-0123456789abcdef" not in view
    assert SECRET in view


def test_a_body_that_is_nested_without_end_is_cut() -> None:
    nested: object = "key-0123456789abcdef"
    for _ in range(900):
        nested = [nested]
    shown = json.dumps(Redaction(["key-0123456789abcdef"]).value({"body": nested}))
    assert shown.count("[") == DEPTH_MAX
    assert TOO_DEEP in shown


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=8))
def test_values_keep_their_shape(value: object) -> None:
    shown = Redaction(["0123456789"]).value(value)
    assert type(shown) is type(value)
    if isinstance(value, list) and isinstance(shown, list):
        assert len(value) == len(shown)


def test_the_list_of_credentials_stays_a_list_so_that_an_archive_can_be_read() -> None:
    journal = Journal()
    journal.add(0.0, "run.began", 0, {"secrets": ["key-123456"], "credentials": ["hunter2-hunter2", "eyJh.eyJi.c"]})
    began = Redaction.of(journal).journal(journal).entries[0].facts
    assert began["secrets"] == ["(secret-1)"]
    assert began["credentials"] == ["(secret-2)", "(secret-3)"]
