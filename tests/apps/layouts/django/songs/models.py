from django.db import models


class Song(models.Model):
    task_id = models.CharField(max_length=64, unique=True)
    title = models.TextField()
    status = models.CharField(max_length=16, default="pending")
    audio_url = models.URLField(null=True)
    cover_url = models.URLField(null=True)
