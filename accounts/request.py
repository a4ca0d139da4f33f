"""The request of a person who has signed in, for annotations."""

from django.http import HttpRequest

from accounts.models import User


class SignedInRequest(HttpRequest):
    """What a view behind the sign-in receives."""

    user: User


def wants_json(request: HttpRequest) -> bool:
    """Whether a program asks: it would rather have JSON than a page."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
