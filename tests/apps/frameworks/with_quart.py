"""The shop with Quart; the handler of the callback does not read its body."""

import song
from quart import Quart, request

app = Quart(__name__)


@app.post("/tracks")
async def create():
    return {"id": await song.order(await request.get_json())}, 201


@app.post("/callbacks/suno")
async def callback():
    await song.hear(request.args["track"])
    return {"ok": True}
