"""The limits of an account at each provider: dialects, models, credits, quotas, rates, and refusals as HTTP
statuses."""

from typing import Any

import pytest

from harness.fakes import kie, suno
from harness.fakes.account import API_KEY
from harness.fakes.delivery import SIGNATURE_HEADER
from harness.fakes.latency import Fixed, Never
from harness.fakes.script import DialectName, Failure, Image, KieScript, Music, Script, SunoScript
from harness.fakes.suno import contract
from harness.fakes.tasks import RateWindow
from tests.fakes.stage import JOB_REQUEST, MUSIC_REQUEST, PICTURE_REQUEST, Stage

pytestmark = pytest.mark.asyncio

GENERATE = "/api/v1/generate"
CREATE = "/api/v1/jobs/createTask"
SYNCHRONOUS = "/api/v1/generate/image"
LATER = (Music(takes=Never()),)
NOT_YET = (Image(takes=Never()),)


def both(suno_changes: dict[str, Any], kie_changes: dict[str, Any] | None = None) -> Script:
    """Return a script whose tasks never end."""
    return Script(
        suno=SunoScript(**{"music": LATER, **suno_changes}),
        kie=KieScript(**{"images": NOT_YET, **(suno_changes if kie_changes is None else kie_changes)}),
    )


# Refusals as HTTP statuses


@pytest.mark.parametrize(("as_http", "statuses"), [(False, [200] * 5), (True, [401, 400, 422, 402, 429])])
@pytest.mark.parametrize(
    ("path", "request_body"), [(GENERATE, MUSIC_REQUEST), (CREATE, JOB_REQUEST), (SYNCHRONOUS, PICTURE_REQUEST)]
)
async def test_its_own_refusals_are_body_codes_or_also_http_statuses(
    as_http: bool, statuses: list[int], path: str, request_body: dict[str, Any]
) -> None:
    async with Stage(both({"errors_as_http": as_http, "credits": 0})) as poor:
        refused = [
            await poor.api.post(path, json=request_body, headers={"Authorization": "Bearer another"}),
            await poor.api.post(path, content=b"{"),
            await poor.api.post(path, json={**request_body, "model": None}),
            await poor.api.post(path, json=request_body),
        ]
    async with Stage(both({"errors_as_http": as_http, "creations_per_10_s": 0})) as busy:
        refused.append(await busy.api.post(path, json=request_body))

    assert [answer.json()["code"] for answer in refused] == [401, 400, 422, 402, 429]
    assert [answer.status_code for answer in refused] == statuses
    told = poor.notes.of("task.refused") + busy.notes.of("task.refused")
    assert [facts["as_http"] for facts in told] == [as_http] * 5


@pytest.mark.parametrize("path", ["/api/v1/generate/record-info", "/api/v1/jobs/recordInfo", "/api/v1/chat/credit"])
async def test_queries_without_the_key_are_refused_like_creations(path: str) -> None:
    async with Stage(both({"errors_as_http": True})) as stage:
        answer = await stage.api.get(path, headers={"Authorization": "Bearer another"})

    assert (answer.status_code, answer.json()["code"]) == (401, 401)


async def test_a_scripted_failure_decides_for_itself_whether_it_is_an_http_status() -> None:
    failing = (Music(fails=Failure(500)), Music(fails=Failure(500, as_http=True)))
    async with Stage(both({"errors_as_http": True, "music": failing}, {})) as stage:
        statuses = [(await stage.api.post(GENERATE, json=MUSIC_REQUEST)).status_code for _ in range(2)]

    assert statuses == [200, 500]


@pytest.mark.parametrize("path", ["/api/v1/generate/record-info", "/api/v1/jobs/recordInfo"])
async def test_an_unknown_record_is_http_200_in_every_mode(path: str) -> None:
    async with Stage(both({"errors_as_http": True})) as stage:
        answer = await stage.api.get(path, params={"taskId": "0" * 32})

    assert (answer.status_code, answer.json()["data"]) == (200, None)


# Dialects


async def dialect_codes(dialect: DialectName) -> dict[str, int]:
    """Return one dialect's body codes for the same refusals."""
    codes = {}
    async with Stage(both({"dialect": dialect}, {})) as stage:
        changes: dict[str, dict[str, Any]] = {
            "callBackUrl missing": {"callBackUrl": None},
            "field broken": {"customMode": "yes"},
            "prompt too long": {"customMode": False, "prompt": "x" * 3001},
            "prompt missing": {"prompt": None},
            "accepted": {},
        }
        for what, change in changes.items():
            codes[what] = (await stage.ask(GENERATE, {**MUSIC_REQUEST, **change}))["code"]
    async with Stage(both({"dialect": dialect, "credits": 0}, {})) as stage:
        codes["no credits"] = (await stage.ask(GENERATE, MUSIC_REQUEST))["code"]
    async with Stage(both({"dialect": dialect, "creations_per_10_s": 0}, {})) as stage:
        codes["too often"] = (await stage.ask(GENERATE, MUSIC_REQUEST))["code"]
    return codes


async def test_kie_has_422_for_invalid_requests_402_for_no_credits_and_429_for_the_rate_limit() -> None:
    assert await dialect_codes("kie") == {
        "callBackUrl missing": 422,
        "field broken": 422,
        "prompt too long": 422,
        "prompt missing": 422,
        "accepted": 200,
        "no credits": 402,
        "too often": 429,
    }


async def test_at_sunoapi_org_429_means_no_credits_and_430_is_the_rate_limit() -> None:
    assert await dialect_codes("sunoapi.org") == {
        "callBackUrl missing": 400,
        "field broken": 400,
        "prompt too long": 413,
        "prompt missing": 200,
        "accepted": 200,
        "no credits": 429,
        "too often": 430,
    }


@pytest.mark.parametrize(("dialect", "says"), [("kie", "frequency"), ("sunoapi.org", "credits")])
async def test_the_message_of_a_429_has_its_meaning_at_that_provider(dialect: DialectName, says: str) -> None:
    async with Stage(both({"dialect": dialect, "music": (Music(fails=Failure(429)),)}, {})) as stage:
        answer = await stage.ask(GENERATE, MUSIC_REQUEST)

    assert answer["code"] == 429
    assert says in answer["msg"]
    assert stage.notes.of("task.refused")[0]["message"] == answer["msg"]


@pytest.mark.parametrize(
    ("dialect", "custom", "model", "field", "longest"),
    [
        ("kie", False, "V5", "prompt", 3000),
        ("sunoapi.org", False, "V5", "prompt", 500),
        ("kie", True, "V4", "prompt", 3000),
        ("sunoapi.org", True, "V3_5", "prompt", 3000),
        ("kie", True, "V4_5", "prompt", 5000),
        ("sunoapi.org", True, "V6", "prompt", 5000),
        ("kie", True, "V4", "style", 200),
        ("kie", True, "V5", "style", 1000),
        ("kie", True, "V5", "title", 80),
        ("sunoapi.org", True, "V4", "title", 80),
        ("sunoapi.org", True, "V4_5", "title", 100),
        ("sunoapi.org", True, "V4_5PLUS", "title", 100),
        ("sunoapi.org", True, "V5", "title", 100),
        ("sunoapi.org", True, "V4_5ALL", "title", 80),
    ],
)
async def test_the_maximum_length_of_texts_depends_on_dialect_mode_and_model(
    dialect: DialectName, custom: bool, model: str, field: str, longest: int
) -> None:
    rules = contract.rules_of(dialect)
    request = {**MUSIC_REQUEST, "customMode": custom, "model": model}

    assert rules.problems({**request, field: "x" * longest}) == []
    (problem,) = rules.problems({**request, field: "x" * (longest + 1)})
    assert problem["field"] == field
    assert str(longest) in problem["rule"]


@pytest.mark.parametrize(
    ("dialect", "served", "foreign"),
    [
        ("kie", "/api/v1/chat/credit", "/api/v1/generate/credit"),
        ("sunoapi.org", "/api/v1/generate/credit", "/api/v1/chat/credit"),
    ],
)
async def test_each_dialect_has_its_own_path_for_the_balance_a_bare_number(
    dialect: DialectName, served: str, foreign: str
) -> None:
    async with Stage() as stage:
        app = suno.create_app(SunoScript(dialect=dialect, credits=77), publish=stage.media.publish)
        async with stage.client_of(app) as api:
            balance, unknown = await api.get(served), await api.get(foreign)

    assert balance.json() == {"code": 200, "msg": "success", "data": 77}
    assert unknown.status_code == 404


async def test_behind_one_host_both_balances_are_served_beside_sunoapi_orgs_music() -> None:
    async with Stage(both({"dialect": "sunoapi.org"}, {})) as stage:
        await stage.make_music()
        told = [
            (await stage.api.get(path)).json()["data"] for path in ("/api/v1/generate/credit", "/api/v1/chat/credit")
        ]

    assert told == [1_000 - 12] * 2


@pytest.mark.parametrize(("dialect", "signed"), [("kie", True), ("sunoapi.org", False)])
async def test_only_kie_signs(dialect: DialectName, signed: bool) -> None:
    quick = (Music(takes=Fixed(0.02), sends=("complete",)),)
    async with Stage(both({"dialect": dialect, "music": quick}, {}), signing_key="shared key") as stage:
        await stage.make_music()
        (received,) = await stage.receiver.wait_for(1)

    assert (SIGNATURE_HEADER.lower() in received.headers) is signed


# Models, quotas and rates


@pytest.mark.parametrize(
    ("dialect", "accepted"),
    [
        ("kie", ["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5"]),
        ("sunoapi.org", ["V3_5", "V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_WILD", "V6_MINI"]),
    ],
)
async def test_each_dialect_has_its_models_unless_a_script_names_its_own(
    dialect: DialectName, accepted: list[str]
) -> None:
    every = ("V3_5", "V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_WILD", "V6_MINI")
    async with Stage(both({"dialect": dialect}, {})) as stage:
        codes = {model: (await stage.ask(GENERATE, {**MUSIC_REQUEST, "model": model}))["code"] for model in every}
    async with Stage(both({"models": ("V5",)}, {})) as stage:
        narrow = [
            (await stage.ask(GENERATE, {**MUSIC_REQUEST, "model": model}))["code"] for model in ("V5", "V6", "V4")
        ]

    assert [model for model, code in codes.items() if code == 200] == accepted
    assert narrow == [200, 422, 422]


@pytest.mark.parametrize(("path", "request_body"), [(CREATE, JOB_REQUEST), (SYNCHRONOUS, PICTURE_REQUEST)])
async def test_a_script_may_accept_other_picture_models(path: str, request_body: dict[str, Any]) -> None:
    app_script = KieScript(images=(Image(takes=Fixed(0.0)),), models=("seedream/6",))
    async with Stage() as stage:
        app = kie.create_app(app_script, publish=stage.media.publish)
        async with stage.client_of(app) as api:
            usual = await api.post(path, json=request_body)
            theirs = await api.post(path, json={**request_body, "model": "seedream/6"})

    assert (usual.json()["code"], theirs.json()["code"]) == (422, 200)


async def test_a_key_that_has_spent_its_quota_is_433_even_if_the_account_has_credits() -> None:
    async with Stage(both({"key_quota": 20})) as stage:
        first = await stage.ask(GENERATE, MUSIC_REQUEST)
        second = await stage.ask(GENERATE, MUSIC_REQUEST)
        picture = await stage.ask(CREATE, JOB_REQUEST)
        another = await stage.ask(CREATE, JOB_REQUEST)
        balance = (await stage.api.get("/api/v1/chat/credit")).json()["data"]

    assert [answer["code"] for answer in (first, second, picture, another)] == [200, 433, 200, 433]
    assert balance == 1_000 - 12 - 5, "what is refused is not charged"


async def test_refunded_credits_can_be_spent_again() -> None:
    failing = (Music(takes=Fixed(0.01), fails=Failure(531, when="after-generating")), *LATER)
    async with Stage(both({"key_quota": 12, "music": failing}, {})) as stage:
        await stage.make_music()
        await stage.notes.wait_for("task.ended")
        again = await stage.ask(GENERATE, MUSIC_REQUEST)

    assert again["code"] == 200


@pytest.mark.parametrize(("dialect", "code"), [("kie", 429), ("sunoapi.org", 430)])
async def test_queries_of_one_task_are_limited_per_second(dialect: DialectName, code: int) -> None:
    async with Stage(both({"queries_per_s": 1, "dialect": dialect}, {})) as stage:
        task_id = await stage.make_music()
        codes = [(await stage.music_record(task_id))["code"] for _ in range(2)]

    assert codes == [200, code]


async def test_after_ten_seconds_creations_are_accepted_again_and_refused_ones_do_not_count() -> None:
    window = RateWindow(2)

    assert [window.admits(at_s) for at_s in (0.0, 1.0, 5.0, 9.9, 10.0, 10.5, 11.0)] == [
        True,
        True,
        False,
        False,
        True,
        False,
        True,
    ]


async def test_a_fake_accepts_only_the_key_it_was_given() -> None:
    async with Stage() as stage:
        app = suno.create_app(SunoScript(music=LATER), publish=stage.media.publish, api_key="mine")
        async with stage.client_of(app) as api:
            usual = await api.post(GENERATE, json=MUSIC_REQUEST)
            mine = await api.post(GENERATE, json=MUSIC_REQUEST, headers={"Authorization": "Bearer mine"})

    assert API_KEY != "mine"
    assert (usual.json()["code"], mine.json()["code"]) == (401, 200)
