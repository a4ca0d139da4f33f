"""Every address asks for a signed-in person unless its view says otherwise; pages speak the person's language;
whoever guesses is slowed down."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware as DjangoAuthenticationMiddleware
from django.contrib.auth.middleware import LoginRequiredMiddleware, get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.db import DatabaseError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render, resolve_url
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts import backends, devices, preferences
from accounts.guessing import TooManyTriesError, sentence
from accounts.models import User
from accounts.request import wants_json

USER_AGENT_MAX_LENGTH = 255


class SessionMiddleware(DjangoSessionMiddleware):
    """Django's own, which also tells the session which browser it belongs to."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        told = request.headers.get("User-Agent", "").replace("\0", "")
        request.session.user_agent = told[:USER_AGENT_MAX_LENGTH]  # type: ignore[attr-defined]


class AuthenticationMiddleware(DjangoAuthenticationMiddleware):
    """Django's own; the person comes with the session, in one statement."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)

        def person() -> User | AnonymousUser:
            request.session.get(SESSION_KEY)  # reads the session, unless somebody has
            with backends.at_hand(request.session.person):  # type: ignore[attr-defined]
                return get_user(request)

        request.user = SimpleLazyObject(person)  # type: ignore[assignment]


class PreferredLanguageMiddleware:
    """The language that a person has chosen goes before their browser's; no statement of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = preferences.chosen_by(request.user).language
        if chosen:
            translation.activate(chosen)
            request.LANGUAGE_CODE = chosen
        return self.get_response(request)


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

    def process_exception(self, request: HttpRequest, exception: Exception) -> Any:
        """Whose account was deleted while they asked is not signed in any more: no row that they write has an owner."""
        if not isinstance(exception, (DatabaseError, User.DoesNotExist)) or isinstance(exception, OperationalError):
            return None
        if request.user.is_anonymous or User.objects.filter(pk=request.user.pk).exists():
            return None
        request.session.flush()
        return self.handle_no_permission(request, request.resolver_match and request.resolver_match.func)


class GuessingMiddleware:
    """Tells whoever tried too often how long to wait and what to do; marks the browsers of people who signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        devices.mark(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, TooManyTriesError):
            return None
        answer = too_many_tries(request, exception.wait_seconds)
        answer.headers["Retry-After"] = str(exception.wait_seconds)
        return answer


def too_many_tries(request: HttpRequest, wait_seconds: int) -> HttpResponse:
    message = sentence(wait_seconds)
    if wants_json(request):
        error = {"code": "too_many_tries", "message": message, "retry_after_seconds": wait_seconds}
        return JsonResponse({"errors": [error]}, status=429)
    return render(request, "429.html", {"sentence": message, "mail_is_on": settings.MAIL_IS_ON}, status=429)
