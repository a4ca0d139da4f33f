"""The admin's site: its navigation, and the dashboard as its first page."""

from typing import Any, NamedTuple

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from analysis.models import AnalysisQueue
from imageanalysis.desk import dashboard
from mlmodels.models import MLModel

# What the navigation offers of the tables, in this order, to those who may look at them; the queue as it waits.
TABLES = {"AnalysisQueue": "?status__exact=waiting", "Image": "", "AnalysisResult": "", "MLModel": "", "User": ""}
LED_TO: dict[str, type[Model]] = {"queue_address": AnalysisQueue, "models_address": MLModel}


class Place(NamedTuple):
    """A link of the navigation."""

    title: str
    address: str
    is_current: bool


class Desk(admin.AdminSite):
    """Django's site without its sidebar: a row of the places that staff need."""

    enable_nav_sidebar = False
    index_template = "admin/desk/dashboard.html"

    def get_urls(self) -> Any:
        return [path("desk/", self.admin_view(require_safe(self.figures)), name="desk"), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        shown = {**dashboard.context(), **self.addresses(request), "title": gettext("Dashboard")}
        return super().index(request, {**shown, **(extra_context or {})})

    def figures(self, request: HttpRequest) -> HttpResponse:
        """The part of the dashboard that the page asks for again and again."""
        return render(request, "admin/desk/_dashboard.html", {**dashboard.context(), **self.addresses(request)})

    def addresses(self, request: HttpRequest) -> dict[str, str]:
        """Where the dashboard's figures lead; empty for whoever would be refused there."""
        return {name: self._list_of(table, request) for name, table in LED_TO.items()}

    def _list_of(self, table: type[Model], request: HttpRequest) -> str:
        if not self.get_model_admin(table).has_view_permission(request):
            return ""
        return reverse(f"admin:{table._meta.app_label}_{table._meta.model_name}_changelist")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        return {**context, "desk_places": places(request.path, context["available_apps"])}


def places(here: str, apps: list[Any]) -> list[Place]:
    """The navigation of whoever sees these apps; the one that `here` lies in is current."""
    seen = {table["object_name"]: table for app in apps for table in app["models"] if table["admin_url"]}
    first, doctor = reverse("admin:index"), reverse("admin_doctor")
    return [
        Place(gettext("Dashboard"), first, here == first),
        *(
            Place(str(seen[name]["name"]), seen[name]["admin_url"] + query, here.startswith(seen[name]["admin_url"]))
            for name, query in TABLES.items()
            if name in seen
        ),
        Place(gettext("Doctor"), doctor, here.startswith(doctor)),
    ]
