from django.urls import path

from songs import views

urlpatterns = [
    path("subscribe/", views.subscribe),
    path("songs/", views.create),
    path("callbacks/suno/", views.hear),
]
