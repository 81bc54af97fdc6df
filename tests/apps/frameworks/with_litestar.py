"""The shop with Litestar and its default logging, whose records go through a queue to a thread."""

import logging

import song
from litestar import Litestar, post


@post("/tracks", status_code=201)
async def create(data: dict[str, object]) -> dict[str, str]:
    logging.getLogger("shop").info("a song is wanted")
    return {"id": await song.order(data)}


@post("/callbacks/suno", status_code=200)
async def callback(track: str, data: dict[str, object]) -> dict[str, bool]:
    await song.hear(track)
    return {"ok": True}


app = Litestar([create, callback])
