"""No byte leaves a cell: a listener on this machine hears nothing from any client, in Python or in C."""

import select
import socket
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.engine.run import run
from harness.errors import ImplementationError
from harness.scenario import catalogue
from harness.targets import load

SHOP = (Path(__file__).parent / "shop.py").read_text("utf-8")
(HEALTHY,) = catalogue.select(["baseline/healthy"])

WAYS = {
    "socket": "import socket; s = socket.create_connection(('127.0.0.1', PORT)); s.sendall(b'out')",
    "connect_ex": "import socket; s = socket.socket(); s.connect_ex(('127.0.0.1', PORT)); s.send(b'out')",
    "_socket": "import _socket; s = _socket.socket(); s.connect(('127.0.0.1', PORT)); s.send(b'out')",
    "datagram": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'out', ('127.0.0.1', PORT))",
    "sendmsg": "import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendmsg([b'out'], [], 0, ('127.0.0.1', PORT))",
    "urllib": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:PORT/', timeout=2)",
    "requests": "import requests; requests.get('http://127.0.0.1:PORT/', timeout=2)",
    "httpx.Client": "import httpx; httpx.get('http://127.0.0.1:PORT/', timeout=2, trust_env=False)",
    "a loop of its own": (
        "import asyncio, threading\n"
        "async def go(): await asyncio.open_connection('127.0.0.1', PORT)\n"
        "t = threading.Thread(target=lambda: asyncio.run(go())); t.start(); t.join(3)"
    ),
    "libpq, by psycopg": "import psycopg; psycopg.connect('host=127.0.0.1 port=PORT connect_timeout=2')",
    "libcurl, by pycurl": (
        "import pycurl\nc = pycurl.Curl(); c.setopt(c.URL, 'http://127.0.0.1:PORT/'); c.setopt(c.TIMEOUT, 2)\n"
        "c.perform()"
    ),
    "libcurl, by curl_cffi": "import curl_cffi; curl_cffi.get('http://127.0.0.1:PORT/', timeout=2)",
    "libc: connect": (
        "import ctypes, socket, struct\ns = socket.socket()\n"
        "address = struct.pack('=HH4s8x', socket.AF_INET, socket.htons(PORT), bytes([127, 0, 0, 1]))\n"
        "ctypes.CDLL(None).connect(s.fileno(), address, 16); s.send(b'out')"
    ),
    "libc: sendto": (
        "import ctypes, socket, struct\ns = socket.socket(type=socket.SOCK_DGRAM)\n"
        "address = struct.pack('=HH4s8x', socket.AF_INET, socket.htons(PORT), bytes([127, 0, 0, 1]))\n"
        "ctypes.CDLL(None).sendto(s.fileno(), b'out', 3, 0, address, 16)"
    ),
    "libc: system": "import ctypes; ctypes.CDLL(None).system(b'echo out > /dev/tcp/127.0.0.1/PORT')",
    "a process": "import subprocess; subprocess.run(['bash', '-c', 'echo out > /dev/tcp/127.0.0.1/PORT'])",
    "os.system": "import os; os.system(\"bash -c 'echo out > /dev/tcp/127.0.0.1/PORT'\")",
    "a forked process": (
        "import os, socket\nif os.fork() == 0:\n"
        "    try: socket.create_connection(('127.0.0.1', PORT))\n    finally: os._exit(0)"
    ),
    "multiprocessing": (
        "import multiprocessing as m, socket\n"
        "p = m.get_context('fork').Process(target=socket.create_connection, args=(('127.0.0.1', PORT),))\n"
        "p.start(); p.join()"
    ),
}


class Listener:
    """Listens for connections and datagrams at one port of this machine."""

    def __init__(self) -> None:
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(type=socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))

    def hears(self) -> bool:
        """Return whether a connection or a datagram has arrived."""
        return bool(select.select([self.tcp, self.udp], [], [], 0)[0])


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    with made.tcp, made.udp:
        yield made


def test_the_listener_hears_what_is_not_in_a_cell(listener: Listener) -> None:
    assert not listener.hears()
    with socket.create_connection(("127.0.0.1", listener.port)):
        assert listener.hears()


@pytest.mark.parametrize("when", ["import", "callback"])
@pytest.mark.parametrize("way", WAYS)
def test_a_way_out_is_closed_and_named(
    way: str, when: str, listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = textwrap.indent(WAYS[way].replace("PORT", str(listener.port)), "    ")
    call = "GONE = go_out()\n" if when == "import" else "on_callback = go_out\n"
    (tmp_path / "shop.py").write_text(f"{SHOP}\n\ndef go_out():\n{body}\n\n{call}", "utf-8")
    monkeypatch.chdir(tmp_path)
    try:
        result = run(HEALTHY, load("shop.py:app"))
    except ImplementationError as error:
        pytest.fail(f"expected an inconclusive run, found an error: {error}")
    assert not listener.hears()
    assert not result.violated
    reason = result.verdict("settles").reason
    assert "the implementation" in reason
    if way.startswith("lib"):
        assert "below Python" in reason
        assert way == "libc: system" or f"127.0.0.1:{listener.port}" in reason
    elif way != "a loop of its own":
        assert "in shop.py, line" in reason
