"""Every address of the application."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from imageanalysis import health

handler500 = "imageanalysis.errors.broken"
urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("", include("images.urls")),
]
