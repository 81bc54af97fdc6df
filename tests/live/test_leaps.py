"""Idle time is skipped where nothing can happen in it, and only there: what a Node process sees is what it would see if
it had really waited."""

import json
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.engine.explanation import LIVE_APART_S, explain
from harness.engine.judging import Judging
from harness.engine.pool import run_pairs
from harness.engine.run import run
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.results.result import Result
from harness.scenario.model import Scenario
from harness.targets import LiveImplementation, load_live
from harness.trace.events import LogLine, RequestAbandoned, RunBegan
from harness.world.live.faketime import library
from harness.world.live.leaps import Leaps
from harness.world.live.threads import are_known

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed"),
    pytest.mark.skipif(library() is None, reason="libfaketime is not installed: a process's clock cannot be moved"),
    pytest.mark.skipif(not are_known(), reason="this system does not tell what a process's threads do"),
    pytest.mark.timeout(120),
]
SLACK_S = 1.5
"""By how much a timer may be late: on a busy machine it is, also without leaps."""
APP = """
const http = require("node:http"), net = require("node:net"), crypto = require("node:crypto");
const headers = { authorization: `Bearer ${process.env.API_KEY}`, "content-type": "application/json" };
const began = Date.now();
const say = (what, value = null) => console.log(JSON.stringify({ what, value, at: (Date.now() - began) / 1000 }));
let status = "working";
BEFORE
http.createServer(async (asked, answer) => {
  let text = "";
  for await (const chunk of asked) text += chunk;
  const reply = (code, body) => answer.writeHead(code, headers).end(JSON.stringify(body));
  if (asked.method === "GET") return reply(200, { id: "1", status });
  if (asked.url === "/tracks") {
    const body = { ...JSON.parse(text), customMode: true, instrumental: true, model: "V4_5", style: "calm",
      callBackUrl: `${process.env.PUBLIC_URL}/heard` };
    await fetch("https://api.sunoapi.org/api/v1/generate", { method: "POST", headers, body: JSON.stringify(body) });
    await (async () => { STARTED })();
    return reply(201, { track: { id: "1" } });
  }
  await (async () => { HEARD })();
  status = "complete";
  reply(200, { ok: true });
}).listen(process.env.PORT);
"""
ORDER = (
    'await fetch("https://api.kie.ai/api/v1/generate/image", { method: "POST", headers, body: \'{"model": '
    '"bytedance/seedream-v4-text-to-image", "prompt": "a cover", "resolution": "2048x1152"}\' });'
)


def application(folder: Path, *, before: str = "", started: str = "", heard: str = "") -> LiveImplementation:
    """Return an application with some code when it is loaded, when a track is started, and in its callback."""
    code = APP.replace("BEFORE", before).replace("STARTED", started).replace("HEARD", heard)
    (folder / "app.cjs").write_text(code, encoding="utf-8")
    (folder / "harness.toml").write_text(
        'settled_after = "5s"\nquiet_after = "10m"\nstart = { id = "track.id" }\n'
        '[application]\ncommand = "node app.cjs"\nreach = "preload"\n[application.environment]\nPORT = "{port}"\n'
        'PUBLIC_URL = "{app}"\nAPI_KEY = "{api_key}"\n',
        encoding="utf-8",
    )
    return load_live(str(folder), 50)


def scenario(image_takes_s: float = 4.0, music_takes_s: float = 10.0) -> Scenario:
    music = Music(takes=Fixed(music_takes_s), sends=("complete",))
    suno = SunoScript(music=(music,), delivery=DeliveryRules(retries_after_s=()))
    script = Script(suno, KieScript(images=(Image(takes=Fixed(image_takes_s)),)))
    return Scenario("live/leaps", "A run with long waits.", script=script)


def said(result: Result) -> list[tuple[str, Any, float]]:
    """Return what the application logged, with the seconds since its start by its own clock."""
    assert result.journal is not None
    lines = [json.loads(entry.event.text) for entry in result.journal.of(LogLine)]
    return [(line["what"], line["value"], line["at"]) for line in lines]


def leapt(result: Result) -> bool:
    assert result.journal is not None
    began = result.journal.of(RunBegan)[0].event
    assert began.speed == (1 if began.leaps else 50)
    return bool(began.leaps)


@pytest.mark.parametrize(("takes_s", "gives_up"), [(299.0, False), (302.0, True)])
def test_nodes_fetch_gives_up_after_300_s_and_its_provider_after_15(
    tmp_path: Path, takes_s: float, gives_up: bool
) -> None:
    result = run(scenario(takes_s), application(tmp_path, heard=f"try {{ {ORDER} }} catch {{ say('gave up'); }}"))
    assert leapt(result)
    assert [what for what, _, _ in said(result)] == ["gave up"] * gives_up
    assert result.journal is not None
    abandoned = sorted(entry.event.after_s for entry in result.journal.of(RequestAbandoned))
    (answered_after_s,) = result.metrics.callback_answered_after_s
    assert 0 <= abandoned[0] - 15 < SLACK_S
    if gives_up:
        assert 300 <= abandoned[1] < 302
        assert 300 <= answered_after_s < 302 + SLACK_S
    else:
        assert len(abandoned) == 1
        assert 0 <= answered_after_s - takes_s < SLACK_S


def test_a_violation_is_explained_by_some_twenty_runs(tmp_path: Path) -> None:
    """The callback waits for the picture: that is not answered in time from 15 s on, less the work in it."""
    live = application(tmp_path, heard=ORDER)
    _, (explanation,) = explain(scenario(20.0), live, 1, Judging(), ["callback-answered"])
    ((verdict, needs),) = explanation.violations
    assert verdict.invariant == "callback-answered"
    assert [each.name for each in needs.necessary] == ["kie.images[0].takes"]
    assert needs.boundary is not None
    assert 13.5 < needs.boundary.not_violated_s < 15.0
    assert needs.boundary.violated_s - needs.boundary.not_violated_s <= LIVE_APART_S
    assert explanation.cause.where[0].startswith("app.cjs:")


TIMERS = """
const { setTimeout: pause } = require("node:timers/promises");
const begun = Date.now();
const tell = (what, value) => say(what, [value, (Date.now() - begun) / 1000]);
for (const seconds of [0.3, 7, 33, 33.2, 299.9, 450]) setTimeout(tell, 1000 * seconds, "timeout", seconds);
setTimeout(tell, 120000, "unref", 120).unref();
AbortSignal.timeout(61000).addEventListener("abort", () => tell("signal", 61));
const never = setTimeout(tell, 20000, "cleared", 20);
setTimeout(clearTimeout, 19000, never);
const kept = setTimeout(tell, 40000, "refreshed", 70);
setTimeout(() => kept.refresh(), 30000);
let beats = 0;
const beat = setInterval(() => { beats += 1; if (beats === 20) { clearInterval(beat); tell("interval", 50); } }, 2500);
const socket = net.connect(process.env.PORT, "127.0.0.1");
socket.setTimeout(25000, () => { tell("socket", 25); socket.destroy(); });
(async () => { for (let turn = 0; turn < 9; turn += 1) await pause(10000); tell("chain", 90); })();
"""


def test_timers_of_every_kind_fire_when_they_are_due(tmp_path: Path) -> None:
    result = run(scenario(music_takes_s=500.0), application(tmp_path, started=TIMERS))
    assert leapt(result)
    fired = [(what, *value) for what, value, _ in said(result)]
    assert sorted(what for what, _, _ in fired) == sorted(
        [*["timeout"] * 6, "unref", "signal", "refreshed", "interval", "socket", "chain"]
    )
    assert [(what, due_s, at_s) for what, due_s, at_s in fired if not -0.01 <= at_s - due_s < SLACK_S] == []


WORKS = """
const begun = Date.now();
await new Promise((done) => crypto.pbkdf2("a", "b", 400000, 64, "sha512", done));
say("worked", (Date.now() - begun) / 1000);
"""


def test_work_in_a_thread_is_not_leapt_over(tmp_path: Path) -> None:
    """Meanwhile the harness has nothing to do before its provider gives up, 15 s later."""
    result = run(scenario(), application(tmp_path, heard=WORKS))
    assert leapt(result)
    ((_, took_s, _),) = said(result)
    assert took_s < 4, "its own timers are due every 5 s"
    assert "callback-answered" not in result.violated


def test_a_frozen_process_has_missed_the_time_when_it_goes_on(tmp_path: Path) -> None:
    """Its timer is due 5 s after a response, and it is frozen until its callback comes after 100 s."""
    started = "setTimeout(() => say('fired'), 5000);"
    frozen = application(tmp_path, started=started)
    serverless = replace(frozen.settings.application, serverless=True)
    frozen = replace(frozen, settings=replace(frozen.settings, application=serverless))
    result = run(scenario(music_takes_s=100.0), frozen)
    assert leapt(result)
    ((_, _, at_s),) = said(result)
    assert 99 < at_s < 110


REPORTS = """
import socket, sys, time
harness = socket.socket(socket.AF_UNIX)
harness.connect(sys.argv[1])
for asked in harness.makefile():
    what, number = asked.split()[:2]
    harness.sendall(f"{number} {1000 if what == '?' else time.time() * 1000}\\n> db.example 5432\\n".encode())
"""


def test_what_a_process_says_together_with_its_answer_is_heard(tmp_path: Path) -> None:
    """A connection that is made right after an answer arrives in the same read."""
    leaps = Leaps(tmp_path / "leaps", time.time)
    with subprocess.Popen([sys.executable, "-c", REPORTS, str(tmp_path / "leaps")]) as process:
        leaps.processes = lambda: [process.pid]
        try:
            until_s = time.monotonic() + 60
            while not leaps.problem and time.monotonic() < until_s:
                leaps.leap(10.0, 0.0, lambda: True)
        finally:
            process.kill()
            leaps.close()
    assert leaps.problem == "it is connected to db.example:5432, which the harness cannot see"


OTHERS = {
    "worker threads": "new (require('node:worker_threads').Worker)('setInterval(() => {}, 1e3)', { eval: true });",
    "connected to 127.0.0.1:": "net.connect(Number(process.env.OTHER), '127.0.0.1');",
    "connected to /": "net.connect(process.env.SOCKET);",
    "(sleep) is not Node's": "require('node:child_process').spawn('sleep', ['60']);",
}


@pytest.mark.parametrize("why", OTHERS)
def test_what_the_harness_cannot_see_is_told_and_the_clock_is_sped_up_instead(
    tmp_path: Path, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other, socket.socket(socket.AF_UNIX) as local:
        local.bind("local")
        local.listen()
        monkeypatch.setenv("OTHER", str(other.getsockname()[1]))
        monkeypatch.setenv("SOCKET", str(tmp_path / "local"))
        live = application(tmp_path, before=OTHERS[why])
        told: list[str] = []
        two = [(replace(scenario(), name=f"live/{number}"), live) for number in (1, 2)]
        results = list(run_pairs(two, 1, 2, keep_journals=True, notify=told.append))
    assert [leapt(result) for result in results] == [False, False]
    (sentence,) = [each for each in told if "idle time cannot be skipped" in each]
    assert why in sentence
    assert [result.unknown for result in results] == [(), ()]
