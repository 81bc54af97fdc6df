"""Clients give up where they should when their process's clock is sped up: on either side of 15, 60, 100 and 300 s."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.world.live.faketime import TICKS, SharedClock, faketime_environment, library, preloading

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(library() is None, reason="libfaketime is not installed: a process's clock cannot be sped up"),
    pytest.mark.timeout(300),
]
APPS = Path(__file__).parent.parent / "apps"
LIMITS_S = (15, 60, 100, 300)
SPEEDS = (10.0, 20.0, 50.0)
MARGIN_REAL_S = 0.15
"""How far a response is from a limit: on a busy machine a client is late, too."""
ATTEMPTS = 3


def pairs(speed: float) -> list[tuple[float, float]]:
    """Return each limit with a response before and after it."""
    return [(limit, limit + side * MARGIN_REAL_S * speed) for limit in LIMITS_S for side in (-1, 1)]


async def measured(command: Sequence[str], speed: float, wanted: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """Return what the clients of a program did, at a server that responds after the seconds in the path."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):  # it was only opened
            line = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
            await asyncio.sleep(float(line[1].lstrip(b"/")) / speed)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clock = SharedClock()
    environment = {**os.environ, **faketime_environment(speed, 0.0), **clock.environment}
    environment["NODE_OPTIONS"] = preloading(TICKS, environment.get("NODE_OPTIONS", ""))
    arguments = [f"http://127.0.0.1:{port}", *(f"{limit}:{after:g}" for limit, after in wanted)]
    process = await asyncio.create_subprocess_exec(*command, *arguments, env=environment, stdout=subprocess.PIPE)
    try:
        output, _ = await process.communicate()
    finally:
        server.close()
        clock.close()
    return [json.loads(line) for line in output.splitlines()]


async def check(command: Sequence[str], clients: int) -> None:
    """Assert that every client gives up at its limit and not before; what was late on a busy machine is tried again."""
    left = {speed: pairs(speed) for speed in SPEEDS}
    wrong: list[tuple[float, dict[str, Any]]] = []
    for attempt in range(ATTEMPTS):
        found = await asyncio.gather(*(measured(command, speed, wanted) for speed, wanted in left.items() if wanted))
        each = [(speed, one) for (speed, _), many in zip(left.items(), found, strict=False) for one in many]
        if attempt == 0:
            assert len(each) == len(SPEEDS) * 2 * clients
        wrong = [
            (s, one) for s, one in each if one["outcome"] != ("answered" if one["after"] < one["limit"] else "gave up")
        ]
        left = {speed: sorted({(one["limit"], one["after"]) for s, one in wrong if s == speed}) for speed in SPEEDS}
        left = {speed: wanted for speed, wanted in left.items() if wanted}
        if not left:
            break
    assert wrong == []


@pytest.mark.asyncio
async def test_clients_give_up_at_their_limits() -> None:
    checks = [check([sys.executable, str(APPS / "plain" / "clients.py")], 4 * len(LIMITS_S))]
    if shutil.which("npm") is not None:
        folder = APPS / "node_clients"
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
        checks.append(check(["node", str(folder / "clients.js")], 7 * len(LIMITS_S) + 1))
    await asyncio.gather(*checks)


ONE_TIMER = """
let calls = 0;
const timer = setTimeout(() => {{ calls += 1; {restarts} }}, 499);
const until = Date.now() + 1300;
while (Date.now() < until);
setTimeout(() => console.log(calls), 100);
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
@pytest.mark.parametrize(("restarts", "counts"), [("", False), ("timer.refresh(); timer.unref();", True)])
def test_only_a_timer_that_counts_is_called_for_the_ticks_that_it_is_late(restarts: str, counts: bool) -> None:
    """A timer of the application that happens to have the same delay is called once, however late it is."""
    command = ["node", "--require", str(TICKS), "-e", ONE_TIMER.format(restarts=restarts)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(printed) >= 1
    assert (int(printed) > 1) == counts
