"""The memory of `harness serve` stays flat, however many requests it has answered.

    HARNESS_SERVE_REQUESTS=20000 pytest tests/benchmarks/test_serve_memory.py -m slow --benchmark-enable -s

Tasks begin, end, are called back in vain and forgotten. No picture is fetched, since rendered ones have a cache of
64 MiB. The resident memory after 20,000 requests is compared with that after 10,000, when all that is remembered for a
while has been filled; 200,000 take a quarter of an hour. `extra_info` has the figures in MiB. That each thing that is
remembered is forgotten is tested in a moment by `tests/fakes/test_forgetting.py`.
"""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.benchmarks.test_fakes_speed import JOB, MUSIC, PICTURE, PICTURE_PATH

REQUESTS = int(os.environ.get("HARNESS_SERVE_REQUESTS", "0"))
WARM_REQUESTS = 10_000
GROWN_MIB_MAX = 12
"""What may be allotted anew and not given back to the system; it was 4 kB for each request, which is 40 MiB."""
ADVANCED_AFTER, ADVANCE_S = 400, 1_500
TOKEN = "token-of-the-benchmark"
UNLIMITED = """
why: Nothing is limited.
suno:
  credits: 1000000
  creations-per-10s: 10000
  queries-per-second: 10000
kie:
  credits: 1000000
  creations-per-10s: 10000
  images:
    - takes: 1ms
"""


class Client:
    """Sends requests to served fakes, on one connection to each."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self.sent = 0

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of a response of SUNO, KIE or the HARNESS itself."""
        name, key = ("HARNESS_ADMIN_URL", TOKEN) if who == "HARNESS" else (f"{who}_BASE_URL", "test-key")
        host = urlsplit(self._environment[name]).netloc
        connection = self._connections.setdefault(host, http.client.HTTPConnection(host, timeout=30))
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        content = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
        connection.request(method, path, content, headers)
        response = connection.getresponse()
        received = response.read()
        assert response.status == 200, received
        self.sent += 1
        return json.loads(received)

    def work(self, requests: int) -> None:
        """Send so many requests: music and pictures are created and asked for."""
        until = self.sent + requests
        while self.sent < until:
            music = self.ask("SUNO", "POST", "/api/v1/generate", MUSIC)["data"]["taskId"]
            self.ask("SUNO", "GET", f"/api/v1/generate/record-info?taskId={music}")
            job = self.ask("KIE", "POST", "/api/v1/jobs/createTask", JOB)["data"]["taskId"]
            self.ask("KIE", "GET", f"/api/v1/jobs/recordInfo?taskId={job}")
            self.ask("KIE", "POST", PICTURE_PATH, PICTURE)
            if self.sent % ADVANCED_AFTER < 5:
                self.ask("HARNESS", "POST", "/advance", {"seconds": ADVANCE_S})
                self.close()  # connections have been idle for longer than a server waits

    def close(self) -> None:
        """Close the connections; the next request to a server opens one again."""
        for connection in self._connections.values():
            connection.close()


@contextmanager
def served(*words: str) -> Iterator[tuple[Client, int]]:
    """Yield a client of fakes in a process of their own, and that process's id."""
    command = [sys.executable, "-m", "harness", "serve", "--admin-token", TOKEN, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            environment: dict[str, str] = {}
            while "KIE_API_KEY" not in environment:
                name, _, value = process.stdout.readline().removeprefix("export ").strip().partition("=")
                environment[name] = value
            reading = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
            client = Client(environment)
            yield client, process.pid
            client.close()
        finally:
            process.terminate()
            reading.wait()


def resident_mib(process_id: int) -> float:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc (Linux)")
@pytest.mark.skipif(not REQUESTS, reason="takes minutes; HARNESS_SERVE_REQUESTS=20000 runs it")
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("keeps", ["the newest entries", "a journal on disk"])
def test_memory_stays_flat_over_many_requests(benchmark: Any, tmp_path: Path, keeps: str) -> None:
    journal = tmp_path / "served.jsonl"

    def measure() -> dict[str, float]:
        with served(*(["--journal", str(journal)] if keeps == "a journal on disk" else [])) as (client, process_id):
            client.ask("HARNESS", "POST", "/scenario", UNLIMITED)
            figures = {"at the start": resident_mib(process_id)}
            for requests in (WARM_REQUESTS // 2, WARM_REQUESTS, REQUESTS // 2, REQUESTS):
                client.work(requests - client.sent)
                figures[f"after {requests}"] = resident_mib(process_id)
            state = client.ask("HARNESS", "GET", "/state")
            assert (state["dropped"] == 0) == (keeps == "a journal on disk")
            assert state["entries"] > REQUESTS
            return figures

    benchmark.group = "memory of harness serve"
    figures = benchmark.pedantic(measure, rounds=1)
    benchmark.extra_info |= {when: round(mib, 1) for when, mib in figures.items()}
    print(keeps, benchmark.extra_info)
    grown_mib = figures[f"after {REQUESTS}"] - figures[f"after {WARM_REQUESTS}"]
    assert grown_mib < GROWN_MIB_MAX, figures
