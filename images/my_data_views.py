"""The page of a person's export, its progress, and the file itself."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.audit import record
from accounts.models import User
from accounts.request import SignedInRequest
from images import my_data
from images.media import file_response
from images.models import DataExport, Image

POLL_MS = 1000

State = DataExport.State


@require_http_methods(["GET", "HEAD", "POST"])
def my_data_page(request: SignedInRequest) -> HttpResponse:
    """Have an export made by POST `make`; see how far it is. A page that polls gets the part that changes."""
    if request.method == "POST":
        if "make" in request.POST and my_data.request(request.user):
            record("export_requested", request=request)
        return redirect("images:my_data")
    is_poll = request.headers.get("HX-Request")
    template = "accounts/_profile_export.html" if is_poll else "accounts/profile_data.html"
    return render(request, template, _shown(request.user))


def _shown(user: User) -> dict[str, Any]:
    export = my_data.of(user)
    state = "" if export is None else State.FAILED if export.is_lost else export.state
    return {
        "export": export,
        "export_state": state,
        "export_percentage": _percentage(export) if export else 0,
        "export_sentence": _sentence(export, state),
        "export_poll_ms": POLL_MS if export and export.is_under_way else None,
        "pictures_count": Image.objects.visible_to(user).count(),
    }


def _percentage(export: DataExport) -> int:
    return 100 * export.done_pictures // export.total_pictures if export.total_pictures else 0


def _sentence(export: DataExport | None, state: str) -> str:
    if export is None or state == State.READY:
        return ""
    if state == State.FAILED:
        code = my_data.WORKER_LOST if export.is_lost else export.code
        return {
            my_data.WORKER_LOST: _("The worker was interrupted. Please try again."),
            my_data.NOT_STORED: _("The file could not be stored just now. Please try again later."),
        }.get(code, _("Something went wrong on our side. Please try again."))
    if state == State.WAITING:
        return _("Waiting for a free worker.")
    return _("Pictures: %(done)d of %(total)d") % {"done": export.done_pictures, "total": export.total_pictures}


@require_safe
def download(request: SignedInRequest) -> HttpResponseBase:
    """The person's own export; 404 while there is none."""
    export = my_data.of(request.user)
    if export is None or export.state != State.READY:
        raise Http404("no export")
    day = timezone.localtime(export.ended_at).date().isoformat()
    filename = f"{request.user.username}-{day}.zip"
    record("export_downloaded", request=request)
    return file_response(export.file, filename=filename, request=request, as_attachment=True)
