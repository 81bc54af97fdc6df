"""The shop with Litestar and its default logging, whose records go through a queue to a thread."""

import logging

import song
from litestar import Litestar, Request, post


@post("/tracks", status_code=201)
async def create(request: Request) -> dict[str, str]:
    logging.getLogger("shop").info("a song is wanted")
    return {"id": await song.order(await request.json())}


@post("/callbacks/suno", status_code=200)
async def callback(request: Request, track: str) -> dict[str, bool]:
    await request.json()
    await song.hear(track)
    return {"ok": True}


app = Litestar([create, callback])
