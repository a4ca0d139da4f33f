"""Writes about people."""

from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from accounts.models import User


@transaction.atomic
def register(*, username: str, email: str, password: str) -> User:
    """Make an account; the very first one becomes the administrator.

    Locking a row that every installation has lets only one of two simultaneous first registrations be the first.
    """
    ContentType.objects.select_for_update().filter(app_label="accounts", model="user").first()
    if User.objects.exists():
        return User.objects.create_user(username, email, password)
    return User.objects.create_superuser(username, email, password)
