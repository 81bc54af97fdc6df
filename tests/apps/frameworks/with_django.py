"""The shop with Django's async views."""

import json

import song
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="not one")


async def create(request):
    return JsonResponse({"id": await song.order(json.loads(request.body))}, status=201)


async def callback(request):
    await song.hear(request.GET["track"])
    return JsonResponse({"ok": True})


urlpatterns = [path("tracks", create), path("callbacks/suno", callback)]
app = get_asgi_application()
