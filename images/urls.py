"""Addresses of pictures."""

from django.urls import path

from images import story_views, upload_views, views

app_name = "images"
urlpatterns = [
    path("", views.gallery, name="home"),
    path("images/", views.gallery, name="gallery"),
    path("images/live/", views.live, name="live"),
    path("images/cancel-waiting/", views.cancel_waiting, name="cancel_waiting"),
    path("images/upload/", upload_views.upload, name="upload"),
    path("images/<int:pk>/", story_views.detail, name="detail"),
    path("images/<int:pk>/timeline/", story_views.timeline, name="timeline"),
    path("images/<int:pk>/file/", views.original, name="file"),
    path("images/<int:pk>/thumbnail/", views.thumbnail, name="thumbnail"),
    path("images/<int:pk>/analyze/", views.analyze, name="analyze"),
    path("images/<int:pk>/cancel/", views.cancel, name="cancel"),
    path("images/<int:pk>/retry/", views.retry, name="retry"),
    path("images/<int:pk>/delete/", views.delete, name="delete"),
]
