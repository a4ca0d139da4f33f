"""Whether any line that the whole test run logs holds a secret that somebody used in it.

The middleware notes what visitors send and are given: passwords, sessions, the tokens of forms and of mailed links.
Every test is followed by a search of what was logged during it, written as production writes it; the logs of
applications and workers that run as processes of their own are searched when they end.
"""

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core import mail
from django.http import HttpRequest, HttpResponseBase

from imageanalysis import logs

# Shorter ones are found in innocent words; whoever may choose such a password is a test of refusals.
SHORTEST_PASSWORD = 8
LINK = re.compile(r"/password-reset/([\w-]{40,})/")


class LogReview(logging.Handler):
    """Keeps what one test logs, and the secrets that it used; of earlier tests the secrets, for logs of processes."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.LineFormatter())
        self.lines: list[str] = []
        self.secrets: dict[str, str] = {}
        self.earlier: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def note(self, kind: str, secrets: Iterable[str]) -> None:
        self.secrets |= {secret: kind for secret in secrets if secret}

    def note_letter(self, text: str) -> None:
        self.note("mailed token", LINK.findall(text))

    def read(self, log: str) -> None:
        """The log of a process; raises AssertionError when a secret that was noted is in it."""
        must_not_be_in(log, self.earlier | self.secrets)

    def close_test(self) -> None:
        """Search what one test logged, and forget it; raises AssertionError."""
        self.note("SECRET_KEY", [settings.SECRET_KEY])
        for letter in getattr(mail, "outbox", []):
            self.note_letter(str(letter.body))
        lines, self.lines = self.lines, []
        secrets, self.secrets = self.secrets, {}
        self.earlier |= secrets
        must_not_be_in("\n".join(lines), secrets)


def must_not_be_in(log: str, secrets: dict[str, str]) -> None:
    found = {secret: kind for secret, kind in secrets.items() if secret in log}
    told = [f"{kind} in: {line}" for secret, kind in found.items() for line in log.splitlines() if secret in line]
    assert not told, "secrets were logged:\n" + "\n".join(told[:20])


REVIEW = LogReview()


class NotesSecretsMiddleware:
    """Outermost, so that it meets every request as it came and every answer as it goes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        REVIEW.note("cookie", cookies_in(request.COOKIES))
        REVIEW.note("cookie", cookies_in({name: morsel.value for name, morsel in response.cookies.items()}))
        REVIEW.note("mailed token", LINK.findall(request.path))
        REVIEW.note("password", passwords_in(request))
        return response


def cookies_in(cookies: dict[str, str]) -> list[str]:
    secret = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.DEVICE_COOKIE_NAME)
    return [cookies[name] for name in secret if name in cookies]


def passwords_in(request: HttpRequest) -> list[str]:
    """What was sent as a password, if the view has read the form: reading it here would take the body from others."""
    form: dict[str, Any] = getattr(request, "_post", {})
    said = {value for name, value in form.items() if "password" not in name}
    sent = [value for name, value in form.items() if "password" in name]
    return [value for value in sent if len(value) >= SHORTEST_PASSWORD and value not in said]
