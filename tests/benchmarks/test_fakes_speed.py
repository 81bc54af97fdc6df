"""The fakes over real sockets, compared with bare Starlette routes on the same server: response rate and punctuality.

    pytest tests/benchmarks/test_fakes_speed.py --benchmark-enable

The figures are in `extra_info`. `..._rate` compares responses per second, `..._cpu` the server's CPU time for each;
they are medians of rounds that measure all of them in turn, with the same client in another process.
`share_of_bare_...` compares a fake with a bare route served in the same way as the fakes
(harness/world/live/server.py), `share_of_uvicorn_...` with the same route on uvicorn's own protocol. The fakes check
contracts, keep a journal and apply faults; the bare route does not even read its request. Where the client is the
bottleneck, the CPU time is more meaningful.
"""

import json
import statistics
from typing import Any

import pytest

from tests.benchmarks.raw_client import answer_to, errors_s, exchange, request, serving

EXCHANGES = 600
ROUNDS = 7
GOAL = 1 / 3
CALLBACK_URL = "http://127.0.0.1:9/callbacks"
MUSIC = {
    "customMode": True,
    "instrumental": True,
    "model": "V4_5",
    "prompt": "A calm piano piece for a rainy evening, slow and low",
    "title": "Rain",
    "style": "ambient",
    "callBackUrl": CALLBACK_URL,
}
JOB = {
    "model": "bytedance/seedream-v4-text-to-image",
    "callBackUrl": CALLBACK_URL,
    "input": {
        "prompt": "An album cover: rain on a window at night",
        "image_size": "landscape_16_9",
        "image_resolution": "2K",
    },
}
GENERATE, CREATE_TASK = ("suno", "/api/v1/generate", MUSIC), ("kie", "/api/v1/jobs/createTask", JOB)
QUERIES = {
    "record-info": (*GENERATE, "/api/v1/generate/record-info?taskId="),
    "recordInfo": (*CREATE_TASK, "/api/v1/jobs/recordInfo?taskId="),
}
CREATIONS = {"generate": GENERATE, "createTask": CREATE_TASK}

IN_FLIGHT = 1_000
DELAY_S = 1.5
PICTURE = {"model": "bytedance/seedream-v4-text-to-image", "prompt": "a river", "resolution": "2048x1152"}
PICTURE_PATH = "/api/v1/generate/image"
SPREAD = [index / IN_FLIGHT for index in range(IN_FLIGHT)]
DELAYS = {
    "spread over a second": [DELAY_S] * IN_FLIGHT,
    "due at once": [DELAY_S - at_s for at_s in SPREAD],
}


def _sound(port: int, asked: bytes) -> Any:
    """Return a response that no fault has emptied."""
    while not (answer := answer_to(port, asked)):
        pass
    return answer


@pytest.mark.parametrize("name", [*QUERIES, *CREATIONS])
def test_share_of_the_bare_rate(benchmark: Any, name: str) -> None:
    with serving() as server:
        ports = server.do(do="fakes")
        if name in CREATIONS:
            provider, path, body = CREATIONS[name]
            method, asked = "POST", request("POST", path, body)
        else:
            provider, create, body, path = QUERIES[name]
            made = json.loads(_sound(ports[provider], request("POST", create, body)))
            method, asked = "GET", request("GET", path + made["data"]["taskId"])
        answer = _sound(ports[provider], asked)
        assert json.loads(answer)["code"] == 200
        bare = server.do(do="bare", path=path.partition("?")[0], method=method, answer=answer)
        places = {"fake": ports[provider], "bare": bare["port"], "uvicorn": bare["uvicorn"]}
        took_s: dict[str, list[float]] = {who: [] for who in places}
        cpu_s: dict[str, list[float]] = {who: [] for who in places}

        def in_turn() -> None:
            for who, port in places.items():
                before_s = server.cpu_s()
                took_s[who].append(exchange(port, asked, EXCHANGES))
                cpu_s[who].append(server.cpu_s() - before_s)

        for port in places.values():
            exchange(port, asked, EXCHANGES // 4)
        benchmark.group = "rounds: 600 exchanges each with a fake, a bare route, and one on plain uvicorn"
        benchmark.pedantic(in_turn, rounds=ROUNDS)
    for who in ("bare", "uvicorn"):
        for what, seconds in (("rate", took_s), ("cpu", cpu_s)):
            shares = [other / fake for other, fake in zip(seconds[who], seconds["fake"], strict=True)]
            benchmark.extra_info[f"share_of_{who}_{what}"] = round(statistics.median(shares), 3)
    benchmark.extra_info["cpu_us"] = round(statistics.median(cpu_s["fake"]) / EXCHANGES * 1e6, 1)
    benchmark.extra_info["per_s"] = round(EXCHANGES / statistics.median(took_s["fake"]))
    benchmark.extra_info["goal"] = GOAL


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_a_bare_route_on_either_loop(benchmark: Any, kind: str) -> None:
    """What uvloop could gain at most: see harness/world/live/event_loop.py."""
    if kind == "uvloop":
        pytest.importorskip("uvloop")
    asked = request("GET", "/")
    with serving(kind) as server:
        port = server.do(do="bare", path="/", method="GET", answer="x" * 400)["port"]
        exchange(port, asked, EXCHANGES)
        began_s = server.cpu_s()
        benchmark.group = "600 exchanges with a bare route"
        benchmark.pedantic(lambda: exchange(port, asked, EXCHANGES), rounds=ROUNDS)
        benchmark.extra_info["cpu_us"] = round((server.cpu_s() - began_s) / ROUNDS / EXCHANGES * 1e6, 1)


@pytest.mark.parametrize("name", DELAYS)
def test_how_punctual_a_scripted_delay_is(benchmark: Any, name: str) -> None:
    """1,000 concurrent responses, each on a connection of its own; the client measures the errors. None is early; their
    lateness is compared with that of a bare route."""
    takes_s, asked = DELAYS[name], request("POST", PICTURE_PATH, PICTURE)
    late: dict[str, list[float]] = {"bare": [], "fake": []}
    with serving() as server:

        def both() -> None:
            bare = server.do(do="bare", path=PICTURE_PATH, method="POST", answer="x" * 200, takes_s=takes_s)["port"]
            late["bare"] += errors_s(bare, asked, SPREAD, takes_s)
            fake = server.do(do="fakes", takes_s=takes_s)["kie"]
            late["fake"] += errors_s(fake, asked, SPREAD, takes_s)

        benchmark.group = "1,000 delayed answers in flight"
        benchmark.pedantic(both, rounds=1)
    for who, errors in late.items():
        assert min(errors) >= 0
        quantiles = statistics.quantiles(errors, n=100)
        benchmark.extra_info[f"{who}_late_p50_ms"] = round(quantiles[49] * 1000, 1)
        benchmark.extra_info[f"{who}_late_p99_ms"] = round(quantiles[98] * 1000, 1)
