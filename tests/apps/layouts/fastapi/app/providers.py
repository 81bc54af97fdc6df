import httpx

from app.config import settings


async def post(url: str, key: str, body: dict) -> dict:
    async with httpx.AsyncClient(timeout=300) as client:
        answer = await client.post(url, json=body, headers={"Authorization": f"Bearer {key}"})
        return answer.json()["data"]


async def order_music(title: str, prompt: str) -> str:
    order = {
        "customMode": True,
        "instrumental": True,
        "model": "V5",
        "style": "calm",
        "title": title,
        "prompt": prompt,
        "callBackUrl": f"{settings.callback_base_url}/callbacks/suno",
    }
    return (await post(f"{settings.suno_base_url}/api/v1/generate", settings.suno_api_key, order))["taskId"]


async def order_cover(title: str) -> str:
    order = {"model": "bytedance/seedream-v4-text-to-image", "prompt": title, "resolution": "2048x1152"}
    data = await post(f"{settings.kie_base_url}/api/v1/generate/image", settings.kie_api_key, order)
    return data["response"]["imageUrl"]
