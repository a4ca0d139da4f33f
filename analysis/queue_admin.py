"""The queue for staff: who waits, and what can be done about it; all of it through the lifecycle and its rules."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.audited_admin import AuditedAdmin
from analysis import pausing
from analysis.look_only import COUNTED_AT_MOST, LookOnlyAdmin, ModelFilter
from analysis.models import AnalysisQueue
from analysis.ordering import first_in_line, serving_rank
from analysis.queue_wishes import Act, RowControls, cancel, move, run_again, with_priority
from analysis.states import Priority, QueueStatus

CHANGE_QUEUE = "analysis.change_analysisqueue"


class CauseFilter(admin.SimpleListFilter):
    """Stands on the page only when somebody came by a link that asks for one cause."""

    title = _("error")
    parameter_name = "cause"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        cause = request.GET.get(self.parameter_name)
        return [(cause, gettext(cause))] if cause else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue]) -> QuerySet[AnalysisQueue]:
        return queryset.filter(error_message=self.value())


class QueueList(ChangeList):
    """Knows which number in the line each waiting entry of the page has."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        if any(row.status == QueueStatus.WAITING for row in rows):
            places = {pk: place for place, pk in enumerate(first_in_line(COUNTED_AT_MOST), start=1)}
            for row in rows:
                row.place = places.get(row.pk)
        self.result_list = rows


class AnalysisQueueAdmin(RowControls, LookOnlyAdmin, AuditedAdmin):
    """The queue's entries, with actions for those who may change the queue, and the switch that pauses it."""

    list_display = (
        "picture",
        "place",
        "owner",
        "status",
        "priority",
        "retry_count",
        "model_name",
        "queued_at",
        "error",
    )
    list_filter = ("status", "priority", ModelFilter, CauseFilter)
    list_display_links = ("picture",)
    list_select_related = ("image", "user")
    change_list_template = "admin/analysis/queue.html"
    actions = (
        "run_again",
        "cancel",
        "make_urgent",
        "make_high",
        "make_normal",
        "make_low",
        "move_to_front",
        "move_to_end",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return QueueList

    def get_ordering(self, request: HttpRequest) -> tuple[str | Combinable, ...]:
        """What waits in the order of serving, all else the newest first."""
        if request.GET.get("status__exact") == QueueStatus.WAITING:
            return (serving_rank(), "position", "pk")
        return ("-pk",)

    @admin.display(description=_("place"))
    def place(self, entry: AnalysisQueue) -> int | None:
        return getattr(entry, "place", None)

    @admin.display(description=_("error"))
    def error(self, entry: AnalysisQueue) -> str | None:
        return gettext(entry.error_message) if entry.error_message else None

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may pause the queue and act on its entries."""
        return request.user.has_perm(CHANGE_QUEUE)

    def get_urls(self) -> list[URLPattern]:
        switches = [
            path("pause/", self.admin_site.admin_view(require_POST(self.pause)), name="queue_pause"),
            path("resume/", self.admin_site.admin_view(require_POST(self.resume)), name="queue_resume"),
        ]
        return [*switches, *self.wish_urls(), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        shown = {"pause": pausing.current(), "may_operate": self.has_operate_permission(request)}
        return super().changelist_view(request, {**shown, **(extra_context or {})})

    def pause(self, request: HttpRequest) -> HttpResponse:
        return self._switch(request, pausing.pause)

    def resume(self, request: HttpRequest) -> HttpResponse:
        return self._switch(request, pausing.resume)

    def _switch(self, request: HttpRequest, switch: Callable[..., bool]) -> HttpResponse:
        if not self.has_operate_permission(request):
            raise PermissionDenied
        switch(by=request.user)
        return redirect("admin:analysis_analysisqueue_changelist")

    @admin.action(description=_("Run again"), permissions=["operate"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue]) -> None:
        self._act(request, queryset, run_again)

    @admin.action(description=_("Cancel"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue]) -> None:
        self._act(request, queryset, cancel)

    @admin.action(description=_("Priority: urgent"), permissions=["operate"])
    def make_urgent(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue]) -> None:
        self._act(request, queryset, with_priority(Priority.URGENT))

    @admin.action(description=_("Priority: high"), permissions=["operate"])
    def make_high(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue]) -> None:
        self._act(request, queryset, with_priority(Priority.HIGH))

    @admin.action(description=_("Priority: normal"), permissions=["operate"])
    def make_normal(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue]) -> None:
        self._act(request, queryset, with_priority(Priority.NORMAL))

    @admin.action(description=_("Priority: low"), permissions=["operate"])
    def make_low(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue]) -> None:
        self._act(request, queryset, with_priority(Priority.LOW))

    @admin.action(description=_("Move to the front of its priority"), permissions=["operate"])
    def move_to_front(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue]) -> None:
        self._act(request, queryset, move(to_front=True))

    @admin.action(description=_("Move to the end of its priority"), permissions=["operate"])
    def move_to_end(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue]) -> None:
        self._act(request, queryset, move(to_front=False))

    def _act(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue], act: Act) -> None:
        self.act(request, list(queryset.order_by("pk")), act, name=request.POST.get("action", ""))
