"""The admin's page with a one-time link that staff hand over where no mail can: made by a button, shown once."""

from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext

from accounts import audit, resets
from accounts.models import User


class ResetLinkPage(admin.ModelAdmin):
    """Staff see the link, never a password; whoever is no superuser makes none for other staff."""

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.reset_link_view)
        return [path("<int:user_id>/reset-link/", page, name="accounts_user_reset_link"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        person = cast("User | None", self.get_object(request, object_id))
        more = {"may_make_reset_link": person is not None and self.may_make_link(request, person)}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def may_make_link(self, request: HttpRequest, person: User) -> bool:
        return person.is_active and self.has_change_permission(request, person)

    def reset_link_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        person = get_object_or_404(User, pk=user_id)
        if not self.may_make_link(request, person):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("One-time link"),
            "opts": self.opts,
            "person": person,
            "link": resets.link_for(person),
            "minutes": settings.PASSWORD_RESET_TIMEOUT // 60,
        }
        self.log_change(request, person, "Made a one-time link for a new password.")
        audit.record("password_reset_link_made", request=request, account=person)
        answer = TemplateResponse(request, "admin/accounts/user/reset_link.html", context)
        patch_cache_control(answer, private=True, no_store=True)
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer
