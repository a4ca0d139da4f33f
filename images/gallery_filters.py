"""What a person looks for in the gallery: words, status, model, confidence, days. All of it stands in the address."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat
from django.utils import formats, timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.models import AnalysisResult
from analysis.states import ImageStatus, QueueStatus
from images.gallery_order import Sort
from images.models import ImageQuerySet
from mlmodels.label_names import models_with_own_words
from mlmodels.label_search import labels_by_chance, labels_meant
from mlmodels.models import MLModel

WORDS = 6
WORD_LENGTH = 100
CONFIDENCES = (50, 75, 90, 95)
EXPORT_FORMATS = ("csv", "json")
MODEL_KEY = Concat("model_name", Value(":"), "model_version")


class Shown(models.TextChoices):
    """The statuses as cards show them."""

    WAITING = "waiting", gettext_lazy("Waiting")
    RUNNING = "running", gettext_lazy("Analyzing")
    DONE = "done", gettext_lazy("Done")
    FAILED = "failed", gettext_lazy("Failed")
    CANCELLED = "cancelled", gettext_lazy("Cancelled")


BY_STATUS = {
    Shown.WAITING: Q(status__in=[ImageStatus.UPLOAD, ImageStatus.UPLOADED]),
    Shown.RUNNING: Q(status__in=[ImageStatus.PREPARING, ImageStatus.ANALYZING]),
    Shown.DONE: Q(status=ImageStatus.SUCCESS),
    Shown.FAILED: Q(status=ImageStatus.FAILED),
    Shown.CANCELLED: Q(status=ImageStatus.UPLOADED),
}


class Active(NamedTuple):
    """A filter that is on, in words, and the address without it."""

    name: str
    words: str
    without: str


@dataclass(frozen=True, slots=True)
class Filters:
    """A person's wish; empty values ask for nothing."""

    q: str = ""
    status: str = ""
    model: str = ""
    confidence: int | None = None
    since: date | None = None
    until: date | None = None
    sort: Sort = Sort.NEWEST

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> "Filters":
        """What cannot be understood asks for nothing: an address is typed and shortened by people."""
        confidence, sort = asked.get("confidence", ""), asked.get("sort", "")
        return cls(
            q=unicodedata.normalize("NFC", asked.get("q", "").replace("\0", "")).strip()[:WORD_LENGTH],
            status=_one_of(Shown.values, asked.get("status", "")),
            model=asked.get("model", "").replace("\0", "")[:WORD_LENGTH],
            confidence=int(confidence) if confidence in map(str, CONFIDENCES) else None,
            since=_read_day(asked.get("since", "")),
            until=_read_day(asked.get("until", "")),
            sort=Sort(sort) if sort in Sort.values else Sort.NEWEST,
        )

    @property
    def is_narrowing(self) -> bool:
        return bool(self._given().keys() - {"sort"})

    @property
    def is_looking(self) -> bool:
        """Whether pictures have to be looked at one by one, because no index knows the answer."""
        return bool(self.q or self.confidence or self.status in (Shown.WAITING, Shown.CANCELLED))

    def walked(self, pictures: ImageQuerySet) -> ImageQuerySet:
        """The pictures that an index leads to."""
        pictures = pictures.filter(BY_STATUS[Shown(self.status)]) if self.status else pictures
        if self.model:
            name, _colon, version = self.model.partition(":")
            pictures = pictures.filter(model_used__in=MLModel.objects.filter(name=name, version=version).values("pk"))
        if self.since:
            pictures = pictures.filter(upload_date__gte=_begin_of(self.since))
        if self.until:
            pictures = pictures.filter(upload_date__lt=_begin_of(self.until + timedelta(days=1)))
        return pictures

    def looked_at(self, pictures: ImageQuerySet) -> ImageQuerySet:
        """Those of `walked` pictures that also meet what has to be looked up for each one."""
        if self.status in (Shown.WAITING, Shown.CANCELLED):
            is_cancelled = Q(queue__status=QueueStatus.CANCELLED)
            pictures = pictures.filter(is_cancelled if self.status == Shown.CANCELLED else ~is_cancelled)
        if self.q:
            pictures = _with_words(pictures, self.q.split()[:WORDS])
        if self.confidence:
            shown = _of_shown_result(F("confidence"))
            pictures = pictures.annotate(shown_confidence=shown).filter(shown_confidence__gte=self.confidence)
        return pictures

    def address(self, **changed: str) -> str:
        """The query of an address with these filters, some of them changed or (empty) taken away."""
        asked = {**self._given(), **changed}
        return "?" + urlencode({name: value for name, value in asked.items() if value})

    @property
    def carried(self) -> str:
        """The query that takes these filters along to a picture and back; empty without any."""
        return self.address() if self._given() else ""

    @property
    def exports(self) -> list[tuple[str, str]]:
        """The formats in which the results of what is found can be had, and the queries of their addresses."""
        return [(file_format.upper(), self.address(format=file_format)) for file_format in EXPORT_FORMATS]

    def _given(self) -> dict[str, str]:
        values = {name: getattr(self, name) for name in ("q", "status", "model", "confidence", "since", "until")}
        sort = {} if self.sort == Sort.NEWEST else {"sort": self.sort.value}
        return {name: str(value) for name, value in values.items() if value} | sort

    def active(self) -> Iterator[Active]:
        """Each filter that is on, in the active language."""
        for name in self._given():
            if name == "sort":
                continue
            yield Active(name, self._in_words(name), self.address(**{name: ""}))

    def _in_words(self, name: str) -> str:
        value = getattr(self, name)
        sentences = {
            "q": lambda: f"“{value}”",
            "status": lambda: str(Shown(value).label),
            "model": lambda: _model_in_words(value),
            "confidence": lambda: _("from %(confidence)d%%") % {"confidence": value},
            "since": lambda: _("since %(day)s") % {"day": formats.date_format(value, "SHORT_DATE_FORMAT")},
            "until": lambda: _("until %(day)s") % {"day": formats.date_format(value, "SHORT_DATE_FORMAT")},
        }
        return sentences[name]()


def _with_words(pictures: ImageQuerySet, words: list[str]) -> ImageQuerySet:
    """Those with each word in their name or label, or with a label that the word means."""
    pictures = pictures.alias(shown_label=_of_shown_result(F("label")), shown_model=_of_shown_result(MODEL_KEY))
    speaks_imagenet = ~Q(shown_model__in=models_with_own_words())
    for word in words:
        in_label = Q(shown_label__icontains=word)
        if len(words) == 1:  # beside another word, "dog" may well be a part of "hot dog"
            in_label &= ~(Q(shown_label__in=labels_by_chance(word)) & speaks_imagenet)
        is_meant = Q(shown_label__in=labels_meant(word)) & speaks_imagenet
        pictures = pictures.filter(Q(filename__icontains=word) | in_label | is_meant)
    return pictures


def _of_shown_result(value: Combinable) -> Subquery:
    """Of the first label of the latest analysis, which is the one that the card shows."""
    firsts = AnalysisResult.objects.filter(image=OuterRef("pk"), rank=1).order_by("-created_at", "-id")
    return Subquery(firsts.values(shown=value)[:1])


def _model_in_words(key: str) -> str:
    name, _colon, version = key.partition(":")
    return f"{MLModel.Name(name).label if name in MLModel.Name.values else name} {version}".strip()


def _one_of(known: list[str], value: str) -> str:
    return value if value in known else ""


def _read_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return day if 1970 < day.year < 9999 else None


def _begin_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
