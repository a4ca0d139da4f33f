"""What staff can have done to entries of the queue, and the buttons for it in each row of the admin's list."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from accounts import audit
from accounts.models import User
from accounts.request import address_in
from analysis import pictures, services, wishes
from analysis.models import AnalysisQueue
from analysis.states import Priority, QueueStatus

Entries = Sequence[AnalysisQueue]


class Outcome(NamedTuple):
    """To how many entries it was done, and how many could not be because the picture's file is gone."""

    done: int
    lost: int = 0


Act = Callable[[Entries], Outcome]
"""Does something to the entries that are in a state for it."""


def run_again(entries: Entries) -> Outcome:
    lost = pictures.lost(entry.image_id for entry in entries)
    found = [entry for entry in entries if entry.image_id not in lost]
    done = _one_by_one(found, lambda pk: services.retry(image_id=pk, may_be_urgent=True))
    return Outcome(done, lost=len(entries) - len(found))


def cancel(entries: Entries) -> Outcome:
    return Outcome(_one_by_one(entries, lambda pk: wishes.cancel(image_id=pk)))


def with_priority(priority: Priority) -> Act:
    return lambda entries: Outcome(wishes.set_priority(entry_ids=_ids(entries), priority=priority))


def move(*, to_front: bool) -> Act:
    return lambda entries: Outcome(wishes.move(entry_ids=_ids(entries), to_front=to_front))


def _one_by_one(entries: Entries, act: Callable[[int], None]) -> int:
    return sum(_succeeds(act, entry.image_id) for entry in entries)


def _succeeds(act: Callable[[int], None], image_id: int) -> bool:
    try:
        act(image_id)
    except (wishes.TransitionError, services.ModelGoneError):
        return False
    return True


def _ids(entries: Entries) -> list[int]:
    return [entry.pk for entry in entries]


class RowControls(admin.ModelAdmin):
    """Each row's priority can be chosen in the row, and it has the buttons that its state allows.

    The buttons belong to the list's own form, so they work without JavaScript; the choice needs it, and has the list's
    actions beside it. The class that mixes this in says who has `operate` permission.
    """

    # By the last part of the address: the action of the list that does the same to one entry.
    BUTTONS = {"front": "move_to_front", "again": "run_again", "cancel": "cancel"}
    ACTS: dict[str, Act] = {"front": move(to_front=True), "again": run_again, "cancel": cancel}

    def has_operate_permission(self, request: HttpRequest) -> bool:
        raise NotImplementedError

    def wish_urls(self) -> list[URLPattern]:
        wish = self.admin_site.admin_view(require_POST(self.wish_view))
        return [path("<int:entry_id>/wish/<slug:wish>/", wish, name="queue_wish")]

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        if not self.has_operate_permission(request):
            return shown
        return [*("priority_choice" if name == "priority" else name for name in shown), "controls"]

    @admin.display(description=_("priority"))
    def priority_choice(self, entry: AnalysisQueue) -> str:
        if entry.status != QueueStatus.WAITING:
            return str(entry.get_priority_display())
        return render_to_string("admin/analysis/_priority.html", {"entry": entry, "priorities": Priority})

    @admin.display(description=_("what to do"))
    def controls(self, entry: AnalysisQueue) -> str:
        return render_to_string("admin/analysis/_controls.html", {"entry": entry})

    def wish_view(self, request: HttpRequest, entry_id: int, wish: str) -> HttpResponse:
        """One row's button, or its choice of a priority."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        entry = get_object_or_404(AnalysisQueue, pk=entry_id)
        if wish == "priority":
            priority = _priority_in(request, entry)
            self.act(request, [entry], with_priority(priority), name=f"make_{priority}")
        elif wish in self.ACTS:
            self.act(request, [entry], self.ACTS[wish], name=self.BUTTONS[wish])
        else:
            raise Http404
        if getattr(request, "htmx", False):
            return HttpResponseClientRefresh()
        return redirect(_list_that_asked(request))

    def act(self, request: HttpRequest, entries: Entries, act: Act, *, name: str) -> None:
        """Do it, and tell staff, the entries' histories and the log what was done; `name` is the list's action."""
        done, lost = act(entries)
        staff = cast("User", request.user)
        audit.record("queue_action", request=request, action=name, entries=_ids(entries), done=done)
        LogEntry.objects.log_actions(staff.pk, entries, CHANGE, self._in_history(name))
        sentence = ngettext("Done for %(count)d entry.", "Done for %(count)d entries.", done) % {"count": done}
        messages.success(request, sentence)
        if left := len(entries) - done - lost:
            message = ngettext("%(count)d was not in a state for it.", "%(count)d were not in a state for it.", left)
            messages.warning(request, message % {"count": left})
        if lost:
            message = ngettext(
                "%(count)d has lost its file on the server: only its owner can upload it again.",
                "%(count)d have lost their files on the server: only their owners can upload them again.",
                lost,
            )
            messages.warning(request, message % {"count": lost})

    def _in_history(self, action: str) -> str:
        """The action as the history of an entry shows it."""
        return str(getattr(getattr(self, action, None), "short_description", action))


def _priority_in(request: HttpRequest, entry: AnalysisQueue) -> Priority:
    try:
        return Priority(request.POST.get(f"priority-{entry.pk}", ""))
    except ValueError as error:
        raise BadRequest("There is no such priority.") from error


def _list_that_asked(request: HttpRequest) -> str:
    """The list with the filters that it was seen with."""
    address = reverse("admin:analysis_analysisqueue_changelist")
    came_from = address_in(request, "Referer")
    return f"{address}?{came_from.query}" if came_from.path == address and came_from.query else address
