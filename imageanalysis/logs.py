"""How log lines look: one line each for people, or one JSON object each for programs; with the time in UTC and the id
of the request that they belong to, and never with a secret."""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from analysis import run_ids

request_id: ContextVar[str] = ContextVar("request_id", default="")

# Addresses that let one in, and passwords of servers: both may stand in the words of an error.
SECRETS = (
    (re.compile(r"(/password-reset/)[\w~:.-]{20,}"), r"\1***"),
    (re.compile(r"(\w://[^\s/:@]*):[^\s/@]+@"), r"\1:***@"),
    (re.compile(r"((?:sessionid|csrftoken|device)\w*=)[\w.:-]+"), r"\1***"),
)
# A visitor's words must not begin a line of their own, nor command a terminal.
CONTROL_CHARACTERS = {
    number: chr(number).encode("unicode_escape").decode()
    for number in (*range(32), *range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


def without_secrets(text: str) -> str:
    for pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    return text


def in_utc(timestamp: float) -> str:
    """A moment as logs show it: `2026-11-23T22:40:00.125Z`."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


class LineFormatter(logging.Formatter):
    """`time level logger [request] message name=fact …`; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        current = request_id.get()
        words = [in_utc(record.created), record.levelname, record.name, *([f"[{current}]"] if current else [])]
        words += [one_line(record.getMessage()), *self._facts(record)]
        if record.exc_info:
            trace = "".join(f"\n  {one_line(line)}" for line in self.formatException(record.exc_info).splitlines())
            return without_secrets(" ".join(words) + trace)
        return without_secrets(" ".join(words))

    def _facts(self, record: logging.LogRecord) -> list[str]:
        audit: dict[str, Any] = getattr(record, "audit", {})
        named = {name: audit[name] for name in ("user", "username", "address") if audit.get(name)}
        facts = named | audit.get("facts", {})
        return [one_line(f"{name}={json.dumps(fact, ensure_ascii=False)}") for name, fact in facts.items()]


def one_line(text: str) -> str:
    return text.translate(CONTROL_CHARACTERS)


class JSONFormatter(logging.Formatter):
    """One object a line: `time`, `level`, `logger`, `message`, `process`; as they apply `request_id`, `runs`,
    `exception`, and of the audit trail `event`, `user`, `username`, `address`, `facts`."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": in_utc(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if current := request_id.get():
            said["request_id"] = current
        if runs := run_ids.current.get():
            said["runs"] = runs
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        said |= getattr(record, "audit", {})
        return without_secrets(json.dumps(said, default=str))


FORMATTERS = {"line": LineFormatter, "json": JSONFormatter}


def configuration(*, level: str, log_format: str) -> dict[str, Any]:
    """The `LOGGING` of the settings: everything to standard error, in one of the two formats."""
    formatter = FORMATTERS.get(log_format, LineFormatter)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": {"()": f"{formatter.__module__}.{formatter.__name__}"}},
        "filters": {"hide_reset_tokens": {"()": "accounts.log_filter.HideResetTokens"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "chosen", "filters": ["hide_reset_tokens"]}
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "NOTSET", "propagate": True},
            # What people did is written down whatever else is left out.
            "audit": {"level": "INFO"},
            # The start command waits for the line with which a worker says that it is ready.
            "celery.apps.worker": {"level": "INFO"},
            # Two lines for every ring of the doorbell would bury what the runner says about real work.
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }
