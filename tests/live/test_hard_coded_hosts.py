"""Applications whose hosts are in the code: each client reaches the fakes, or is refused with a sentence and seen.

What `harness serve` prints is pasted into the environment of programs with many clients.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.trace.events import ConnectionToUnknownHost, Request
from tests.live.served import Served, serving

pytestmark = pytest.mark.timeout(300)
APPS = Path(__file__).parent.parent / "apps"
ELSEWHERE = "maps.example.com"
PROXY = "proxy.example.com"
CREDIT = "/api/v1/chat/credit"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), "baseline/healthy") as served:
        yield served


def printed(served: Served, *names: str) -> dict[str, str]:
    """Return variables as a shell gets them from the printed lines."""
    lines = served.until(
        lambda: [each for each in served.lines if each.startswith("export NODE_EXTRA_CA_CERTS")] and served.lines
    )
    words = [shlex.split(line.removeprefix("export ")) for line in lines if line.startswith("export ")]
    assert all(len(each) == 1 for each in words)
    variables = dict(each[0].split("=", 1) for each in words)
    return {name: variables[name] for name in names}


def outcomes(served: Served, command: list[str], environment: dict[str, str], **elsewhere: str) -> dict[str, str]:
    """Return what a program printed for each of its clients; the journal begins with it."""
    assert served.admin("POST", "/reset").status_code == 200
    run = subprocess.run(
        command, env={**os.environ, **environment, **elsewhere}, capture_output=True, text=True, check=True, timeout=200
    )
    return dict(json.loads(line) for line in run.stdout.splitlines())


def seen(served: Served) -> tuple[list[tuple[str, str]], list[tuple[str, int]]]:
    """Return the hosts and paths that were requested, and the unknown hosts."""
    journal = served.journal()
    requested = [(entry.event.host, entry.event.path) for entry in journal.of(Request)]
    return requested, [(entry.event.host, entry.event.port) for entry in journal.of(ConnectionToUnknownHost)]


@pytest.mark.node
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_every_client_of_node_reaches_the_fakes_or_is_refused_with_a_sentence(served: Served) -> None:
    folder = APPS / "node_clients"
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    preload = printed(served, "NODE_OPTIONS")
    found = outcomes(served, ["node", str(folder / "hosts.js")], preload, HTTPS_PROXY=f"http://{PROXY}:3128")
    refused = {name for name in found if name.endswith((" elsewhere", " through a proxy"))}
    web_sockets = {name for name in found if name.endswith("WebSocket")}
    others = {"http2", "EventSource", "dns.lookup", "dns.resolve4"}
    reached = set(found) - refused - web_sockets - others
    assert len(reached) > 40
    assert {name: found[name] for name in reached} == dict.fromkeys(reached, "200")
    for name in refused:
        assert "the harness lets nothing out" in found[name], name
    assert "HTTP/2 to api.kie.ai is refused by the harness: the fakes speak HTTP/1.1 only" in found["http2"]
    assert found["dns.lookup"] == found["dns.resolve4"]
    assert "404" in found["ws WebSocket"], "the fakes have no such route"
    assert "text/event-stream" in found["EventSource"]
    requested, unknown = seen(served)
    at_least = len(reached) + 1  # some clients send two; EventSource's is one, too
    assert requested.count(("api.kie.ai", CREDIT)) >= at_least
    assert requested.count(("api.kie.ai", "/socket")) == len(web_sockets)
    assert set(unknown) == {(ELSEWHERE, 443), (PROXY, 3128), ("api.kie.ai", 443)}
    assert len(unknown) == len(refused) + 1


def test_every_client_of_python_reaches_the_fakes_through_the_proxy(served: Served) -> None:
    names = ("HTTPS_PROXY", "http_proxy", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    found = outcomes(served, [sys.executable, str(APPS / "plain" / "hosts.py")], printed(served, *names))
    refused = {name for name in found if name.endswith(" elsewhere")}
    assert len(refused) == 4
    reached = set(found) - refused
    assert {name: found[name] for name in reached} == dict.fromkeys(reached, "200 HTTP/1.1")
    for name in refused:
        assert f"the harness lets nothing out and has no fake of {ELSEWHERE}" in found[name], name
    requested, unknown = seen(served)
    assert requested == [("api.kie.ai", CREDIT)] * len(reached)
    assert unknown == [(ELSEWHERE, 443)] * len(refused)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_reaches_the_fakes_after_the_scenario_was_switched(served: Served) -> None:
    variables = printed(served, "HTTPS_PROXY", "CURL_CA_BUNDLE")
    for name in ("baseline/healthy", "slow/image-16s"):
        assert served.admin("POST", "/scenario", {"name": name}).status_code == 200
        curl = ["curl", "--silent", "--fail", "--http2", f"https://api.kie.ai{CREDIT}"]
        subprocess.run(curl, env={**os.environ, **variables}, check=True, capture_output=True, timeout=60)
        assert seen(served) == ([("api.kie.ai", CREDIT)], [])
