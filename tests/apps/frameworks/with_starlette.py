"""The shop with Starlette."""

import song
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def create(request):
    return JSONResponse({"id": await song.order(await request.json())}, status_code=201)


async def callback(request):
    await request.json()
    await song.hear(request.query_params["track"])
    return JSONResponse({"ok": True})


app = Starlette(
    routes=[Route("/tracks", create, methods=["POST"]), Route("/callbacks/suno", callback, methods=["POST"])]
)
