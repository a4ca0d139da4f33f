"""The card of a result: by what it came about and how long that took; and the attempts that came to nothing."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.translation import gettext

from analysis import failures
from analysis.states import Stage

LOADING = "loading"
STAGES = (LOADING, Stage.PREPROCESSING.value, Stage.MODEL_EXECUTION.value)


class Tried(NamedTuple):
    """An attempt as `story_query.stories` has read it; the fields are those of `Attempt`."""

    model_key: str
    number: int
    code: str
    queued_at: datetime | None
    started_at: datetime
    ended_at: datetime
    facts: dict[str, Any]


class Span(NamedTuple):
    """How long one part of a run took, and where it lies in the whole, in percent."""

    part: str
    milliseconds: int
    begins: float
    share: float


class Card(NamedTuple):
    """How a model's labels came about; None for what nobody noted."""

    tried: Tried
    waited_ms: int | None
    total_ms: int
    spans: list[Span]

    @property
    def facts(self) -> dict[str, Any]:
        return self.tried.facts


class Interruption(NamedTuple):
    """An attempt that a fault of ours ended."""

    number: int
    at: datetime
    reason: str


def cards(attempts: Iterable[Tried]) -> dict[str, Card]:
    """The cards of the attempts that answered, by `name:version`."""
    return {tried.model_key: _card(tried) for tried in attempts if not tried.code}


def interruptions(attempts: Iterable[Tried]) -> list[Interruption]:
    """In their order, with their reasons in the active language."""
    known = failures.TRANSIENT
    interrupted = [tried for tried in attempts if tried.code in known]
    return [
        Interruption(number, tried.ended_at, gettext(known[tried.code]))
        for number, tried in enumerate(sorted(interrupted, key=lambda tried: tried.started_at), start=1)
    ]


def _card(tried: Tried) -> Card:
    total_ms = _milliseconds(tried.started_at, tried.ended_at)
    waited_ms = _milliseconds(tried.queued_at, tried.started_at) if tried.queued_at else None
    return Card(tried, waited_ms, total_ms, _spans(tried.facts.get("stages_ms", {}), total_ms))


def _milliseconds(begin: datetime, end: datetime) -> int:
    return max(round((end - begin).total_seconds() * 1000), 0)


def _spans(stages_ms: dict[str, int], total_ms: int) -> list[Span]:
    """The stages in their order; clocks differ, so that together they may be a little longer than the whole."""
    whole = max(total_ms, sum(stages_ms.values()), 1)
    spans: list[Span] = []
    begins = 0.0
    for stage in STAGES:
        if stage in stages_ms:
            share = 100 * stages_ms[stage] / whole
            spans.append(Span(stage, stages_ms[stage], round(begins, 2), round(share, 2)))
            begins += share
    return spans
