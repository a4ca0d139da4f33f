"""Answers are private unless a view says otherwise."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers


class PrivateByDefaultMiddleware:
    """Keeps shared caches from mixing people, and JSON from being taken for the page at the same address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["Cookie", "Accept", "HX-Request"])
        return response


class LeanNotModifiedMiddleware:
    """A 304 says what RFC 9110 (15.4.5) asks of it and no more: the rest is kept beside the page that it speaks of."""

    KEPT = frozenset({"cache-control", "content-location", "date", "etag", "expires", "set-cookie", "vary"})

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 304:
            for name in [name for name in response.headers if name.lower() not in self.KEPT]:
                del response[name]
        return response
