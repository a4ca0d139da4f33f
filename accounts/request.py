"""The request of a person who has signed in, for annotations; and what requests of anybody say."""

from urllib.parse import SplitResult, urlsplit

from django.http import HttpRequest

from accounts.models import User


class SignedInRequest(HttpRequest):
    """What a view behind the sign-in receives."""

    user: User


def wants_json(request: HttpRequest) -> bool:
    """Whether a program asks: it would rather have JSON than a page."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def address_in(request: HttpRequest, header: str) -> SplitResult:
    """The address that a header names, such as the page that the browser shows; an empty one for what is none."""
    try:
        return urlsplit(request.headers.get(header, ""))
    except ValueError:
        return urlsplit("")
