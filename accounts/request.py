"""The request of a person who has signed in, for annotations."""

from django.http import HttpRequest

from accounts.models import User


class SignedInRequest(HttpRequest):
    """What a view behind the sign-in receives."""

    user: User
