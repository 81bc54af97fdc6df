"""A Node process with hard-coded hosts and unchanged code: the preloaded module redirects it to the fakes."""

import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from harness.engine.run import run
from harness.fakes.latency import Fixed, Never
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.results.result import Result
from harness.scenario.model import Scenario
from harness.targets import load_live
from harness.trace.events import ConnectionToUnknownHost, LogLine, Request, RequestAbandoned
from harness.world.live.faketime import library

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed"),
    pytest.mark.skipif(library() is None, reason="libfaketime is not installed: a process's clock cannot be sped up"),
]
APP = Path(__file__).parent.parent / "apps" / "node" / "app.cjs"
CONFIGURATION = f"""
settled_after = "20s"
quiet_after = "40s"

[application]
command = "node {APP}"
reach = "preload"
environment = {{ API_KEY = "{{api_key}}", PUBLIC_URL = "{{app}}", PORT = "{{port}}" }}

[track]
read = "GET /tracks/{{id}}"
inside = "data"
complete = ["done"]

[track.fields]
status = "state"
audio_url = "audio"
image_url = "picture"
image_resolution = "size"
failure_reason = "problem"
"""


def played(folder: Path, image: Image, speed: float) -> Result:
    path = folder / "harness.toml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    suno = SunoScript(music=(Music(takes=Fixed(10.0)),), delivery=DeliveryRules(retries_after_s=()))
    scenario = Scenario("live/node", "A short run.", script=Script(suno, KieScript(images=(image,))))
    return run(scenario, load_live(str(path), speed))


def test_fetch_and_https_with_hard_coded_hosts_reach_the_fakes(tmp_path: Path) -> None:
    result = played(tmp_path, Image(takes=Fixed(4.0)), 20)
    assert result.violated == ()
    assert result.metrics.tracks[0].outcome == "2k"
    assert result.journal is not None
    asked = [
        (entry.facts["host"], entry.facts["path"].partition("?")[0].rpartition(".")[2])
        for entry in result.journal.of(Request)
        if entry.facts["by"] == "app.test"
    ]
    assert asked == [
        ("api.sunoapi.org", "/api/v1/generate"),
        ("api.kie.ai", "/api/v1/generate/image"),
        ("tempfile.aiquickdraw.com", "png"),
    ]


SOCKETS = """
const http = require("node:http"), net = require("node:net");
const out = (name, options) => new Promise((done) => {
  const socket = net.connect(options, () => { console.log(name, "went out"); socket.destroy(); done(); });
  socket.on("error", (error) => { console.log(name, error.code); done(); });
});
http.createServer(async (asked, answer) => {
  if (asked.method === "GET") return answer.writeHead(404).end();
  await out("options", { host: "127.0.0.2", port: OUTSIDE });
  await out("by name", { host: "outside.example.com", port: 5432 });
  await out("allowed", { host: "127.0.0.3", port: OUTSIDE });
  const secure = require("node:tls").connect(OUTSIDE, "127.0.0.2");
  await new Promise((done) => secure.on("error", (error) => { console.log("tls", error.code); done(); }));
  void globalThis.Request; // makes Node create it
  const dispatcher = globalThis[Symbol.for("undici.globalDispatcher.1")];
  const handler = { onConnect() {}, onHeaders(status) { console.log("undici", status); return true; }, onData() {},
    onComplete() { answer.writeHead(201).end('{"id": "1"}'); }, onError(error) { console.log("undici", error.code); } };
  dispatcher.dispatch({ origin: "http://127.0.0.2:OUTSIDE", path: "/", method: "GET" }, handler);
  dispatcher.dispatch({ origin: "https://api.kie.ai", path: "/api/v1/chat/credit", method: "GET" }, handler);
}).listen(process.env.PORT);
"""


def test_sockets_and_undicis_dispatcher_reach_no_other_host_and_attempts_are_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.2", 0)) as outside:
        port = outside.getsockname()[1]
        with socket.create_server(("127.0.0.3", port)):
            (tmp_path / "app.cjs").write_text(SOCKETS.replace("OUTSIDE", str(port)), encoding="utf-8")
            (tmp_path / "harness.toml").write_text(
                'settled_after = "1s"\nquiet_after = "2s"\n[application]\ncommand = "node app.cjs"\nreach = "preload"\n'
                'environment = { PORT = "{port}", DATABASE_URL = "postgres://me@127.0.0.3/x" }\n',
                encoding="utf-8",
            )
            result = run(Scenario("live/sockets", "A short run."), load_live(str(tmp_path), 1))
    assert result.journal is not None
    assert [entry.facts["text"] for entry in result.journal.of(LogLine)] == [
        "options ENOTFOUND",
        "by name ENOTFOUND",
        "allowed went out",
        "tls ENOTFOUND",
        "undici ENOTFOUND",
        "undici 200",
    ]
    unknown = [(entry.facts["host"], entry.facts["port"]) for entry in result.journal.of(ConnectionToUnknownHost)]
    assert unknown == [
        ("127.0.0.2", port),
        ("outside.example.com", 5432),
        ("127.0.0.2", port),
        ("127.0.0.2", port),
    ]
    (asked,) = [entry.facts for entry in result.journal.of(Request) if entry.facts["by"] == "app.test"]
    assert (asked["host"], asked["path"]) == ("api.kie.ai", "/api/v1/chat/credit")


def test_a_timeout_of_300_s_fires_in_six_real_seconds_at_speed_50(tmp_path: Path) -> None:
    result = played(tmp_path, Image(takes=Never()), 50)
    assert "callback-answered" in result.violated
    assert "image-present" in result.violated
    assert result.journal is not None
    (given_up,) = [
        entry.facts["after_s"]
        for entry in result.journal.of(RequestAbandoned)
        if result.journal[entry.facts["request"]].facts["by"] == "app.test"
    ]
    assert 298 <= given_up < 310  # it counts from the call, some milliseconds before the request is there
    assert result.track is not None
    assert "TimeoutError" in result.track["failure_reason"]


FOLLOWED = """
const http = require("node:http"), https = require("node:https");
const headers = { Authorization: `Bearer ${process.env.API_KEY}`, "Content-Type": "application/json" };
const credit = () => https.get("https://api.kie.ai/api/v1/chat/credit", { headers }, (answer) => answer.resume());
setInterval(credit, 1000); // a worker of its own
const order = { prompt: "p", customMode: false, instrumental: true, model: "V5" };
http.createServer((asked, answer) => {
  let text = "";
  asked.on("data", (part) => (text += part));
  asked.on("end", async () => {
    console.log(JSON.stringify([asked.headers, asked.rawHeaders]));
    if (asked.url === "/tracks") {
      const body = JSON.stringify({ ...order, callBackUrl: process.env.PUBLIC_URL + "/callback" });
      await fetch("https://api.kie.ai/api/v1/generate", { method: "POST", headers, body });
    } else if (asked.url === "/callback") {
      await new Promise((done) => setTimeout(done, 3000));
      const id = JSON.parse(text).data.task_id;
      await fetch(`https://api.kie.ai/api/v1/generate/record-info?taskId=${id}`, { headers });
    }
    answer.writeHead(asked.method === "GET" ? 404 : 201, { "Content-Type": "application/json" });
    answer.end('{"id": "1"}');
  });
}).listen(process.env.PORT);
"""


CLIENTS = APP.parent.parent / "node_clients"
OWN_POOL = f"""
const {{ Pool }} = require({json.dumps(str(CLIENTS / "node_modules" / "undici"))});
const pools = new Map();
globalThis.fetch = (url, options = {{}}) => {{
  const {{ origin, pathname, search }} = new URL(url);
  if (!pools.has(origin)) pools.set(origin, new Pool(origin));
  return pools.get(origin).request({{ method: "GET", ...options, path: pathname + search }});
}};
"""


@pytest.fixture(scope="module")
def installed_clients() -> None:
    """Install the published clients, undici among them."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=CLIENTS, check=True)


@pytest.mark.node
@pytest.mark.usefixtures("installed_clients")
def test_what_causes_a_request_is_followed_into_a_pool_of_undicis_own(tmp_path: Path) -> None:
    check_that_causes_are_followed(tmp_path, OWN_POOL + FOLLOWED)


def test_what_causes_a_request_is_followed_through_asynchronous_work(tmp_path: Path) -> None:
    check_that_causes_are_followed(tmp_path, FOLLOWED)


def check_that_causes_are_followed(folder: Path, program: str) -> None:
    """The application's own Node options do not take the place of the harness's."""
    (folder / "app.cjs").write_text(program, encoding="utf-8")
    path = folder / "harness.toml"
    text = CONFIGURATION.replace(str(APP), str(folder / "app.cjs")).replace(
        'quiet_after = "40s"', 'quiet_after = "20s"'
    )
    text = text.replace("environment = {", 'environment = { NODE_OPTIONS = "--max-old-space-size=512",')
    path.write_text(text, encoding="utf-8")
    music = Music(takes=Fixed(5.0), sends=("complete",))
    script = Script(SunoScript(music=(music,), delivery=DeliveryRules(retries_after_s=())))
    journal = run(
        Scenario("live/causes", "A worker beside a callback.", script=script, deadline_s=25.0), load_live(str(path), 10)
    ).journal
    assert journal is not None
    requests = list(journal.of(Request))

    def causes(path: str) -> set[str]:
        """Return the paths of the requests that have caused those to a path."""
        causing = [entry.cause for entry in requests if entry.event.path.partition("?")[0] == path]
        return {entry.event.path for entry in requests if entry.number in causing}

    assert causes("/api/v1/generate/record-info") == {"/callback"}
    assert causes("/api/v1/generate") == {"/tracks"}
    credits = [entry for entry in requests if entry.event.path == "/api/v1/chat/credit"]
    assert len(credits) > 10
    assert {entry.cause for entry in credits} == {0}
    lines = program.splitlines()
    for entry in requests:
        if entry.event.by == "app.test":
            sent_at = [each.partition(" ")[0].split(":") for each in entry.event.where or ()]
            assert {file for file, _ in sent_at} == {"app.cjs"}
            assert any(entry.event.path.partition("?")[0] in lines[int(line) - 1] for _, line in sent_at)
    assert [entry for entry in journal if "x-harness" in str(entry.facts)] == [], "neither side sees how"
