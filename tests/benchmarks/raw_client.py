"""A cheap client: persistent sockets, requests prepared as bytes, responses counted by their length."""

import heapq
import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.side_by_side import API_KEY

ROOT = Path(__file__).parents[2]
CONNECTIONS = 32
HEAD_ENDS = b"\r\n\r\n"
LENGTH = b"content-length: "


class Server:
    """The process that serves fakes and bare routes, and executes commands."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def do(self, **order: Any) -> Any:
        """Execute a command and return its result."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def cpu_s(self) -> float:
        used_s: float = self.do(do="cpu")["cpu_s"]
        return used_s


@contextmanager
def serving(kind: str = "asyncio") -> Iterator[Server]:
    command = [sys.executable, "-m", "tests.benchmarks.side_by_side", kind]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Server(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def request(method: str, path: str, body: Any = None) -> bytes:
    """Return a request as sent over the wire."""
    content = b"" if body is None else json.dumps(body).encode()
    more = "" if body is None else f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nAuthorization: Bearer {API_KEY}\r\n{more}\r\n"
    )
    return head.encode() + content


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def is_whole(answer: bytes) -> bool:
    """Return whether head and body are complete."""
    head = answer.find(HEAD_ENDS)
    if head < 0:
        return False
    length = answer.index(LENGTH) + len(LENGTH)
    return len(answer) >= head + len(HEAD_ENDS) + int(answer[length : answer.index(b"\r\n", length)])


def answer_to(port: int, asked: bytes) -> str:
    """Return the body of one response."""
    with connect(port) as connection:
        connection.sendall(asked)
        answer = b""
        while not is_whole(answer):
            answer += connection.recv(65_536)
    return answer.partition(HEAD_ENDS)[2].decode()


def exchange(port: int, asked: bytes, count: int, connections: int = CONNECTIONS) -> float:
    """Make `count` exchanges, always one on each connection; return the seconds that they took."""
    open_ones = [connect(port) for _ in range(connections)]
    parts = dict.fromkeys(open_ones, b"")
    with selectors.DefaultSelector() as selector:
        for connection in open_ones:
            selector.register(connection, selectors.EVENT_READ)
        began_s = time.perf_counter()
        for connection in open_ones:
            connection.send(asked)
        sent, done = connections, 0
        while done < count:
            for key, _ in selector.select():
                connection = key.fileobj  # type: ignore[assignment]
                parts[connection] += connection.recv(65_536)
                if is_whole(parts[connection]):
                    parts[connection] = b""
                    done += 1
                    if sent < count:
                        connection.send(asked)
                        sent += 1
        took_s = time.perf_counter() - began_s
    for connection in open_ones:
        connection.close()
    return took_s


def errors_s(port: int, asked: bytes, at_s: Sequence[float], takes_s: Sequence[float]) -> list[float]:
    """Send request k at `at_s[k]`, on a connection of its own; return how many seconds its response came later than the
    `takes_s[k]` of the server's delay. Negative is early."""
    open_ones = [connect(port) for _ in at_s]
    due = [(each_s, index) for index, each_s in enumerate(at_s)]
    heapq.heapify(due)
    sent_s, late_s = [0.0] * len(at_s), [0.0] * len(at_s)
    left = len(at_s)
    with selectors.DefaultSelector() as selector:
        for index, connection in enumerate(open_ones):
            selector.register(connection, selectors.EVENT_READ, index)
        began_s = time.perf_counter()
        while left:
            now_s = time.perf_counter() - began_s
            while due and due[0][0] <= now_s:
                _, index = heapq.heappop(due)
                sent_s[index] = time.perf_counter()
                open_ones[index].send(asked)
            wait_s = max(0.0, due[0][0] - (time.perf_counter() - began_s)) if due else None
            for key, _ in selector.select(wait_s):
                came_s = time.perf_counter()
                late_s[key.data] = came_s - sent_s[key.data] - takes_s[key.data]
                selector.unregister(key.fileobj)
                left -= 1
    for connection in open_ones:
        connection.close()
    return late_s
