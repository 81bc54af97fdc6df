"""What an application's process may say about the cause of a request, and what it may not."""

import asyncio
from typing import Any

import pytest

from harness.world.live.causes import CAUSE_HEADER, WHERE_HEADER, Causes

GUESSED = 2
ENTRIES = ("one", "two", "three")


def heard(headers: list[tuple[bytes, bytes]]) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Return the cause of a request with some headers, and the headers that are left."""
    cause, _, left = said_of(headers)
    return cause, left


def said_of(headers: list[tuple[bytes, bytes]]) -> tuple[int, tuple[str, ...], list[tuple[bytes, bytes]]]:
    """Return the cause of a request with some headers, the code that made it, and the headers that are left."""
    causes = Causes(lambda: GUESSED, ENTRIES)
    found: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.extend((causes(), causes.where(), scope["headers"]))

    async def nothing(*_: Any) -> Any: ...

    async def listen() -> None:
        await causes.listening(app)({"type": "http", "headers": headers}, nothing, nothing)

    asyncio.run(listen())
    assert causes.where() == (), "it is said of that request only"
    return found[0], found[1], found[2]


@pytest.mark.parametrize(
    ("said", "cause"),
    [(b"3", 3), (b"0", 0), (b"4", GUESSED), (b"9" * 9_000, GUESSED), (b"-1", GUESSED), (b"x", GUESSED), (b"", GUESSED)],
)
def test_only_an_entry_of_the_journal_can_be_a_cause(said: bytes, cause: int) -> None:
    own = (b"accept", b"*/*")
    assert heard([own, (CAUSE_HEADER.encode(), said)]) == (cause, [own])


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (b'["a.js:1 in f", "b.js:2"]', ("a.js:1 in f", "b.js:2")),
        (b'["1", "2", "3", "4", "5"]', ("1", "2", "3", "4")),
        *((each, ()) for each in (b"[1]", b"{}", b"x", b"", b"[" * 5_000, b'["' + b"a" * 5_000 + b'"]', b"\xff")),
    ],
)
def test_only_a_few_short_texts_say_which_code_made_a_request(said: bytes, where: tuple[str, ...]) -> None:
    assert said_of([(WHERE_HEADER.encode(), said)])[1:] == (where, [])


def test_without_the_header_it_is_guessed() -> None:
    assert heard([]) == (GUESSED, [])
