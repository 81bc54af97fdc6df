from fastapi import APIRouter, BackgroundTasks, Request

from app import database, providers

router = APIRouter()


async def finish(task_id: str, title: str, audio_url: str) -> None:
    database.finish(task_id, audio_url, await providers.order_cover(title))


@router.post("/callbacks/suno")
async def hear(request: Request, background: BackgroundTasks) -> dict[str, bool]:
    data = (await request.json())["data"]
    title = database.claim(data["task_id"]) if data["callbackType"] == "complete" else None
    if title is not None:
        background.add_task(finish, data["task_id"], title, data["data"][0]["audio_url"])
    return {"ok": True}
