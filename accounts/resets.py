"""Links that let a person choose a new password: made, looked at, used once, ended.

The table holds the SHA-256 of a token, and so does the session of whoever followed a link: neither lets anybody in.
Whoever writes locks the person's row first, so that of two who use a link at once only one does.
"""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts import mails, sessions
from accounts.models import PasswordResetToken, User, WaitingMail

TOKEN_BYTES = 32
KEPT = timedelta(days=30)  # used and outlived rows, for whoever asks what happened


class LinkVoidError(Exception):
    """The link was used, is too old, was ended by a newer one or by a change of the account, or never was."""


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def link_for(user: User) -> str:
    """A new link for this person, the only one that is good from now on."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    User.objects.select_for_update().get(pk=user.pk)
    user.end_reset_tokens()
    PasswordResetToken.objects.create(user=user, token=digest_of(token))
    return f"{settings.PUBLIC_URL}{reverse('accounts:password_reset_link', args=[token])}"


def person_behind(digest: str) -> User | None:
    """Whose link this is, if it is still good. Uses nothing up."""
    row = _living(digest).select_related("user").first()
    return row.user if row and row.user.is_active else None


def finish(digest: str, password: str) -> User:
    """Use the link up, change the password, end every session and tell the person; raises LinkVoidError.

    The password is one that the validators have passed.
    """
    person = person_behind(digest)
    if person is None:
        raise LinkVoidError
    encoded = make_password(password)  # takes long: not while others wait for the database
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=person.pk)
        if not (user.is_active and _living(digest).update(used=True)):
            raise LinkVoidError
        user.password = encoded
        user.save(update_fields=["password"])
        sessions.end(user)
        mails.queue(WaitingMail.Kind.PASSWORD_CHANGED, address=user.email, user=user)
    return user


def forget_old() -> int:
    """Delete tokens that have long been good for nothing; how many."""
    return PasswordResetToken.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def _living(digest: str) -> QuerySet[PasswordResetToken]:
    # No condition on other tables: an UPDATE with one is not looked at again after it waited for another.
    after = timezone.now() - timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    return PasswordResetToken.objects.filter(token=digest, used=False, created_at__gt=after)
