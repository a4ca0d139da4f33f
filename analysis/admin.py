"""The analysis tables for staff to look at: the lifecycle alone writes states, so nothing is edited here by hand."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog


class LookOnlyMixin:
    """Rows that the application writes: to be looked at, searched and filtered, never edited or deleted by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AnalysisQueue)
class AnalysisQueueAdmin(LookOnlyMixin, admin.ModelAdmin):
    list_display = (
        "image",
        "user",
        "status",
        "priority",
        "position",
        "retry_count",
        "model_name",
        "queued_at",
    )
    list_filter = ("status", "priority", "model_name")
    list_select_related = ("image", "user")
    search_fields = ("image__filename", "user__username")


@admin.register(AnalysisResult)
class AnalysisResultAdmin(LookOnlyMixin, admin.ModelAdmin):
    list_display = ("image", "rank", "label", "confidence", "model_name", "model_version", "created_at")
    list_filter = ("model_name", "model_version", "rank")
    list_select_related = ("image",)
    search_fields = ("label", "image__filename")


@admin.register(ProgressLog)
class ProgressLogAdmin(LookOnlyMixin, admin.ModelAdmin):
    list_display = ("image", "current_stage", "progress_percentage", "stage_description", "timestamp")
    list_filter = ("current_stage",)
    list_select_related = ("image",)
    search_fields = ("image__filename",)


@admin.register(TimelineLog)
class TimelineLogAdmin(LookOnlyMixin, admin.ModelAdmin):
    list_display = (
        "image",
        "upload_step_status",
        "analysis_step_status",
        "analysis_progress_percentage",
        "completion_step_status",
        "updated_at",
    )
    list_filter = ("analysis_step_status", "completion_step_status")
    list_select_related = ("image",)
    search_fields = ("image__filename",)
