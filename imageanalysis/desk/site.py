"""The admin's site: its navigation, and the dashboard as its first page."""

from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

# What the navigation offers of the tables, in this order, to those who may look at them.
TABLES = ("AnalysisQueue", "Image", "AnalysisResult", "MLModel", "User")


class Place(NamedTuple):
    """A link of the navigation."""

    title: str
    address: str
    is_current: bool


class Desk(admin.AdminSite):
    """Django's site without its sidebar: a row of the places that staff need."""

    enable_nav_sidebar = False

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        return {**context, "desk_places": places(request.path, context["available_apps"])}


def places(path: str, apps: list[Any]) -> list[Place]:
    """The navigation of whoever sees these apps; the one that `path` lies in is current."""
    seen = {table["object_name"]: table for app in apps for table in app["models"] if table["admin_url"]}
    dashboard, doctor = reverse("admin:index"), reverse("admin_doctor")
    return [
        Place(gettext("Dashboard"), dashboard, path == dashboard),
        *(
            Place(str(seen[name]["name"]), seen[name]["admin_url"], path.startswith(seen[name]["admin_url"]))
            for name in TABLES
            if name in seen
        ),
        Place(gettext("Doctor"), doctor, path.startswith(doctor)),
    ]
