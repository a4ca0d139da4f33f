"""Choosing language and appearance: kept with the person who has signed in, else by the browser."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST
from django.views.i18n import set_language as djangos_set_language

from accounts import preferences
from accounts.models import Preferences
from accounts.request import SignedInRequest


@login_not_required
def set_language(request: HttpRequest) -> HttpResponseBase:
    """Django's own view, which sets a cookie; a person's choice goes with them, and an empty one is the browser's."""
    response = djangos_set_language(request)
    language = request.POST.get("language")
    if request.user.is_authenticated and language in ("", *dict(settings.LANGUAGES)):
        preferences.choose(request.user, language=language)
        if not language:
            response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    return response


@require_POST
def set_theme(request: SignedInRequest) -> HttpResponse:
    """Keep the theme; the page's script has shown it already."""
    theme = request.POST.get("theme", "")
    if theme in Preferences.Theme.values:
        preferences.choose(request.user, theme=theme)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return redirect("accounts:profile")
