"""Pictures for staff: to be looked at and deleted; what is told of them is the application's."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.audited_admin import AuditedAdmin
from analysis.look_only import ManyRowsAdmin
from analysis.models import AnalysisResult
from images import people_admin, services  # noqa: F401  the admin finds this module only
from images.models import Image


@admin.register(Image)
class ImageAdmin(ManyRowsAdmin, AuditedAdmin):
    """Pictures can be looked at and deleted; their states belong to the lifecycle."""

    list_display = ("filename", "user", "status", "model_used", "upload_date")
    list_filter = ("status", "upload_date", "model_used")
    list_select_related = ("user", "model_used")
    picture_field = "pk"

    def _pictures(self) -> QuerySet[Image]:
        return Image.objects.all()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        """Without those that their owners have deleted."""
        return super().get_queryset(request).filter(deletion=None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Image | None = None) -> bool:
        return False

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The pictures, and how many results go with them; whoever may delete the ones may delete the others.

        Django would list every row of every table that belongs to them.
        """
        pictures = list(objs)
        results = AnalysisResult.objects.filter(image__in=pictures)
        counts = {
            self.opts.verbose_name_plural: len(pictures),
            results.model._meta.verbose_name_plural: results.count(),
        }
        return pictures, counts, set(), []

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        services.delete(image=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:
        for image in queryset:
            services.delete(image=image)
