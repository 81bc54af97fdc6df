"""The shop with FastAPI."""

import song
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Wish(BaseModel):
    title: str
    prompt: str


@app.post("/tracks", status_code=201)
async def create(wish: Wish) -> dict[str, str]:
    return {"id": await song.order(wish.model_dump())}


@app.post("/callbacks/suno")
async def callback(track: str, payload: dict) -> dict[str, bool]:
    await song.hear(track)
    return {"ok": True}
