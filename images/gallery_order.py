"""The orders of a gallery and its pages by key: a page begins behind a picture, not after so many rows.

A key is `(value, id)`: the moment of the upload in microseconds, or the file name in small letters. It travels in the
address, so a page stays where it is when pictures come or go, also its own first one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Func, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from images import filenames
from images.models import ImageQuerySet

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_ID = 2**63 - 1


class Sort(models.TextChoices):
    """What a gallery can be sorted by."""

    NEWEST = "newest", _("Newest first")
    OLDEST = "oldest", _("Oldest first")
    NAME = "name", _("File name")


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page ends: what a picture is sorted by, and its id for those that are alike."""

    value: str
    id: int

    def __str__(self) -> str:
        return f"{self.id}.{self.value}"

    @classmethod
    def read(cls, text: str) -> "Key | None":
        """None for what is no key."""
        number, _dot, value = text.partition(".")
        is_number = number.isascii() and number.isdigit() and len(number) < len(str(LAST_ID))
        return cls(value[: filenames.MAX_LENGTH], int(number)) if is_number and "\0" not in value else None


@dataclass(frozen=True, slots=True)
class Order:
    """One way through a person's pictures, forwards or backwards; each is served by an index of `images`."""

    sort: Sort

    @property
    def is_descending(self) -> bool:
        return self.sort == Sort.NEWEST

    def sorted(self, pictures: ImageQuerySet, *, backwards: bool = False) -> ImageQuerySet:
        """Annotates what a key needs."""
        sign = "-" if self.is_descending is not backwards else ""
        field = Lower("filename") if self.sort == Sort.NAME else F("upload_date")
        return pictures.annotate(sorted_by=field).order_by(f"{sign}sorted_by", f"{sign}id")

    def key_of(self, value: Any, pk: int) -> Key:
        is_moment = isinstance(value, datetime)
        return Key(str((value - EPOCH) // timedelta(microseconds=1)) if is_moment else value, pk)

    def beyond(self, pictures: ImageQuerySet, key: Key, *, backwards: bool = False) -> ImageQuerySet:
        """Those of `sorted` pictures that come after the key, or before it going backwards; all for a foreign key."""
        return self._compared(pictures, key, "<" if self.is_descending is not backwards else ">")

    def until(self, pictures: ImageQuerySet, key: Key, *, backwards: bool = False) -> ImageQuerySet:
        """Those up to the key and its own picture."""
        return self._compared(pictures, key, ">=" if self.is_descending is not backwards else "<=")

    def _compared(self, pictures: ImageQuerySet, key: Key, sign: str) -> ImageQuerySet:
        value = self._value(key)
        if value is None:
            return pictures
        row = Func(F("sorted_by"), F("id"), template="(%(expressions)s)", output_field=models.TextField())
        other = Func(value, Value(key.id), template="(%(expressions)s)", output_field=models.TextField())
        is_met = models.BooleanField()
        return pictures.filter(
            Func(row, other, template="%(expressions)s", arg_joiner=f" {sign} ", output_field=is_met)
        )

    def _value(self, key: Key) -> Value | None:
        if self.sort == Sort.NAME:
            return Value(key.value, output_field=models.CharField())
        try:
            moment = EPOCH + timedelta(microseconds=int(key.value[:18]))
        except (ValueError, OverflowError):
            return None
        return Value(moment, output_field=models.DateTimeField())
