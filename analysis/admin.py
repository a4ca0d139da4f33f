"""The analysis tables for staff to look at: the lifecycle alone writes states, so nothing is edited here by hand."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.audited_admin import AuditedAdmin
from analysis.look_only import LookOnlyAdmin, ModelFilter
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from analysis.queue_admin import AnalysisQueueAdmin
from analysis.states import StepStatus

admin.site.register(AnalysisQueue, AnalysisQueueAdmin)


class ModelOfResultFilter(ModelFilter):
    def of(self, key: str | None) -> dict[str, str | None]:
        name, _colon, version = (key or "").partition(":")
        return {"model_name": name, "model_version": version}


class BestFilter(admin.SimpleListFilter):
    title = _("rank")
    parameter_name = "rank"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Best labels only"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(rank=1) if self.value() == "1" else queryset


@admin.register(AnalysisResult)
class AnalysisResultAdmin(LookOnlyAdmin, AuditedAdmin):
    list_display = ("picture", "rank", "label", "confidence", "model_name", "model_version", "created_at")
    list_filter = (ModelOfResultFilter, BestFilter)
    list_select_related = ("image",)
    search_help_text = _("A whole label, or a part of a file name or of a person's name.")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """By a label where there is one of that name, which its index finds; else by picture."""
        of_label = queryset.filter(label=search_term.strip())
        if search_term and of_label.exists():
            return of_label, False
        return super().get_search_results(request, queryset, search_term)


@admin.register(ProgressLog)
class ProgressLogAdmin(LookOnlyAdmin, AuditedAdmin):
    list_display = ("picture", "current_stage", "progress_percentage", "stage_description", "timestamp")
    list_filter = ("current_stage",)
    list_select_related = ("image",)


class StepFilter(admin.SimpleListFilter):
    """Timelines by how one of their steps stands; the states are known and need not be read off a long table."""

    parameter_name: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return StepStatus.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class AnalysisStepFilter(StepFilter):
    title, parameter_name = _("analysis"), "analysis_step_status"


class CompletionStepFilter(StepFilter):
    title, parameter_name = _("completion"), "completion_step_status"


@admin.register(TimelineLog)
class TimelineLogAdmin(LookOnlyAdmin, AuditedAdmin):
    list_display = ("picture", "upload", "analysis", "analysis_progress_percentage", "completion", "updated_at")
    list_filter = (AnalysisStepFilter, CompletionStepFilter)
    list_select_related = ("image",)

    @admin.display(description=_("upload"))
    def upload(self, timeline: TimelineLog) -> str:
        return str(StepStatus(timeline.upload_step_status).label)

    @admin.display(description=_("analysis"))
    def analysis(self, timeline: TimelineLog) -> str:
        return str(StepStatus(timeline.analysis_step_status or StepStatus.PENDING).label)

    @admin.display(description=_("completion"))
    def completion(self, timeline: TimelineLog) -> str:
        return str(StepStatus(timeline.completion_step_status or StepStatus.PENDING).label)
