from fastapi import APIRouter
from pydantic import BaseModel

from app import database, providers

router = APIRouter(prefix="/songs", tags=["songs"])


class Wish(BaseModel):
    title: str
    prompt: str


@router.post("", status_code=201)
async def create(wish: Wish) -> dict[str, str]:
    task_id = await providers.order_music(wish.title, wish.prompt)
    database.add(task_id, wish.title)
    return {"task_id": task_id}
