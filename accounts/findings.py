"""What an examination of the installation finds: one sentence on how something stands, and how to repair it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Level(TextChoices):
    OK = "ok", _("In order")
    WARNING = "warning", _("Warning")
    WRONG = "wrong", _("Wrong")


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    sentence: str
    repair: str = ""


class Examination(Protocol):
    """Looks at one matter. What the database and the broker raise it may let through: the doctor has words for it."""

    def __call__(self) -> Iterator[Finding]: ...


def ok(sentence: Any) -> Finding:
    return Finding(Level.OK, str(sentence))


def warning(sentence: Any, repair: Any) -> Finding:
    return Finding(Level.WARNING, str(sentence), str(repair))


def wrong(sentence: Any, repair: Any) -> Finding:
    return Finding(Level.WRONG, str(sentence), str(repair))
