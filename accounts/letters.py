"""What mails say: the text of each kind, in the person's language, as text and as HTML."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts import audit, budgets, preferences, resets
from accounts.budgets import Budget, BudgetSpentError
from accounts.models import User, WaitingMail

RESET_MAILS = Budget("reset-mails", burst=3, refill_seconds=3600)
SUBJECTS = {
    WaitingMail.Kind.PASSWORD_RESET: _("Choose a new password"),
    WaitingMail.Kind.PASSWORD_CHANGED: _("Your password was changed"),
    WaitingMail.Kind.EMAIL_CHANGED: _("Your e-mail address was changed"),
}


@dataclass(frozen=True, slots=True)
class Letter:
    user: User
    message: EmailMultiAlternatives


def write(mail: WaitingMail) -> Letter | None:
    """The message, or None when nobody is to get it."""
    return WRITERS[WaitingMail.Kind(mail.kind)](mail)


def _reset(mail: WaitingMail) -> Letter | None:
    user = User.objects.find_by_email(mail.address)
    if user is None or not user.is_active:
        return None
    try:
        if mail.attempts == 1:
            budgets.spend([RESET_MAILS.of(user.pk)])
    except BudgetSpentError:
        audit.record("password_reset_mail_withheld", account=user)
        return None
    minutes = settings.PASSWORD_RESET_TIMEOUT // 60
    return _letter(mail, user, user.email, link=resets.link_for(user), minutes=minutes)


def _notice(mail: WaitingMail) -> Letter | None:
    if mail.user is None:
        return None
    link = settings.PUBLIC_URL + reverse("accounts:password_reset")
    return _letter(mail, mail.user, mail.address, link=link, asked_at=mail.asked_at)


WRITERS: dict[WaitingMail.Kind, Callable[[WaitingMail], Letter | None]] = {
    WaitingMail.Kind.PASSWORD_RESET: _reset,
    WaitingMail.Kind.PASSWORD_CHANGED: _notice,
    WaitingMail.Kind.EMAIL_CHANGED: _notice,
}


def _letter(mail: WaitingMail, user: User, address: str, **facts: Any) -> Letter:
    language = preferences.chosen_by(user).language or mail.language
    with translation.override(language):
        context = {"user": user, "public_url": settings.PUBLIC_URL, "language": language, **facts}
        message = EmailMultiAlternatives(
            subject=str(SUBJECTS[WaitingMail.Kind(mail.kind)]),
            body=render_to_string(f"mail/{mail.kind}.txt", context),
            to=[address],
            headers={"Auto-Submitted": "auto-generated"},
        )
        message.attach_alternative(render_to_string(f"mail/{mail.kind}.html", context), "text/html")
    return Letter(user, message)
