"""Changes that people make to their own accounts; each ends what the old state had opened, and is written down."""

from django.contrib.auth import update_session_auth_hash
from django.db import transaction

from accounts import mails, sessions
from accounts.audit import record
from accounts.models import User, WaitingMail
from accounts.request import SignedInRequest


def change_email(request: SignedInRequest, email: str) -> None:
    """Give the person another address and tell the old one; links mailed to it end.

    Raises IntegrityError when the new one is taken.
    """
    user, before = request.user, request.user.email
    if email == before:
        return
    with transaction.atomic():
        user.email = email
        user.save(update_fields=["email"])
        mails.queue(WaitingMail.Kind.EMAIL_CHANGED, address=before, user=user)
    record("email_changed", request=request)


def change_password(request: SignedInRequest, password: str) -> int:
    """Give the person another password; this session goes on under a new key, all others end. How many did."""
    user: User = request.user
    user.set_password(password)
    with transaction.atomic():
        user.save(update_fields=["password"])
        update_session_auth_hash(request, user)
        ended = sessions.end(user, but=request.session.session_key)
        mails.queue(WaitingMail.Kind.PASSWORD_CHANGED, address=user.email, user=user)
    record("password_changed", request=request, others_ended=ended)
    return ended
