"""Mails: the row that says one is due, and the worker that sends it and tries again while the server does not take it.

As with pictures the table is the truth and Celery the doorbell: a request only writes a row, and what no message
announces a worker finds by itself.
"""

import logging
from datetime import timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import get_language
from kombu.exceptions import OperationalError

from accounts import audit
from accounts.models import User, WaitingMail

SEND_NEXT = "accounts.send_next_mail"
# How long after each failure the next try comes; the last one is repeated.
RETRY_SECONDS = (5, 15, 30, 60, 120, 300, 600)
# Nobody else tries meanwhile; longer than a server that answers slowly can hold a worker up.
CLAIM_SECONDS = 180
GIVE_UP_SECONDS = 24 * 3600

logger = logging.getLogger(__name__)


def queue(kind: WaitingMail.Kind, *, address: str, user: User | None = None, language: str = "") -> None:
    """Have a worker mail this; without a mail server nothing is kept. `language` is the active one unless given."""
    if settings.MAIL_IS_ON:
        language = language or get_language() or settings.LANGUAGE_CODE
        WaitingMail.objects.create(kind=kind, address=address, user=user, language=language)
        transaction.on_commit(ring, robust=True)


def ring() -> None:
    """Wake a worker. A broker that is away only costs time."""
    try:
        current_app.send_task(SEND_NEXT, time_limit=None, soft_time_limit=None)
    except OperationalError as error:
        logger.warning("no worker was told of a mail, the next look will find it: %s", error)


def is_any_due() -> bool:
    return WaitingMail.objects.filter(due_at__lte=timezone.now()).exists()


def claim_next() -> WaitingMail | None:
    """The mail that has been due longest, which nobody else touches for `CLAIM_SECONDS`."""
    for mail in WaitingMail.objects.filter(due_at__lte=timezone.now()).select_related("user").order_by("due_at")[:20]:
        until = timezone.now() + timedelta(seconds=CLAIM_SECONDS)
        mine = WaitingMail.objects.filter(pk=mail.pk, due_at=mail.due_at)
        if mine.update(due_at=until, attempts=F("attempts") + 1):
            mail.attempts += 1
            return mail
    return None


def done(mail: WaitingMail, *, sent_to: User | None) -> None:
    """The mail was taken by the server, or there is nobody to write to."""
    if sent_to:
        audit.record("mail_sent", kind=mail.kind, account=sent_to, attempts=mail.attempts)
    mail.delete()


def postpone(mail: WaitingMail, error: OSError) -> None:
    """The server did not take it: later again, unless it is too late for that."""
    after = RETRY_SECONDS[min(mail.attempts, len(RETRY_SECONDS)) - 1]
    patience = settings.PASSWORD_RESET_TIMEOUT if mail.kind == WaitingMail.Kind.PASSWORD_RESET else GIVE_UP_SECONDS
    if timezone.now() + timedelta(seconds=after) > mail.asked_at + timedelta(seconds=patience):
        give_up(mail, error)
        return
    audit.record("mail_postponed", **_facts(mail, error))
    WaitingMail.objects.filter(pk=mail.pk).update(due_at=timezone.now() + timedelta(seconds=after))


def give_up(mail: WaitingMail, error: Exception) -> None:
    """Nobody will get it."""
    audit.record("mail_given_up", **_facts(mail, error))
    mail.delete()


def _facts(mail: WaitingMail, error: Exception) -> dict[str, Any]:
    """Servers quote addresses in what they say; its kind and number are enough to go by."""
    code = getattr(error, "smtp_code", None) or getattr(error, "errno", None)
    return {"kind": mail.kind, "attempts": mail.attempts, "error": type(error).__name__, "code": code}
