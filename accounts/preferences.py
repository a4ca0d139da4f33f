"""What people prefer, kept with the person: read and written."""

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ObjectDoesNotExist

from accounts.models import Preferences, User


def chosen_by(user: User | AnonymousUser) -> Preferences:
    """A person's preferences, or empty ones; no statement for the user of a request, at most one for others."""
    try:
        return user.preferences if isinstance(user, User) else Preferences()
    except ObjectDoesNotExist:
        return Preferences()


def choose(user: User, **fields: str) -> None:
    """Keep the `language` or the `theme` that a person has chosen."""
    Preferences.objects.update_or_create(user=user, defaults=fields)
