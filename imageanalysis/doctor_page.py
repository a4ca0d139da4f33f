"""The doctor's page in the admin, for every member of staff; its button mails only the one who presses it."""

from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.examinations import send_mail_to
from accounts.findings import Level
from accounts.models import User
from imageanalysis import doctor


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    reports = doctor.examine()
    levels = [finding.level for report in reports for finding in report.findings]
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("Doctor"),
        "reports": reports,
        "counts": [(level, levels.count(level)) for level in (Level.WRONG, Level.WARNING, Level.OK)],
    }
    return TemplateResponse(request, "admin/doctor.html", context)


@require_POST
def send_mail(request: HttpRequest) -> HttpResponse:
    finding = send_mail_to(cast("User", request.user).email)
    tell = {Level.OK: messages.success, Level.WARNING: messages.warning, Level.WRONG: messages.error}[finding.level]
    tell(request, f"{finding.sentence} {finding.repair}".strip())
    return redirect("admin_doctor")


def urls() -> list[URLPattern]:
    return [
        path("admin/doctor/", admin.site.admin_view(page), name="admin_doctor"),
        path("admin/doctor/mail/", admin.site.admin_view(send_mail), name="admin_doctor_mail"),
    ]
