"""The fakes served alone: used by a developer through keys, and by a program through the admin endpoints."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.serve.admin import by_name
from harness.serve.session import ServedFakes
from harness.trace.events import CallbackAnswered, ConnectionToUnknownHost, TimeAdvanced
from harness.trace.journal import AnyEntry, Journal, read_journal
from tests.live.served import PATIENCE_S, TOKEN, Served, serving

MUSIC = {"customMode": True, "instrumental": True, "model": "V4_5", "prompt": "p", "style": "s", "title": "t"}
PICTURE = {"model": "bytedance/seedream-v4-text-to-image", "prompt": "a river", "resolution": "2048x1152"}
QUICK = """
why: A picture is drawn in a third of a second.
kie:
  images:
    - takes: 300ms
"""
STYLES = re.compile(r"\x1b\[\d*m")


class Receiver:
    """Receives callbacks on a port of its own, and responds to the first `refused` of them with 500."""

    def __init__(self, refused: int = 0) -> None:
        self.received: list[Any] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(json.loads(body))
                self.send_response(500 if len(receiver.received) <= refused else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/callbacks/suno"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def make_receiver() -> Iterator[Callable[..., Receiver]]:
    with ExitStack() as stack:

        def make(refused: int = 0) -> Receiver:
            receiver = Receiver(refused)
            stack.callback(receiver.close)
            return receiver

        yield make


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), "baseline/healthy") as served:
        yield served


@pytest.fixture
def served(shared: Served) -> Served:
    """The same process for all tests, reset to the healthy scenario."""
    assert shared.admin("POST", "/scenario", {"name": "baseline/healthy"}).status_code == 200
    return shared


ENDPOINTS = [
    ("GET", "/state"),
    ("GET", "/journal"),
    ("POST", "/reset"),
    ("PUT", "/scenario"),
    ("POST", "/deliver"),
    ("POST", "/advance"),
    ("GET", "/elsewhere"),
]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_requests_without_the_token_are_refused(served: Served, method: str, path: str) -> None:
    before = served.admin("GET", "/state").json()
    for token in ("", "token-of-the-test", TOKEN + "x", "tökén"):
        answer = httpx.request(
            method,
            served.given["HARNESS_ADMIN_URL"] + path,
            headers={b"Authorization": f"Bearer {token}".encode()} if token else {},
        )
        assert answer.status_code == 401
        assert "need the header Authorization: Bearer TOKEN" in answer.json()["error"]
    after = served.admin("GET", "/state").json()
    assert (after["scenario"], after["entries"]) == (before["scenario"], before["entries"])


def test_the_admin_endpoints_are_not_on_the_ports_of_the_providers(served: Served) -> None:
    answer = httpx.get(served.given["KIE_BASE_URL"] + "/state", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 404
    assert [entry.kind for entry in served.journal()][1:] == ["request", "contract.broken", "response"]


def test_time_can_skip_to_the_next_event(served: Served, make_receiver: Callable[..., Receiver]) -> None:
    receiver = make_receiver(refused=1)
    began_s = time.monotonic()
    served.ask("SUNO", "/api/v1/generate", {**MUSIC, "callBackUrl": receiver.url})
    while not served.journal().of(CallbackAnswered):
        assert served.admin("POST", "/advance").json()["advanced_s"] < 90
    (refused,) = served.journal().of(CallbackAnswered)
    assert (refused.facts["status"], refused.facts["retry_in_s"]) == (500, 60.0)
    served.admin("POST", "/advance", {"seconds": 60})
    served.until(lambda: len(served.journal().of(CallbackAnswered)) > 1)
    assert len(receiver.received) > 1
    assert time.monotonic() - began_s < 15
    moved_s = sum(entry.facts["by_s"] for entry in served.journal().of(TimeAdvanced))
    assert served.journal().entries[-1].at_s == pytest.approx(moved_s, abs=15)


def test_a_callback_is_delivered_again(served: Served, make_receiver: Callable[..., Receiver]) -> None:
    receiver = make_receiver()
    refusal = served.admin("POST", "/deliver")
    assert (refusal.status_code, refusal.json()["error"]) == (409, "no callback has been delivered yet")
    asked = served.ask("SUNO", "/api/v1/generate", {**MUSIC, "callBackUrl": receiver.url})
    served.admin("POST", "/advance", {"seconds": 40})
    served.until(lambda: served.journal().of(CallbackAnswered))
    task_id = asked["data"]["taskId"]
    before = len(receiver.received)
    for body in (None, {"task_id": task_id}):
        answer = served.admin("POST", "/deliver", body).json()
        assert (answer["task_id"], answer["url"]) == (task_id, receiver.url)
    served.until(lambda: len(receiver.received) == before + 2)
    assert receiver.received[-1] == receiver.received[-2]
    assert "of the task 'nobody' has been delivered" in served.admin("POST", "/deliver", {"task_id": "nobody"}).text


def test_another_scenario_can_be_loaded_on_the_same_ports(served: Served) -> None:
    before = served.admin("GET", "/state").json()
    served.ask("KIE", "/api/v1/jobs/createTask", {})
    answer = served.admin("PUT", "/scenario", {"name": "failing/code-500-always"}).json()
    assert (answer["scenario"], answer["urls"], answer["entries"]) == ("failing/code-500-always", before["urls"], 1)
    assert served.ask("KIE", "/api/v1/generate/image", PICTURE)["code"] == 500
    answer = served.admin("POST", "/scenario", text=QUICK).json()
    assert answer["scenario"] == "inline"
    assert served.ask("KIE", "/api/v1/generate/image", PICTURE)["code"] == 200


def test_a_reset_forgets_every_task(served: Served) -> None:
    body = {"model": PICTURE["model"], "input": {"prompt": "a river"}}
    task_id = served.ask("KIE", "/api/v1/jobs/createTask", body)["data"]["taskId"]
    url = f"{served.given['KIE_BASE_URL']}/api/v1/jobs/recordInfo?taskId={task_id}"
    key = {"Authorization": f"Bearer {served.given['KIE_API_KEY']}"}
    assert httpx.get(url, headers=key).json()["code"] == 200
    assert served.admin("POST", "/reset").json()["entries"] == 1
    assert httpx.get(url, headers=key).json()["code"] == 422


def _hostile(path: str, body: str, sentence: str, name: str) -> Any:
    return pytest.param("POST", path, body, 400, sentence, id=name)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("POST", "/scenario", '{"name": "slow/image-16"}', 400, 'did you mean "slow/image-16s"?'),
        (
            "POST",
            "/scenario",
            '{"name": 5}',
            400,
            '"name": expected a string such as "slow/image-16s", found 5',
        ),
        ("POST", "/scenario", '{"name": "slow"}', 400, "scenarios, expected one"),
        (
            "POST",
            "/scenario",
            "why: x\nkie:\n  images:\n    - takes: 16\n",
            400,
            "inline.yaml:4:14: kie.images[0].takes",
        ),
        ("POST", "/advance", '{"seconds": -1}', 400, '"seconds": expected a number from 0'),
        ("POST", "/advance", '{"seconds": "60"}', 400, 'found "60"'),
        ("POST", "/advance", "60", 400, "the body is not a JSON object"),
        _hostile("/advance", '{"seconds": ' + "9" * 30_000 + "}", "the body is not a JSON object", "digits"),
        _hostile("/advance", '{"seconds": 1e999}', "the body is not a JSON object", "1e999"),
        _hostile("/advance", "[" * 100_000, "the body is not a JSON object", "nested"),
        _hostile("/scenario", "[" * 100_000, "expected at most 32 nested levels", "nested scenario"),
        _hostile("/scenario", "why: x\ndeadline: " + "9" * 30_000 + "s\n", "expected a duration", "duration"),
        _hostile("/scenario", '{"name": "' + "a" * 100_000 + '"}', "unknown scenario", "long name"),
        _hostile("/scenario", '{"name": "\\ud800"}', "unknown scenario", "surrogate"),
        ("GET", "/requests", "", 404, "expected one of GET /state, GET /journal"),
        ("GET", "/reset", "", 404, "unknown endpoint GET /reset"),
    ],
)
def test_an_invalid_request_is_refused_and_changes_nothing(
    served: Served, method: str, path: str, body: str, status: int, sentence: str
) -> None:
    answer = served.admin(method, path, text=body)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]
    assert len(answer.text) < 5000
    assert served.admin("GET", "/state").json()["scenario"] == "baseline/healthy"


def test_a_scripted_delay_is_never_early(served: Served) -> None:
    served.admin("POST", "/scenario", text=QUICK)

    def waited_s(_: int) -> float:
        began_s = time.monotonic()
        assert served.ask("KIE", "/api/v1/generate/image", PICTURE)["code"] == 200
        return time.monotonic() - began_s

    with ThreadPoolExecutor(10) as pool:
        assert min(pool.map(waited_s, range(20))) >= 0.3


def test_a_callback_to_another_machine_is_reported_and_not_sent(served: Served) -> None:
    served.ask("SUNO", "/api/v1/generate", {**MUSIC, "callBackUrl": "http://192.0.2.1/callbacks"})
    served.admin("POST", "/advance", {"seconds": 40})
    answered = served.until(lambda: served.journal().of(CallbackAnswered))[0].facts
    assert (answered["outcome"], answered["retry_in_s"]) == ("unreachable", 60.0)
    assert answered["latency_s"] < 1.0
    unknown = served.journal().of(ConnectionToUnknownHost)[0].facts
    assert unknown == {"host": "192.0.2.1", "port": 80, "by": "api.kie.ai"}
    served.until(lambda: any("nothing is sent to 192.0.2.1" in line for line in served.lines))


def test_a_journal_is_complete_up_to_the_moment_the_process_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path, "slow/image-5s") as served:
        served.ask("KIE", "/api/v1/jobs/createTask", {"model": 3})
        served.until(lambda: len(served.journal()) >= 5)
        served.process.send_signal(signal.SIGKILL)
        served.process.wait(10)
    kinds = [entry.kind for entry in read_journal(served.journal_file.read_text("utf-8"))]
    assert kinds == ["run.began", "request", "contract.broken", "task.refused", "response"]
    judged = subprocess.run(
        [sys.executable, "-m", "harness", "judge", str(served.journal_file)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert judged.returncode == 1, judged.stderr
    assert "honours-contract: /api/v1/jobs/createTask: model" in judged.stdout
    assert "replay: harness serve " in judged.stdout


def test_each_scenario_has_a_journal_of_its_own(tmp_path: Path) -> None:
    with serving(tmp_path, "slow/image-5s") as served:
        served.admin("POST", "/scenario", {"name": "slow/image-16s"})
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(10) == 0
    for name, scenario in (("served.jsonl", "slow/image-5s"), ("served-2.jsonl", "slow/image-16s")):
        entries = read_journal((tmp_path / name).read_text("utf-8")).entries
        assert entries[0].facts["scenario"] == scenario
        assert entries[-1].kind == "run.ended"


def test_the_keys_of_a_terminal(tmp_path: Path, make_receiver: Callable[..., Receiver]) -> None:
    receiver = make_receiver()
    ours, theirs = pty.openpty()
    seen = ""

    def see(expected: str) -> str:
        nonlocal seen
        until_s = time.monotonic() + PATIENCE_S
        while not (found := re.search(expected, seen)):
            assert time.monotonic() < until_s, seen
            seen += STYLES.sub("", os.read(ours, 65_536).decode())
        seen = seen[found.end() :]
        return found[found.lastindex or 0]

    command = [sys.executable, "-m", "harness", "serve", "slow/image-5s"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "80", "NO_COLOR": "1"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=theirs, stdout=theirs) as process:
        os.close(theirs)
        suno = see(r"export SUNO_BASE_URL=(\S+)")
        see("s switch the scenario")
        os.write(ours, b"r")
        see("no callback has been delivered yet")
        body = {**MUSIC, "callBackUrl": receiver.url}
        httpx.post(f"{suno}/api/v1/generate", json=body, headers={"Authorization": "Bearer test-key"})
        see(r"→ POST /api/v1/generate 200  \d+ ms")
        os.write(ours, b"a")
        see(r"advanced by \d+\.\d s")
        see(r'← "text" to http://127\.0\.0\.1:\d+/callbacks/suno attempt 1 of 4')
        see(r"→ response to attempt 1 200  \d+ ms")
        os.write(ours, b"r")
        see(r'← "text" to')
        see(r"→ response to attempt 1 200")
        os.write(ours, b"sslow/image-6")
        see("scenario: slow/image-6  → slow/image-61s")
        os.write(ours, b"\x1bsimage-16s\n")
        see("serving slow/image-16s")
        os.write(ours, b"snosuch\n")
        see('unknown scenario "nosuch"')
        os.write(ours, b"q")
        with contextlib.suppress(OSError):  # EIO: nobody is at the other end any more
            while os.read(ours, 65_536):
                pass
        assert process.wait(10) == 0
    os.close(ours)
    assert len(receiver.received) == 2


def test_a_response_is_sent_before_it_is_reported() -> None:
    answered, waited_well = threading.Event(), list[bool]()

    def hear(journal: Journal, entries: Sequence[AnyEntry]) -> None:
        if any(entry.kind == "response" for entry in entries):
            waited_well.append(answered.wait(PATIENCE_S))

    serving = ServedFakes(by_name("baseline/healthy"), 1, on_entries=hear)
    begun = threading.Event()
    thread = threading.Thread(target=serving.run, args=({}, begun.set))
    thread.start()
    try:
        assert begun.wait(PATIENCE_S)
        url = serving.environment()["SUNO_BASE_URL"]
        assert httpx.get(f"{url}/api/v1/chat/credit", timeout=PATIENCE_S).json()["code"] == 401
        answered.set()
    finally:
        serving.loop.call_soon_threadsafe(serving.stop)
        thread.join()
    assert waited_well == [True]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full: Linux has one as /dev/full")
def test_a_journal_that_can_no_longer_be_written_ends_it_with_a_message() -> None:
    command = [sys.executable, "-m", "harness", "serve", "--journal", "/dev/full"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (ended.returncode, ended.stderr) == (2, "error: /dev/full: cannot be written (No space left on device)\n")
