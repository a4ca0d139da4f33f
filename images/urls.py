"""Addresses of pictures."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

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


class KeyConverter(IntConverter):
    """A number that a row may have: SQLite cannot even look for a longer one."""

    regex = "[0-9]{1,18}"


register_converter(KeyConverter, "key")

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
    path("images/<key:pk>/", story_views.detail, name="detail"),
    path("images/<key:pk>/timeline/", story_views.timeline, name="timeline"),
    path("images/<key:pk>/results.json", results_views.results_json, name="results"),
    path("images/<key:pk>/heat-map/", heat_map_views.heat_map, name="heat_map"),
    path("images/<key:pk>/heat-map/overlay.png", heat_map_views.heat_map_overlay, name="heat_map_overlay"),
    path("images/<key:pk>/file/", views.original, name="file"),
    path("images/<key:pk>/thumbnail/", views.thumbnail, name="thumbnail"),
    path("images/<key:pk>/analyze/", views.analyze, name="analyze"),
    path("images/<key:pk>/cancel/", views.cancel, name="cancel"),
    path("images/<key:pk>/retry/", views.retry, name="retry"),
    path("images/<key:pk>/delete/", views.delete, name="delete"),
]
