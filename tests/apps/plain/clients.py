"""Measures when HTTP clients give up: for each client, limit and delay of a response one request, all at once."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import aiohttp
import httpx
import requests

ORIGIN, *PAIRS = sys.argv[1:]
THREADS = ThreadPoolExecutor(32)
BLOCKING = httpx.Client()
"""Clients are made once: loading certificates takes tens of milliseconds, which at a high speed are seconds."""


async def in_thread(call: Callable[..., Any], url: str, limit_s: float) -> None:
    await asyncio.get_running_loop().run_in_executor(THREADS, lambda: call(url, timeout=limit_s))


async def in_aiohttp(session: aiohttp.ClientSession, url: str, limit_s: float) -> None:
    async with session.get(url, timeout=aiohttp.ClientTimeout(total=limit_s)):
        pass


def clients(
    session: aiohttp.ClientSession, client: httpx.AsyncClient
) -> dict[str, Callable[[str, float], Awaitable[Any]]]:
    """Return a function for each client that sends a request with a limit."""
    return {
        "httpx": lambda url, limit_s: client.get(url, timeout=limit_s),
        "aiohttp": partial(in_aiohttp, session),
        "requests": partial(in_thread, requests.get),
        "httpx, blocking": partial(in_thread, BLOCKING.get),
    }


async def measured(client: str, send: Callable[[str, float], Awaitable[Any]], limit_s: float, after_s: float) -> None:
    began_s, outcome = time.monotonic(), "answered"
    try:
        await send(f"{ORIGIN}/{after_s:g}", limit_s)
    except (OSError, httpx.TimeoutException, TimeoutError):
        outcome = "gave up"
    took_s = time.monotonic() - began_s
    found = {"client": client, "limit": limit_s, "after": after_s, "outcome": outcome, "took": took_s}
    print(json.dumps(found), flush=True)


async def main() -> None:
    pairs = [[float(each) for each in pair.split(":")] for pair in PAIRS]
    async with aiohttp.ClientSession() as session, httpx.AsyncClient() as client:
        each = clients(session, client)
        for send in each.values():
            await send(f"{ORIGIN}/0", 300.0)  # modules are loaded
        await asyncio.gather(*(measured(name, send, *pair) for pair in pairs for name, send in each.items()))


asyncio.run(main())
