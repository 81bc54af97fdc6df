"""Requests hard-coded hosts with Python's clients; prints for each what came out."""

import asyncio
import json
import urllib.request
from collections.abc import Callable

import aiohttp
import httpx
import requests

CREDIT = "https://api.kie.ai/api/v1/chat/credit"
ELSEWHERE = "https://maps.example.com/x"
VERSIONS = {10: "HTTP/1.0", 11: "HTTP/1.1"}


def with_requests(url: str) -> str:
    response = requests.get(url, timeout=20)
    return f"{response.status_code} {VERSIONS[response.raw.version]}"


def with_urllib(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as response:
        return f"{response.status} {VERSIONS[response.version]}"


def with_httpx(url: str) -> str:
    with httpx.Client(http2=True, timeout=20) as client:
        response = client.get(url)
    return f"{response.status_code} {response.http_version}"


def with_aiohttp(url: str) -> str:
    async def get() -> str:
        async with aiohttp.ClientSession(trust_env=True) as session, session.get(url) as response:
            assert response.version is not None
            return f"{response.status} HTTP/{response.version.major}.{response.version.minor}"

    return asyncio.run(get())


CLIENTS: dict[str, Callable[[str], str]] = {
    "requests": with_requests,
    "urllib": with_urllib,
    "httpx with http2": with_httpx,
    "aiohttp": with_aiohttp,
}
for name, client in CLIENTS.items():
    for where, url in (("", CREDIT), (" elsewhere", ELSEWHERE)):
        try:
            came_out = client(url)
        except Exception as error:
            came_out = f"{type(error).__name__}: {error}"
        print(json.dumps([name + where, came_out]))
