"""Addresses of pictures."""

from django.urls import path

from images import (
    batch_views,
    departure_views,
    export_views,
    heat_map_views,
    my_data_views,
    results_views,
    story_views,
    upload_views,
    views,
)

app_name = "images"
urlpatterns = [
    path("", views.gallery, name="home"),
    path("accounts/profile/data/", my_data_views.my_data_page, name="my_data"),
    path("accounts/profile/data/file/", my_data_views.download, name="my_data_file"),
    path("accounts/profile/delete/", departure_views.leave, name="leave"),
    path("accounts/goodbye/", departure_views.goodbye, name="goodbye"),
    path("images/", views.gallery, name="gallery"),
    path("images/live/", views.live, name="live"),
    path("images/results.json", results_views.results_of_several, name="results_of_several"),
    path("images/cancel-waiting/", views.cancel_waiting, name="cancel_waiting"),
    path("images/batch/", batch_views.act, name="batch"),
    path("images/undo/", batch_views.undo, name="undo"),
    path("images/export/", export_views.export, name="export"),
    path("images/upload/", upload_views.upload, name="upload"),
    path("images/<int:pk>/", story_views.detail, name="detail"),
    path("images/<int:pk>/timeline/", story_views.timeline, name="timeline"),
    path("images/<int:pk>/results.json", results_views.results_json, name="results"),
    path("images/<int:pk>/heat-map/", heat_map_views.heat_map, name="heat_map"),
    path("images/<int:pk>/heat-map/overlay.png", heat_map_views.heat_map_overlay, name="heat_map_overlay"),
    path("images/<int:pk>/file/", views.original, name="file"),
    path("images/<int:pk>/thumbnail/", views.thumbnail, name="thumbnail"),
    path("images/<int:pk>/analyze/", views.analyze, name="analyze"),
    path("images/<int:pk>/cancel/", views.cancel, name="cancel"),
    path("images/<int:pk>/retry/", views.retry, name="retry"),
    path("images/<int:pk>/delete/", views.delete, name="delete"),
]
