"""How long a handler takes whose caller gives up after 15 s: it is told apart live as in the simulated world."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine.pool import run_pairs
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.results.result import Result
from harness.scenario.model import Scenario
from harness.targets import load_live
from harness.trace.events import LogLine, RequestAbandoned, Response
from harness.world.live.faketime import library

pytestmark = [
    pytest.mark.skipif(library() is None, reason="libfaketime is not installed: a process's clock cannot be sped up"),
    pytest.mark.timeout(300),
]
SPEED = 20.0
NEEDS_NODE = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
PATIENCE_S = 15.0
TAKES_S = (20, 42, 301)
ORDER = '{"model": "bytedance/seedream-v4-text-to-image", "prompt": "a cover", "resolution": "2048x1152"}'
NODE = """
const http = require("node:http");
let status = "working";
const headers = { authorization: `Bearer ${process.env.API_KEY}`, "content-type": "application/json" };
const read = async (stream) => {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
};
const post = (url, body) => new Promise((done, fail) => {
  http.request(url, { method: "POST", headers }, (answer) => read(answer).then(done)).on("error", fail).end(body);
});
http.createServer(async (asked, answer) => {
  const text = await read(asked);
  const say = (code, body) => answer.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
  if (asked.method === "GET") return say(200, { id: "1", status });
  if (asked.url === "/tracks") {
    const body = { ...JSON.parse(text), customMode: true, instrumental: true, model: "V4_5", style: "calm",
      callBackUrl: `${process.env.PUBLIC_URL}/heard` };
    await post("http://api.sunoapi.org/api/v1/generate", JSON.stringify(body));
    return say(201, { track: { id: "1" } });
  }
  answer.on("close", () => { if (!answer.writableEnded) console.log("the client is gone"); });
  await post("http://api.kie.ai/api/v1/generate/image", 'ORDER');
  status = "complete";
  say(200, { ok: true });
}).listen(process.env.PORT);
"""
THREADS = """
import http.server, json, os, select, socket, urllib.request
tracks = {"id": "1", "status": "working"}
def post(url, body):
    headers = {"Authorization": "Bearer " + os.environ["API_KEY"], "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers)).read()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.say(200, tracks)
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tracks":
            body |= {"customMode": True, "instrumental": True, "model": "V4_5", "style": "calm"}
            body["callBackUrl"] = os.environ["PUBLIC_URL"] + "/heard"
            post(os.environ["SUNO"] + "/api/v1/generate", json.dumps(body).encode())
            return self.say(201, {"track": {"id": "1"}})
        post(os.environ["KIE"] + "/api/v1/generate/image", b'ORDER')
        if select.select([self.connection], [], [], 0)[0] and not self.connection.recv(1, socket.MSG_PEEK):
            print("the client is gone", flush=True)
        tracks["status"] = "complete"
        self.say(200, {"ok": True})
    def say(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    def log_message(self, format, *values):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
UVICORN = """
import json, os, httpx, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
tracks = {"id": "1", "status": "working"}
async def post(url, body):
    headers = {"Authorization": "Bearer " + os.environ["API_KEY"]}
    async with httpx.AsyncClient(timeout=None) as client:
        await client.post(url, json=body, headers=headers)
async def read(request):
    return JSONResponse(tracks)
async def create(request):
    body = {**await request.json(), "customMode": True, "instrumental": True, "model": "V4_5", "style": "calm"}
    body["callBackUrl"] = os.environ["PUBLIC_URL"] + "/heard"
    await post(os.environ["SUNO"] + "/api/v1/generate", body)
    return JSONResponse({"track": {"id": "1"}}, 201)
async def hear(request):
    await post(os.environ["KIE"] + "/api/v1/generate/image", json.loads('ORDER'))
    if await request.is_disconnected():
        print("the client is gone", flush=True)
    tracks["status"] = "complete"
    return JSONResponse({"ok": True})
routes = [Route("/tracks/1", read), Route("/tracks", create, methods=["POST"]), Route("/heard", hear, methods=["POST"])]
uvicorn.run(Starlette(routes=routes), port=int(os.environ["PORT"]), log_level="error")
"""


def played(
    folder: Path, program: str, command: str, takes_s: tuple[int, ...], reach: str = "variables", *, leaps: bool = False
) -> list[Result]:
    """Return the results of handlers that wait for a picture for so long; they run concurrently. `leaps`: whether idle
    time is skipped."""
    (folder / "app").write_text(program.replace("ORDER", ORDER), encoding="utf-8")
    (folder / "harness.toml").write_text(
        f'settled_after = "5s"\nquiet_after = "400s"\nstart = {{ id = "track.id" }}\n'
        f'[application]\ncommand = "{command} app"\nreach = "{reach}"\n[application.environment]\nPORT = "{{port}}"\n'
        'PUBLIC_URL = "{app}"\nAPI_KEY = "{api_key}"\nSUNO = "{suno}"\nKIE = "{kie}"\n',
        encoding="utf-8",
    )
    application = replace(load_live(str(folder), SPEED), leaps=leaps)
    results = run_pairs([(slow(each_s), application) for each_s in takes_s], 1, len(takes_s), keep_journals=True)
    by_name = {each.scenario: each for each in results}
    return [by_name[slow(each_s).name] for each_s in takes_s]


def slow(takes_s: int) -> Scenario:
    music = Music(takes=Fixed(2.0), sends=("complete",))
    suno = SunoScript(music=(music,), delivery=DeliveryRules(retries_after_s=()))
    kie = KieScript(images=(Image(takes=Fixed(float(takes_s))),))
    return Scenario(f"late/{takes_s}s", "A slow picture.", script=Script(suno, kie))


def seen(result: Result) -> tuple[list[float], list[str], list[str]]:
    """Return when callers gave up, the outcomes of callbacks' responses, and what the application logged."""
    assert result.journal is not None
    journal = result.journal
    gone = {entry.event.request: entry.event.after_s for entry in journal.of(RequestAbandoned)}
    outcomes: list[str] = [entry.event.outcome for entry in journal.of(Response) if entry.event.request in gone]
    return list(gone.values()), outcomes, [entry.event.text for entry in journal.of(LogLine)]


@pytest.mark.parametrize(
    ("program", "command", "reach", "leaps"),
    [
        pytest.param(NODE, "node", "preload", False, marks=NEEDS_NODE),
        pytest.param(NODE, "node", "preload", True, marks=NEEDS_NODE),
        (THREADS, sys.executable, "variables", False),
    ],
    ids=["node", "node-leaping", "threads"],
)
def test_handlers_of_20_42_and_301_s_have_their_own_latencies_and_see_that_their_client_is_gone(
    tmp_path: Path, program: str, command: str, reach: str, leaps: bool
) -> None:
    results = played(tmp_path, program, command, TAKES_S, reach, leaps=leaps)
    for result, least_s, less_than_s in zip(results, TAKES_S, (*TAKES_S[1:], 2 * TAKES_S[-1]), strict=True):
        (gave_up_after_s,), outcomes, logged = seen(result)
        assert round(gave_up_after_s) >= PATIENCE_S
        assert gave_up_after_s < TAKES_S[0]
        assert outcomes == ["too-late"]
        assert logged == ["the client is gone"]
        (answered_after_s,) = result.metrics.callback_answered_after_s
        assert least_s <= answered_after_s < less_than_s
        assert result.metrics.callbacks_unanswered == 0
        assert "callback-answered" in result.violated


def test_the_end_is_unknown_where_the_server_drops_the_connection_of_a_client_that_is_gone(tmp_path: Path) -> None:
    (result,) = played(tmp_path, UVICORN, sys.executable, (20,))
    _, outcomes, logged = seen(result)
    assert outcomes == []
    assert logged == ["the client is gone"]
    assert result.metrics.callback_answered_after_s == ()
    assert result.metrics.callbacks_unanswered == 1
