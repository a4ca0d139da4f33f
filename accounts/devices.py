"""Browsers in which a person has signed in before: a cookie tells them from strangers, for that person only.

After "Slow Down Online Guessing Attacks with Device Cookies" (OWASP): whoever guesses from elsewhere uses up the
allowance of strangers, not the one of the person's own browser.
"""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User

COOKIE_SECONDS = 400 * 24 * 3600  # the longest that browsers keep one
PEOPLE_OF_A_BROWSER = 5


def known_to(user: User | None, request: HttpRequest) -> str | None:
    """The browser's name among this person's browsers, or None when it is none of them."""
    if user is None:
        return None
    for name, _dot, seal in (entry.partition(".") for entry in _entries(request)):
        if constant_time_compare(seal, _seal(user, name)):
            return name
    return None


def remember(request: HttpRequest, user: User) -> None:
    """Have the answer to this request make the browser one of this person's."""
    if known_to(user, request) is None:
        name = secrets.token_urlsafe(12)
        request.META[settings.DEVICE_COOKIE_NAME] = f"{name}.{_seal(user, name)}"


def mark(request: HttpRequest, response: HttpResponse) -> None:
    """Set the cookie where `remember` asked for it."""
    if added := request.META.get(settings.DEVICE_COOKIE_NAME):
        response.set_cookie(
            settings.DEVICE_COOKIE_NAME,
            "~".join([added, *_entries(request)][:PEOPLE_OF_A_BROWSER]),
            max_age=COOKIE_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def _entries(request: HttpRequest) -> list[str]:
    told = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    return [entry for entry in told.split("~")[:PEOPLE_OF_A_BROWSER] if entry]


def _seal(user: User, name: str) -> str:
    return salted_hmac("accounts.devices", f"{user.pk}:{name}", algorithm="sha256").hexdigest()[:40]
