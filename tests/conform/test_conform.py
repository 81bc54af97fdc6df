"""`harness conform`: recordings of the providers held against the fakes."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from harness.conform.conformity import Conformity, conformity
from harness.conform.recordings import read_recording
from harness.conform.style import style_of
from harness.errors import HarnessError
from harness.fakes.changes import Changes
from harness.scenario.loader import parse_scenario
from tests import in_process
from tests.conform.recorded import APP, JOB, KIE, ORDER, RECORD, captured, har, message, pair

RUNNING, DONE = 1, 2
"""The places of two records in the captured recording."""


def compared(pairs: list[dict[str, Any]]) -> Conformity:
    return conformity(read_recording(json.dumps(pairs), "pairs.json", 1))


def found(report: Conformity) -> list[tuple[str, str, str, str, list[int]]]:
    return [
        (each.difference.kind, each.difference.place, each.difference.fakes, each.difference.provider, numbers)
        for each, numbers in report.found.items()
    ]


def with_data(index: int, change: Callable[[dict[str, Any]], Any]) -> list[dict[str, Any]]:
    """Return the captured recording with something else in the data of one response."""
    pairs = deepcopy(captured())
    change(pairs[index]["response"]["body"]["data"])
    return pairs


def test_every_captured_message_is_one_that_the_fakes_send() -> None:
    report = compared(captured())

    assert found(report) == []
    assert sum(report.compared.values()) == report.exchanges == len(captured())
    assert report.compared["callback"] == 5


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda data: data.pop("param"), ("missing", "data.param", "JSON as text", "nothing")),
        (lambda data: data.update(owner="Jane"), ("extra", "data.owner", "nothing", "a text")),
        (
            lambda data: data.update(createTime="2026-04-30 08:00:00"),
            ("type", "data.createTime", "a time in milliseconds", "a time as text"),
        ),
        (
            lambda data: data.update(costTime=37.5),
            ("type", "data.costTime", "a whole number", "a number with a fraction"),
        ),
        (lambda data: data.update(resultJson=None), ("type", "data.resultJson", "JSON as text", "null")),
        (
            lambda data: data.update(param='{"input":{"prompt":"p"}}'),
            ("type", "data.param.input", "JSON as text", "an object"),
        ),
        (lambda data: data.update(state="succeeded"), ("value", "data.state", '"success"', '"succeeded"')),
        (
            lambda data: data.update(taskId=data.pop("taskId")),
            ("order", "data", "their order of keys", "another order of keys"),
        ),
    ],
)
def test_a_difference_is_named_with_its_place_and_exchange(change: Any, difference: tuple[str, str, str, str]) -> None:
    assert found(compared(with_data(DONE, change))) == [(*difference, [DONE + 1])]


def test_differences_are_counted_and_have_the_numbers_of_their_exchanges() -> None:
    pairs = with_data(RUNNING, lambda data: data.update(costTime="0"))
    pairs[RUNNING + 1 : RUNNING + 1] = [pairs[RUNNING]] * 3

    assert found(compared(pairs)) == [("type", "data.costTime", "null", "digits as text", [2, 3, 4, 5])]


def test_a_code_that_the_fakes_do_not_send_there_is_a_difference() -> None:
    pairs = [pair("GET", f"{RECORD}?taskId={JOB}", None, {"code": 404, "msg": "no such task", "data": None})]

    assert ("value", "code", "422", "404", [1]) in found(compared(pairs))


def test_states_in_another_order_are_a_difference() -> None:
    pairs = captured()
    pairs[RUNNING], pairs[DONE] = pairs[DONE], pairs[RUNNING]

    assert found(compared(pairs)) == [
        ("states", "data.state", "waiting before success", "waiting after success", [DONE + 1])
    ]


def test_another_status_and_content_type_are_differences() -> None:
    pairs = captured()[:1]
    pairs[0]["response"].update(status=201, headers={"content-type": "text/plain"})

    kinds = {each[:2] for each in found(compared(pairs))}
    assert kinds == {("header", "(HTTP status)"), ("header", "content-type")}


def test_a_refusal_for_reasons_of_the_account_is_compared_with_a_refusal() -> None:
    refusal = {"code": 402, "msg": "not enough, Jane", "data": None}
    flat = {"code": 402, "msg": "not enough, Jane"}

    assert found(compared([pair("POST", f"{KIE}/api/v1/jobs/createTask", ORDER, refusal)])) == []
    assert found(compared([pair("POST", f"{KIE}/api/v1/jobs/createTask", ORDER, flat)])) == [
        ("missing", "data", "null", "nothing", [1])
    ]


def test_what_is_not_reproduced_and_what_is_elsewhere_is_counted_apart() -> None:
    report = compared(
        [pair("POST", f"{KIE}/api/v1/jane/doe", {}, {}), pair("GET", "https://files.example/jane.png", None, None)]
    )

    assert (report.not_reproduced, report.elsewhere, report.compared) == ({"POST /api/v1/…/…": [1]}, 1, {})


def test_a_har_reads_like_pairs_in_the_order_of_their_times() -> None:
    recording = har(captured())
    recording["log"]["entries"].reverse()

    assert found(conformity(read_recording(json.dumps(recording), "a.har", 1))) == []
    lines = "\n".join(json.dumps(each) for each in captured())
    assert found(conformity(read_recording(lines, "a.jsonl", 1))) == []


@pytest.mark.parametrize("text", ["x", "[1]", '{"log": {}}', '[{"request": {"method": "GET"}}]', "[" * 200])
def test_what_is_no_recording_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(HarnessError, match=r"a\.har: .*expected a HAR file"):
        read_recording(text, "a.har", 1)


def test_a_style_makes_the_fakes_answer_as_recorded() -> None:
    def change(data: dict[str, Any]) -> None:
        data.pop("paramJson")
        data.update(costTime="37", state="succeeded", owner={"name": "Jane"})

    pairs = with_data(DONE, change)
    scenario = parse_scenario(style_of(compared(pairs)), path="style.yaml", name="style")
    styled = Changes(scenario.script.kie.changes).apply("/api/v1/jobs/recordInfo", message("record-success"))

    recorded = pairs[DONE]["response"]["body"]["data"]
    assert styled["data"].keys() == recorded.keys()
    assert (styled["data"]["costTime"], styled["data"]["state"]) == ("1", "succeeded")
    assert styled["data"]["owner"] == {"name": "text"}


PERSONAL = "jane.doe@mail.example"


@pytest.fixture
def private() -> list[dict[str, Any]]:
    """A recording with personal data in every place that a provider or an application could put it."""
    pairs = deepcopy(captured())
    for each in pairs:
        each["request"]["url"] += ("&" if "?" in each["request"]["url"] else "?") + f"user={PERSONAL}"
        each["response"]["headers"]["content-type"] = f"text/{PERSONAL}"
        body = each["response"]["body"]
        if isinstance(body, dict):
            body["msg"] = f"Hello {PERSONAL}"
            body[PERSONAL] = {PERSONAL: [PERSONAL]}
            if isinstance(body.get("data"), dict):
                body["data"].update({"state": PERSONAL, "owner": {"mail": PERSONAL}, "model": PERSONAL})
        if isinstance(each["request"]["body"], dict) and "data" in each["request"]["body"]:
            each["request"]["body"]["msg"] = f"Hello {PERSONAL}"
            each["request"]["body"]["data"].update({"mail": PERSONAL, "callbackType": PERSONAL})
    return [
        *pairs,
        pair("GET", f"{KIE}/api/v1/users/{PERSONAL}", None, None),
        pair("GET", f"https://{PERSONAL}/", {}, {}),
    ]


def test_no_personal_data_reaches_an_output(
    private: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recording, style, report = tmp_path / "a.har", tmp_path / "style.yaml", tmp_path / "report.json"
    recording.write_text(json.dumps(har(private)))
    arguments = ["harness", "conform", str(recording), "--style", str(style), "--json", str(report)]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as ended:
        in_process.main()

    outputs = [*capsys.readouterr(), style.read_text(), report.read_text()]
    assert ended.value.code == 1
    assert all(len(text) > 200 for text in (outputs[0], *outputs[2:]))
    assert [text for text in outputs if "jane" in text.lower() or "mail.example" in text] == []
    parse_scenario(style.read_text(), path="style.yaml", name="style")


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        (captured(), 0),
        (with_data(DONE, lambda data: data.pop("param")), 1),
        ([pair("GET", "https://files.example/1.png", None, None)], 3),
    ],
)
def test_the_exit_code_says_whether_there_is_a_difference(
    pairs: list[dict[str, Any]], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(pairs))
    monkeypatch.setattr("sys.argv", ["harness", "conform", str(path), "--json", "-"])
    with pytest.raises(SystemExit) as ended:
        in_process.main()

    assert ended.value.code == code


def test_a_callback_is_compared_wherever_it_was_received() -> None:
    body = message("job-callback")
    body["data"]["completeTime"] = str(body["data"]["completeTime"])

    assert found(compared([pair("POST", APP, body, None)])) == [
        ("type", "data.completeTime", "a time in milliseconds", "digits as text", [1])
    ]
