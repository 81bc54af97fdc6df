"""Where callbacks go: to this machine, and nowhere else unless a host is named."""

import asyncio
from typing import Any

import pytest

from harness.fakes.http_client import ClientResponse
from harness.trace.journal import Journal
from harness.world.hosts import APPLICATION_HOST, KIE_HOST
from harness.world.journal_writer import JournalWriter
from harness.world.live.callback_sender import is_near, recorded


class Clock:
    """A world's clock that stands still."""

    elapsed_s = 0.0

    def refuse(self, sentence: str) -> None:
        raise AssertionError(sentence)


def sent(url: str, *also: str, by: str = KIE_HOST) -> tuple[list[str], list[tuple[str, dict[str, Any]]], bool]:
    """Return the URLs that were really requested, what was recorded, and whether it was refused."""
    asked: list[str] = []
    writer = JournalWriter(Clock(), Journal())

    async def send(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
        asked.append(url)
        return ClientResponse(200, b"")

    async def ask() -> ClientResponse:
        return await recorded(writer, by, APPLICATION_HOST, send, also)(url, b"{}", {})

    refused = False
    try:
        asyncio.run(ask())
    except ConnectionError:
        refused = True
    return asked, [(entry.kind, entry.facts) for entry in writer.journal], refused


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "app.localhost", "[::1]"])
def test_a_callback_to_this_machine_is_sent(host: str) -> None:
    url = f"http://{host}:3000/callbacks"
    asked, noted, refused = sent(url)
    assert (asked, refused) == ([url], False)
    assert [kind for kind, _ in noted] == ["request", "response"]


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://192.168.1.7:3000/cb", "192.168.1.7", 3000),
        ("https://example.com/cb", "example.com", 443),
        ("http://localhost.example.com/cb", "localhost.example.com", 80),
        ("http://127.0.0.1@example.com/cb", "example.com", 80),
        ("http://0.0.0.0:80/cb", "0.0.0.0", 80),
        ("http://[2001:db8::1]/cb", "2001:db8::1", 80),
    ],
)
def test_a_callback_to_another_machine_is_recorded_and_not_sent(url: str, host: str, port: int) -> None:
    asked, noted, refused = sent(url)
    assert (asked, refused) == ([], True)
    assert noted == [("connection.stranger", {"host": host, "port": port, "by": KIE_HOST})]


def test_a_host_that_was_named_gets_its_callbacks() -> None:
    asked, _, refused = sent("https://tunnel.example.com/cb", "tunnel.example.com")
    assert (len(asked), refused) == (1, False)
    assert not is_near("example.com", ["tunnel.example.com"])


def test_the_harnesss_own_requests_go_to_any_configured_host() -> None:
    asked, _, refused = sent("https://staging.example.com/api/tracks", by="harness")
    assert (len(asked), refused) == (1, False)
