"""Signing in by user name or by e-mail, and finding the person of a session."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User

_at_hand: ContextVar[User | None] = ContextVar("person at hand", default=None)


@contextmanager
def at_hand(person: User | None) -> Iterator[None]:
    """Within it `get_user` need not ask the database for this person, who was just read with the session."""
    token = _at_hand.set(person)
    try:
        yield
    finally:
        _at_hand.reset(token)


class UsernameOrEmailBackend(ModelBackend):
    """Accepts either name of an account together with its password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if not username or password is None:
            return None
        user = User.objects.find(username)
        if user is None:
            # Hash all the same, so that the time of the answer does not tell which accounts exist.
            User().set_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None

    def get_user(self, user_id: int) -> User | None:
        """The person of a session with their preferences; one statement, or none for the one who is at hand."""
        user = _at_hand.get()
        if user is None or user.pk != user_id:
            user = User.objects.select_related("preferences").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
