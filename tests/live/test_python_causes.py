"""Python processes say what caused their requests, through threads, pools and tasks; a heartbeat belongs to none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engine.run import run
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Music, Script, SunoScript
from harness.scenario.model import Scenario
from harness.targets import load_live
from harness.trace.events import Request
from harness.trace.journal import Journal
from harness.world.live.faketime import library
from harness.world.live.redirect import PYTHON_HOOK

needs_clock = pytest.mark.skipif(library() is None, reason="libfaketime is not installed")
COMMON = """
import os, threading, time
KEY = {"Authorization": "Bearer " + os.environ["API_KEY"]}
ORDER = {"prompt": "p", "customMode": False, "instrumental": True, "model": "V5"}
ORDER["callBackUrl"] = os.environ["PUBLIC_URL"] + "/callback"
CREDIT, GENERATE = "https://api.kie.ai/api/v1/chat/credit", "https://api.kie.ai/api/v1/generate"
RECORD = GENERATE + "/record-info?via="
"""
THREADS = """
from concurrent.futures import ThreadPoolExecutor
import requests, urllib.request
from flask import Flask, request

def beat():
    while True:
        requests.get(CREDIT, headers=KEY)
        time.sleep(1)

app, pool = Flask(__name__), ThreadPoolExecutor(1)
threading.Thread(target=beat, daemon=True).start()

@app.post("/tracks")
def create():
    assert not [name for name, _ in request.headers if "harness" in name.lower()]
    requests.post(GENERATE, json=ORDER, headers=KEY)
    return {"id": "1"}, 201

@app.post("/callback")
def hear():
    task = "&taskId=" + request.json["data"]["task_id"]
    time.sleep(3)
    requests.get(RECORD + "requests" + task, headers=KEY)
    urllib.request.urlopen(urllib.request.Request(RECORD + "urllib" + task, headers=KEY)).read()
    pool.submit(requests.get, RECORD + "pool" + task, headers=KEY).result()
    later = lambda: (time.sleep(2), requests.get(RECORD + "thread" + task, headers=KEY))
    threading.Thread(target=later).start()
    return "", 200
"""
TASKS = """
import asyncio, contextlib
import aiohttp, httpx, uvicorn
from fastapi import BackgroundTasks, FastAPI, Request

async def beat():
    async with httpx.AsyncClient(headers=KEY) as client:
        while True:
            await client.get(CREDIT)
            await asyncio.sleep(1)

@contextlib.asynccontextmanager
async def lifespan(app):
    task = asyncio.create_task(beat())
    yield
    task.cancel()

app = FastAPI(lifespan=lifespan)

@app.post("/tracks", status_code=201)
async def create(request: Request):
    assert not [name for name in request.headers if "harness" in name]
    async with httpx.AsyncClient() as client:
        await client.post(GENERATE, json=ORDER, headers=KEY)
    return {"id": "1"}

def later(task):
    time.sleep(2)
    httpx.get(RECORD + "background" + task, headers=KEY)

@app.post("/callback")
async def hear(body: dict, background: BackgroundTasks):
    task = "&taskId=" + body["data"]["task_id"]
    await asyncio.sleep(3)
    async with aiohttp.ClientSession(trust_env=True, headers=KEY) as session:
        await session.get(RECORD + "aiohttp" + task)
    async with httpx.AsyncClient(headers=KEY) as client:
        await asyncio.create_task(client.get(RECORD + "task" + task))
    await asyncio.get_running_loop().run_in_executor(None, lambda: httpx.get(RECORD + "executor" + task, headers=KEY))
    background.add_task(later, task)
"""
CONFIGURATION = """
settled_after = "10s"
quiet_after = "10s"
[application]
command = {command}
reach = "proxy"
environment = {{ API_KEY = "{{api_key}}", PUBLIC_URL = "{{app}}" }}
"""
FLASK = 'app.run("127.0.0.1", int(PORT), threaded=True)'
WSGIREF = """
from wsgiref.simple_server import WSGIServer, make_server
from socketserver import ThreadingMixIn
class Server(ThreadingMixIn, WSGIServer): pass
make_server("127.0.0.1", int(PORT), app, Server).serve_forever()
"""
UVICORN = 'uvicorn.run(app, host="127.0.0.1", port=int(PORT))'
HYPERCORN = """
from hypercorn.asyncio import serve
from hypercorn.config import Config
config = Config()
config.bind = ["127.0.0.1:" + PORT]
asyncio.run(serve(app, config))
"""


def played(folder: Path, program: str, reach: str = "proxy") -> Journal:
    (folder / "app.py").write_text(COMMON + "import sys; PORT = sys.argv[1]\n" + program, encoding="utf-8")
    text = CONFIGURATION.format(command=repr(f'"{sys.executable}" app.py {{port}}'))
    if reach == "variables":
        base = 'KIE_BASE_URL = "{kie}", SUNO_BASE_URL = "{suno}", API_KEY'
        text = text.replace('reach = "proxy"', "").replace("API_KEY", base, 1)
    (folder / "harness.toml").write_text(text, encoding="utf-8")
    music = Music(takes=Fixed(5.0), sends=("complete",))
    script = Script(SunoScript(music=(music,), delivery=DeliveryRules(retries_after_s=())))
    scenario = Scenario("live/causes", "A heartbeat beside a callback.", script=script, deadline_s=30.0)
    journal = run(scenario, load_live(str(folder), 5)).journal
    assert journal is not None
    return journal


def causes(journal: Journal) -> dict[str, set[str]]:
    """Return the paths of the requests that caused those to each path of the fakes, or how else they are known."""
    found: dict[str, set[str]] = {}
    for entry in journal.of(Request):
        if entry.event.by == "app.test":
            path = entry.event.path.partition("&")[0]
            behind = journal.entry(entry.cause, Request).event.path if entry.cause else "none"
            found.setdefault(path, set()).add(f"{behind}, guessed" if entry.event.guessed else behind)
    return found


def check_code(folder: Path, journal: Journal) -> None:
    """Assert that the journal names the lines of the application that made its requests; a pool's thread may run a
    library's function alone."""
    lines = (folder / "app.py").read_text("utf-8").splitlines()
    for entry in journal.of(Request):
        if entry.event.by == "app.test" and "via=pool" not in entry.event.path:
            sent_at = [each.partition(" ")[0].split(":") for each in entry.event.where or ()]
            assert {file for file, _ in sent_at} == {"app.py"}, entry.event.path
            assert all(lines[int(line) - 1].strip() for _, line in sent_at)


def followed(*ways: str) -> dict[str, set[str]]:
    records = {f"/api/v1/generate/record-info?via={way}": {"/callback"} for way in ways}
    return {"/api/v1/generate": {"/tracks"}, "/api/v1/chat/credit": {"none"}} | records


@needs_clock
@pytest.mark.parametrize("server", [FLASK, WSGIREF])
def test_threads_are_followed(tmp_path: Path, server: str) -> None:
    journal = played(tmp_path, THREADS + server)
    assert causes(journal) == followed("requests", "urllib", "pool", "thread")
    check_code(tmp_path, journal)
    assert [entry for entry in journal if "x-harness" in str(entry.facts)] == [], "neither side sees how"


@needs_clock
@pytest.mark.parametrize("server", [UVICORN, HYPERCORN])
def test_tasks_are_followed(tmp_path: Path, server: str) -> None:
    journal = played(tmp_path, TASKS + server)
    assert causes(journal) == followed("aiohttp", "task", "executor", "background")
    check_code(tmp_path, journal)
    assert [entry for entry in journal if "x-harness" in str(entry.facts)] == [], "neither side sees how"


OWN = "import os, sys; print(os.environ['HARNESS_OWN'], sys.modules['sitecustomize'].__file__, sys.path)"


def hooked(program: str, *folders: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in a Python process with the hook and some folders in its PYTHONPATH."""
    path = os.pathsep.join(map(str, (PYTHON_HOOK, *folders)))
    environment = {**os.environ, "PYTHONPATH": path, **variables}
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)


def test_the_users_own_sitecustomize_is_loaded_and_the_hook_is_out_of_sight(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os; os.environ['HARNESS_OWN'] = 'loaded'", encoding="utf-8")
    found = hooked(OWN, tmp_path)
    assert found.stdout.startswith(f"loaded {tmp_path / 'sitecustomize.py'} ")
    assert (str(PYTHON_HOOK) in found.stdout, found.stderr) == (False, "")


def test_a_process_without_a_followed_server_says_nothing_and_imports_nothing(tmp_path: Path) -> None:
    """A worker beside the application: which request it works for cannot be known."""
    program = (
        "import sys; before = set(sys.modules); import sitecustomize, http.client\n"
        "print(sorted(before & {'http.client', 'json', 'threading', 'asyncio', 'queue'}))\n"
        "hook = sys.modules[http.client.HTTPConnection.endheaders.__module__]\n"
        "print(hook.FOLLOWING.cause('127.0.0.1', 80)); hook.FOLLOWING.serves()\n"
        "print(hook.FOLLOWING.cause('127.0.0.1', 80), hook.FOLLOWING.cause('127.0.0.1', 81))"
    )
    followed = tmp_path / "followed"
    found = hooked(program, HARNESS_FAKES='["http://127.0.0.1:80"]', HARNESS_FOLLOWED=str(followed))
    assert (found.stdout.splitlines(), found.stderr) == (["[]", "None", "0 None"], "")
    assert followed.exists()


def test_a_hook_that_does_not_fit_leaves_a_module_as_it_is(tmp_path: Path) -> None:
    """An application's own module has the name of a server's: it works as without the harness."""
    (tmp_path / "httpcore.py").write_text("class ConnectionPool: pass\n", encoding="utf-8")
    found = hooked("import httpcore; print(httpcore.ConnectionPool())", tmp_path)
    assert (found.stdout[:10], found.stderr) == ("<httpcore.", "")
