"""The shop with Sanic, whose application is a variable of its module."""

import song
from sanic import Sanic
from sanic.response import json

app = Sanic("shop")


@app.post("/tracks")
async def create(request):
    return json({"id": await song.order(request.json)}, status=201)


@app.post("/callbacks/suno")
async def callback(request):
    await song.hear(request.args["track"][0])
    return json({"ok": True})
