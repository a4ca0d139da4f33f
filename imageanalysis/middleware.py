"""Every request has an id in the logs, answers are private unless a view says otherwise, denials are written down."""

import re
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

from accounts import audit
from imageanalysis import logs

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIdMiddleware:
    """Names the request in every line that is logged during it; a proxy of ours may have named it already.

    The name lasts until the answer is sent: the line about an error is written when all middleware is done.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        told = request.headers.get("X-Request-ID", "") if settings.TRUSTED_PROXY_COUNT else ""
        logs.request_id.set(told if REQUEST_ID.fullmatch(told) else secrets.token_hex(8))
        return self.get_response(request)


@receiver(request_finished)
def forget_request_id(**_kwargs: Any) -> None:
    logs.request_id.set("")


class ProtectedMiddleware:
    """Headers that every answer carries beside those that Django's own middleware sets."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response


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


class DenialsMiddleware:
    """Writes down who was refused what: 401, 403, and 404 for a row that is not there or not theirs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code in (401, 403) or (response.status_code == 404 and asks_for_a_row(request)):
            audit.record(
                "denied", request=request, method=request.method, path=request.path, status=response.status_code
            )
        return response


def asks_for_a_row(request: HttpRequest) -> bool:
    return bool(request.resolver_match and {"pk", "object_id"} & set(request.resolver_match.kwargs))
