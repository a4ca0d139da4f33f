"""The audit trail: who did what, when and from where, on the logger `audit`; never a secret.

One call is one line. The time and the request's id are the log's own (`imageanalysis.logs`).
"""

import logging
from typing import Any

from django.db.models import Model
from django.http import HttpRequest

logger = logging.getLogger("audit")

HIDDEN = "***"
SECRETS = ("password", "token", "secret", "cookie", "session", "csrf", "authorization")


def record(event: str, *, request: HttpRequest | None = None, user: Any = None, **facts: Any) -> None:
    """Write down that `event` happened: `record("password_reset_requested", request=request, account=user.pk)`.

    `event` is a word of code, such as `sign_in_failed`. Who did it is `user`, or else whoever sent the request, which
    may cost the query that tells. Rows among the facts are written as their keys; facts named like secrets are hidden.
    """
    who: Any = user if user is not None else getattr(request, "user", None)
    described = {
        "event": event,
        "user": getattr(who, "pk", None),
        "username": "" if getattr(who, "is_anonymous", True) else who.get_username(),
        "address": request.META.get("REMOTE_ADDR", "") if request else "",
        "facts": {name: _plain(name, fact) for name, fact in facts.items()},
    }
    logger.info("%s", event, extra={"audit": described})


def signed_out(request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    """Receives Django's signal, which the admin's sign-out sends too."""
    if user is not None:
        record("sign_out", request=request, user=user)


def _plain(name: str, fact: Any) -> Any:
    if any(word in name.lower() for word in SECRETS):
        return HIDDEN
    if isinstance(fact, Model):
        return fact.pk
    return fact if isinstance(fact, str | int | float | bool | None) else str(fact)
