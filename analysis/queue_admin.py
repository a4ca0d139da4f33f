"""The queue for staff: who waits, and what can be done about it; all of it through the lifecycle and its rules."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts import audit
from accounts.audited_admin import AuditedAdmin
from accounts.models import User
from analysis import pausing, services, wishes
from analysis.look_only import LookOnlyMixin
from analysis.models import AnalysisQueue
from analysis.states import Priority

CHANGE_QUEUE = "analysis.change_analysisqueue"
Entries = Sequence[AnalysisQueue]


class AnalysisQueueAdmin(LookOnlyMixin, AuditedAdmin):
    """The queue's entries, with actions for those who may change the queue, and the switch that pauses it."""

    list_display = ("picture", "owner", "status", "priority", "position", "retry_count", "model_name", "queued_at")
    list_filter = ("status", "priority", "model_name")
    list_select_related = ("image", "user")
    search_fields = ("image__filename", "user__username")
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

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may pause the queue and act on its entries."""
        return request.user.has_perm(CHANGE_QUEUE)

    def get_urls(self) -> list[URLPattern]:
        switches = [
            path("pause/", self.admin_site.admin_view(require_POST(self.pause)), name="queue_pause"),
            path("resume/", self.admin_site.admin_view(require_POST(self.resume)), name="queue_resume"),
        ]
        return [*switches, *super().get_urls()]

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
        self._act(request, queryset, one_by_one(lambda pk: services.retry(image_id=pk, may_be_urgent=True)))

    @admin.action(description=_("Cancel"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue]) -> None:
        self._act(request, queryset, one_by_one(lambda pk: wishes.cancel(image_id=pk)))

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
        self._act(request, queryset, lambda entries: wishes.move(entry_ids=_ids(entries), to_front=True))

    @admin.action(description=_("Move to the end of its priority"), permissions=["operate"])
    def move_to_end(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue]) -> None:
        self._act(request, queryset, lambda entries: wishes.move(entry_ids=_ids(entries), to_front=False))

    def _act(self, request: HttpRequest, queryset: QuerySet[AnalysisQueue], act: Callable[[Entries], int]) -> None:
        """Do it, and tell staff, the entries' histories and the log what was done."""
        entries = list(queryset.order_by("pk"))
        name = request.POST.get("action", "")
        done = act(entries)
        staff = cast("User", request.user)
        audit.record("queue_action", request=request, action=name, entries=_ids(entries), done=done)
        LogEntry.objects.log_actions(staff.pk, entries, CHANGE, _in_history(self, name))
        sentence = ngettext("Done for %(count)d entry.", "Done for %(count)d entries.", done) % {"count": done}
        messages.success(request, sentence)
        if left := len(entries) - done:
            message = ngettext("%(count)d was not in a state for it.", "%(count)d were not in a state for it.", left)
            messages.warning(request, message % {"count": left})


def one_by_one(act: Callable[[int], None]) -> Callable[[Entries], int]:
    """Act on each entry's picture; those that are not in a state for it are left as they are."""

    def on_each(entries: Entries) -> int:
        return sum(_succeeds(act, entry.image_id) for entry in entries)

    return on_each


def _succeeds(act: Callable[[int], None], image_id: int) -> bool:
    try:
        act(image_id)
    except (wishes.TransitionError, services.ModelGoneError):
        return False
    return True


def with_priority(priority: Priority) -> Callable[[Entries], int]:
    return lambda entries: wishes.set_priority(entry_ids=_ids(entries), priority=priority)


def _in_history(site: AnalysisQueueAdmin, action: str) -> str:
    """The action as the history of an entry shows it."""
    return str(getattr(getattr(site, action, None), "short_description", action))


def _ids(entries: Entries) -> list[int]:
    return [entry.pk for entry in entries]
