"""Where a request comes from: the peer of the connection, or what proxies of our own say about it."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ClientAddressMiddleware:
    """Puts the visitor's address into REMOTE_ADDR, which everything else reads.

    Anybody can send X-Forwarded-For; only the last `TRUSTED_PROXY_COUNT` entries were written by our own proxies. With
    none (the default) the header means nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        count = settings.TRUSTED_PROXY_COUNT
        if count and (forwarded := request.headers.get("X-Forwarded-For", "")):
            named = forwarded.split(",")[-count:][0].strip()
            if is_address(named):
                request.META["REMOTE_ADDR"] = named
        return self.get_response(request)


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def network_of(request: HttpRequest) -> str:
    """What stands for a visitor when tries are counted: the IPv4 address, or the /64 that one IPv6 customer has."""
    told = request.META.get("REMOTE_ADDR", "")
    if not is_address(told):
        return str(told)
    address = ipaddress.ip_address(told)
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(address), 64), strict=False))
    return told
