"""What settings must not be: each weakness is one sentence that says the way out.

Django's own commands show them; the start command, the web process and a worker refuse to start.
"""

import ipaddress
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

from analysis import lanes
from imageanalysis.logs import FORMATTERS

SECRET_MIN_LENGTH = 50
SECRET_MIN_DIFFERENT = 10
TOKEN_MIN_LENGTH = 24
PRESIGNED_LONGEST_SECONDS = 300
MORE_THAN_NOTHING = (
    *("WORKER_CONCURRENCY", "INFERENCE_THREADS", "PREPARATION_THREADS", "BATCH_SIZE", "INFERENCE_BATCH_SIZE"),
    *("POLLS_PER_SECOND", "SWEEP_SECONDS", "RUN_HARD_LIMIT_SECONDS", "DECODER_PROCESSES", "DECODER_SECONDS"),
    *("UPLOAD_MAX_BYTES", "UPLOAD_MAX_PIXELS", "UPLOAD_MAX_FILES", "UPLOAD_MAX_REQUEST_BYTES"),
)
LOCAL_NAMES = (".local", ".lan", ".home", ".internal", ".home.arpa", ".localhost", ".test")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_of_a_local_network(host: str) -> bool:
    """Whether only a network of one's own knows the host: a private address, or a name that the world cannot have."""
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return "." not in host or host.endswith(LOCAL_NAMES)


def public_host() -> str:
    return urlsplit(settings.PUBLIC_URL).hostname or ""


def is_visited_in_the_clear() -> bool:
    """Whether people's passwords and pictures cross a network without TLS."""
    return not settings.OVER_TLS and not is_loopback(public_host())


def is_reached_from_elsewhere() -> bool:
    bind_host = settings.BIND.rpartition(":")[0]
    return not is_loopback(bind_host) or not is_loopback(public_host())


def weaknesses() -> Iterator[tuple[str, str]]:
    """The id and the sentence of each."""
    yield from _of_names()
    yield from _of_transport()
    if settings.DEBUG and is_reached_from_elsewhere():
        yield (
            "E001",
            "DEBUG shows strangers the inside: switch it off, or let BIND and PUBLIC_URL be of this machine only.",
        )
    key = settings.SECRET_KEY
    if len(key) < SECRET_MIN_LENGTH or len(set(key)) < SECRET_MIN_DIFFERENT or key.startswith("django-insecure"):
        yield (
            "E002",
            f"SECRET_KEY can be guessed: leave it empty to have one made, or set {SECRET_MIN_LENGTH} random letters.",
        )
    if settings.LOG_FORMAT not in FORMATTERS:
        yield "E008", f"LOG_FORMAT must be one of {', '.join(FORMATTERS)}, not {settings.LOG_FORMAT!r}."
    yield from _of_metrics()
    yield from _of_lanes()
    if faulty := [name for name in MORE_THAN_NOTHING if getattr(settings, name) <= 0]:
        yield "E013", f"{faulty[0]} must be more than 0, not {getattr(settings, faulty[0])}."
    if not 0 <= settings.MEDIA_PRESIGNED_SECONDS <= PRESIGNED_LONGEST_SECONDS:
        yield (
            "E009",
            f"MEDIA_PRESIGNED_SECONDS must lie between 0 and {PRESIGNED_LONGEST_SECONDS}: such a link lets anybody in.",
        )


def _of_names() -> Iterator[tuple[str, str]]:
    address, host = urlsplit(settings.PUBLIC_URL), public_host()
    if "*" in settings.ALLOWED_HOSTS:
        yield "E003", "ALLOWED_HOSTS must name the hosts under which people visit: * lets anybody choose one."
    if not (_is_http(address) and host) or address.path or address.query or address.username:
        yield "E004", "PUBLIC_URL must be the address that people visit and no more, like https://pictures.example.org."
    elif not validate_host(host if ":" not in host else f"[{host}]", settings.ALLOWED_HOSTS):
        yield "E005", f"ALLOWED_HOSTS does not name {host}, the host of PUBLIC_URL: every visit would be refused."


def _is_http(address: SplitResult) -> bool:
    try:
        return address.scheme in ("http", "https") and address.port != 0
    except ValueError:  # a port that is none
        return False


def _of_transport() -> Iterator[tuple[str, str]]:
    if settings.OVER_TLS and not settings.TRUSTED_PROXY_COUNT:
        yield (
            "E006",
            "PUBLIC_URL is https, so a proxy stands in front: set TRUSTED_PROXY_COUNT to how many do, mostly 1.",
        )
    if is_visited_in_the_clear() and not is_of_a_local_network(public_host()) and not settings.ALLOW_PLAIN_HTTP:
        yield (
            "E007",
            "PUBLIC_URL is http, so passwords could be read on their way: use https, or set ALLOW_PLAIN_HTTP=true"
            " where the network is your own.",
        )


def _of_metrics() -> Iterator[tuple[str, str]]:
    token = settings.METRICS_TOKEN
    if token and len(token) < TOKEN_MIN_LENGTH:
        yield "E010", f"METRICS_TOKEN can be guessed: set {TOKEN_MIN_LENGTH} random letters or more."
    if wrong := [text for text in settings.METRICS_NETWORKS if not is_network(text)]:
        yield "E011", f"METRICS_NETWORKS must hold networks like 10.0.0.0/8 or addresses, not {wrong[0]!r}."


def _of_lanes() -> Iterator[tuple[str, str]]:
    try:
        lanes.own()
    except ValueError as error:
        yield "E012", str(error)


def is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def weak_settings(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    return [Error(sentence, id=f"imageanalysis.{number}") for number, sentence in weaknesses()]


def plain_http(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    if not is_visited_in_the_clear():
        return []
    return [
        Warning("People visit over plain http: whoever shares the network can read along.", id="imageanalysis.W001")
    ]


def refuse_when_weak() -> None:
    """Raise ImproperlyConfigured with a sentence for each weakness."""
    if found := [sentence for _number, sentence in weaknesses()]:
        raise ImproperlyConfigured(" ".join(found))
