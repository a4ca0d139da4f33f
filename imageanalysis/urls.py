"""Every address of the application."""

from django.contrib import admin
from django.urls import include, path

from accounts.preference_views import set_language
from imageanalysis import doctor_page, health, metrics

handler500 = "imageanalysis.errors.broken"
urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.page, name="metrics"),
    path("language/", set_language, name="set_language"),
    path("accounts/", include("accounts.urls")),
    *doctor_page.urls(),
    path("admin/", admin.site.urls),
    path("", include("images.urls")),
]
