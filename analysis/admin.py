"""The analysis tables for staff to look at: the lifecycle alone writes states, so nothing is edited here by hand."""

from django.contrib import admin

from accounts.audited_admin import AuditedAdmin
from analysis.look_only import LookOnlyMixin
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from analysis.queue_admin import AnalysisQueueAdmin

admin.site.register(AnalysisQueue, AnalysisQueueAdmin)


@admin.register(AnalysisResult)
class AnalysisResultAdmin(LookOnlyMixin, AuditedAdmin):
    list_display = ("picture", "rank", "label", "confidence", "model_name", "model_version", "created_at")
    list_filter = ("model_name", "model_version", "rank")
    list_select_related = ("image",)
    search_fields = ("label", "image__filename")


@admin.register(ProgressLog)
class ProgressLogAdmin(LookOnlyMixin, AuditedAdmin):
    list_display = ("picture", "current_stage", "progress_percentage", "stage_description", "timestamp")
    list_filter = ("current_stage",)
    list_select_related = ("image",)
    search_fields = ("image__filename",)


@admin.register(TimelineLog)
class TimelineLogAdmin(LookOnlyMixin, AuditedAdmin):
    list_display = (
        "picture",
        "upload_step_status",
        "analysis_step_status",
        "analysis_progress_percentage",
        "completion_step_status",
        "updated_at",
    )
    list_filter = ("analysis_step_status", "completion_step_status")
    list_select_related = ("image",)
    search_fields = ("image__filename",)
