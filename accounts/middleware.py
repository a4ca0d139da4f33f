"""Every address asks for a signed-in person unless its view says otherwise."""

from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _

from accounts.request import wants_json


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Sends people to the sign-in page; tells programs and page fragments so in a form that they understand."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        if request.headers.get("HX-Request"):
            # A redirect would be followed by the fragment and put the sign-in page inside the timeline.
            return HttpResponse(status=401, headers={"HX-Redirect": resolve_url(self.get_login_url(view_func))})
        if wants_json(request):
            return JsonResponse(
                {"errors": [{"code": "sign_in_required", "message": _("Please sign in first.")}]}, status=401
            )
        return super().handle_no_permission(request, view_func)
