"""Errors told to a Sentry server, where `SENTRY_DSN` names one: what broke and where, and nothing about people.

Loaded only then: the package patches what it finds.
"""

from typing import Any
from urllib.parse import urlsplit

import sentry_sdk
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.types import Event, Hint

from analysis import run_ids
from analysis.code_version import THIS_CODE
from imageanalysis.logs import request_id, without_secrets

TOLD = (
    "event_id",
    "timestamp",
    "platform",
    "level",
    "logger",
    "release",
    "environment",
    "sdk",
    "exception",
    "logentry",
)


def start(dsn: str) -> None:
    """Report what is logged as an error from now on."""
    sentry_sdk.init(
        dsn,
        release=THIS_CODE,
        before_send=bare,
        integrations=[DjangoIntegration(), CeleryIntegration()],
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
    )


def bare(event: Event, _hint: Hint) -> Event:
    """The event without whatever could tell of a person, and without secrets in the words of an error."""
    said: Any = {name: _without_secrets(part) for name, part in event.items() if name in TOLD}
    said["tags"] = {"request_id": request_id.get(), "runs": " ".join(run_ids.current.get())}
    if request := event.get("request"):
        path = urlsplit(str(request.get("url", ""))).path
        said["request"] = {"method": request.get("method"), "url": without_secrets(path)}
    return said


def _without_secrets(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _without_secrets(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_without_secrets(value) for value in part]
    return without_secrets(part) if isinstance(part, str) else part
