import json

import requests
from django.conf import settings
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from songs.models import Song

KEY = {"Authorization": f"Bearer {settings.PROVIDER_KEY}"}


@csrf_exempt
@require_POST
def subscribe(request):
    return JsonResponse({"id": 1})


@csrf_exempt
@require_POST
def create(request):
    wish = json.loads(request.body)
    order = {
        "customMode": True,
        "instrumental": True,
        "model": "V5",
        "style": "calm",
        "title": wish["title"],
        "prompt": wish["prompt"],
        "callBackUrl": f"{settings.SITE_URL}/api/callbacks/suno/",
    }
    answer = requests.post(f"{settings.SUNO_API_URL}/api/v1/generate", json=order, headers=KEY, timeout=30)
    song = Song.objects.create(title=wish["title"], task_id=answer.json()["data"]["taskId"])
    return JsonResponse({"id": song.id}, status=201)


@csrf_exempt
@require_POST
def hear(request):
    data = json.loads(request.body)["data"]
    song = Song.objects.filter(task_id=data["task_id"], status="pending").first()
    if song is None or data["callbackType"] != "complete":
        return JsonResponse({"ok": True})
    order = {"model": "bytedance/seedream-v4-text-to-image", "prompt": song.title, "resolution": "2048x1152"}
    answer = requests.post(f"{settings.KIE_API_URL}/api/v1/generate/image", json=order, headers=KEY, timeout=300)
    song.audio_url, song.cover_url = data["data"][0]["audio_url"], answer.json()["data"]["response"]["imageUrl"]
    song.status = "complete"
    song.save()
    return JsonResponse({"ok": True})
