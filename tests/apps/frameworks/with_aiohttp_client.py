"""The shop with aiohttp as its client."""

import aiohttp
import song
from with_nothing import app

__all__ = ["app"]


async def ask(method, url, key, body=None):
    timeout, headers = aiohttp.ClientTimeout(total=30), {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.request(method, url, json=body, headers=headers) as response,
    ):
        return (await response.json())["data"]


song.ask = ask
