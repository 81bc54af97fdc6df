"""A provider of a user's own."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from harness.fakes.provider import Provider


def fake(seed: int) -> Starlette:
    async def words(request: Request) -> JSONResponse:
        return JSONResponse({"words": f"la la {seed}"})

    return Starlette(routes=[Route("/words", words)])


LYRICS = Provider("lyrics", "Lyrics", ("api.lyrics.test",), base_url="LYRICS_BASE_URL", fake=fake)
