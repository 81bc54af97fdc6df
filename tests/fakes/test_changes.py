"""Scripted differences between a provider's messages and its contract."""

import json
from typing import Any

import pytest

from harness.engine.run import resolve, run
from harness.errors import ScenarioError
from harness.fakes.changes import Changes
from harness.fakes.latency import Fixed
from harness.fakes.script import CALLBACKS, Change, Image, KieScript, Music, Script, SunoScript
from harness.scenario.loader import parse_scenario
from tests.fakes.stage import CALLBACK_URL, Stage

RECORD = "/api/v1/jobs/recordInfo"


def changed(message: Any, **change: Any) -> Any:
    of = change.pop("of", RECORD)
    when = tuple((place, json.dumps(value)) for place, value in change.pop("when", {}).items())
    new = tuple((place, json.dumps(value)) for place, value in change.pop("set", {}).items())
    return Changes([Change(of, when, new, **change)]).apply(RECORD, message)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"remove": ("a.b",)}, {"a": {"c": [{"d": 1}, {"d": 2}]}, "text": '{"e":{"f":1}}'}),
        ({"set": {"a.b": None}}, {"a": {"b": None, "c": [{"d": 1}, {"d": 2}]}, "text": '{"e":{"f":1}}'}),
        ({"set": {"a.c.*.d": "x"}}, {"a": {"b": 0, "c": [{"d": "x"}, {"d": "x"}]}, "text": '{"e":{"f":1}}'}),
        ({"set": {"text.e.f": 2}}, {"a": {"b": 0, "c": [{"d": 1}, {"d": 2}]}, "text": '{"e":{"f":2}}'}),
        (
            {"set": {"new": {"x": 1}}},
            {"a": {"b": 0, "c": [{"d": 1}, {"d": 2}]}, "text": '{"e":{"f":1}}', "new": {"x": 1}},
        ),
        ({"set": {"no.where": 1}, "remove": ("no.thing", "a.b.c")}, None),
        ({"set": {"a.b": 1}, "when": {"a.b": 1}}, None),
        ({"set": {"a.b": 1}, "of": CALLBACKS}, None),
    ],
)
def test_places_are_set_and_removed(change: dict[str, Any], expected: Any) -> None:
    message = {"a": {"b": 0, "c": [{"d": 1}, {"d": 2}]}, "text": '{"e":{"f":1}}'}
    before = json.dumps(message)

    assert changed(message, **change) == (message if expected is None else expected)
    assert json.dumps(message) == before


@pytest.mark.asyncio
async def test_responses_and_callbacks_of_both_providers_are_changed() -> None:
    quick = Fixed(0.01)
    changes = (
        Change("/api/v1/jobs/createTask", remove=("data.recordId",)),
        Change(CALLBACKS, set=(("data.state", '"done"'),)),
    )
    music = (Change(CALLBACKS, when=(("data.callbackType", '"text"'),), remove=("data.task_id",)),)
    script = Script(
        kie=KieScript(images=(Image(takes=quick),), changes=changes),
        suno=SunoScript(music=(Music(takes=quick),), changes=music),
    )
    async with Stage(script) as stage:
        created = await stage.api.post(
            "/api/v1/jobs/createTask", json={"model": "m", "input": {}, "callBackUrl": CALLBACK_URL}
        )
        (picture,) = await stage.receiver.wait_for(1)
        await stage.make_music()
        received = await stage.receiver.wait_for(4)

    assert list(created.json()["data"]) == ["taskId"]
    assert picture.body["data"]["state"] == "done"
    kinds = {each.body["data"]["callbackType"]: "task_id" in each.body["data"] for each in received[1:]}
    assert kinds == {"text": False, "first": True, "complete": True}


def test_a_changed_record_turns_a_run_and_an_unmet_change_is_said() -> None:
    text = """
why: The finished record looks unfinished, and another message never comes.
kie:
  profile: documented
  changes:
    - {of: /api/v1/jobs/recordInfo, when: {data.state: success}, set: {data.state: waiting, data.resultJson: ''}}
    - {of: callback, when: {code: 999}, remove: [data]}
"""
    result = run(parse_scenario(text, path="a.yaml", name="a/a"), resolve("jobs-polling"))

    assert result.verdict("callback-answered").state == "violated"
    assert [each.sentence for each in result.never_acted] == [
        "entry 2 of kie.changes (when, remove) never acted: no message matched it"
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("{of: callback}", "changes nothing"),
        ("{of: records, remove: [a]}", "of"),
        ("{of: callback, remove: [a..b]}", "remove"),
        ("{of: callback, set: {'': 1}}", "set"),
    ],
)
def test_a_change_that_cannot_be_is_refused(change: str, problem: str) -> None:
    with pytest.raises(ScenarioError, match=problem):
        parse_scenario(f"why: It cannot be.\nkie: {{changes: [{change}]}}\n", path="a.yaml", name="a/a")
