"""One picture's story for the screen: three steps, queue, progress and results, as JSON-ready values."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple, TypedDict

from django.conf import settings
from django.utils.translation import gettext

from accounts import clock
from analysis import estimates, failures, run_cards, spans, waiting
from analysis.estimates import Estimate
from analysis.models import AnalysisQueue, TimelineLog
from analysis.records import executions
from analysis.run_cards import Card, Interruption
from analysis.states import QueueStatus, StepStatus
from analysis.story_query import Facts, facts_of

# How long a page waits before it asks again: quick while the run is young, slower as it grows old, ever slower for who
# stands far behind. In steps, so that an answer in which nothing else changed stays the same.
POLL_STEPS_MS = (700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000, 15_000, 20_000, 30_000)
POLL_LONGEST_BY_AGE_MS = 5000
POLL_MS_BY_AHEAD = 10
POLL_LONGEST_BY_AHEAD_MS = 15_000


class Step(TypedDict):
    """One step of the timeline."""

    name: str
    title: str
    description: str
    status: str
    icon: str
    color: str
    at: datetime | None


class Story(TypedDict):
    """What `/images/<id>/timeline/` answers."""

    id: int
    status: str
    queue: dict[str, Any]
    progress: dict[str, Any]
    steps: list[Step]
    results: list[dict[str, Any]]
    error: str | None
    next_poll_ms: int | None


def story(entry: AnalysisQueue, *, poll_not_before_ms: int = 0) -> Story:
    """The whole story of a picture whose entry `story_query.stories` has read; no query.

    Whoever reads it is told to ask again after `poll_not_before_ms` or later.
    """
    image_id, timeline = entry.image_id, entry.image.timeline
    facts = facts_of(entry)
    wait = waiting.told(entry, facts) if entry.status == QueueStatus.WAITING else None
    estimate = wait.estimate if wait else _estimate_of_running(entry, facts)
    return {
        "id": image_id,
        "status": entry.image.status,
        "queue": {
            "status": entry.status,
            "position": entry.position,
            "ahead": wait.ahead if wait else 0,
            "reason": wait.reason if wait else None,
            "is_paused": facts.is_paused,
            "is_taken": wait.is_taken if wait else True,
            "priority": entry.priority,
            "retry_count": entry.retry_count,
            "retry_reason": _retry_reason(entry),
        },
        "progress": _progress(timeline, estimate, _ends_at(entry, estimate, facts)),
        "steps": steps(timeline),
        "results": results_of(facts.results),
        "error": translated(entry.error_message) or None,
        "next_poll_ms": next_poll_ms(entry, ahead=wait.ahead if wait else 0, not_before_ms=poll_not_before_ms),
    }


def _estimate_of_running(entry: AnalysisQueue, facts: Facts) -> Estimate | None:
    if entry.status != QueueStatus.PROCESSING or not entry.started_at:
        return None
    elapsed_seconds = (clock.now() - entry.started_at).total_seconds()
    return estimates.of_running(facts.runs_of_model, elapsed_seconds, batch=facts.batch)


def _ends_at(entry: AnalysisQueue, estimate: Estimate | None, facts: Facts) -> datetime | None:
    """By the newest estimate, which knows what time has passed; else as the run's latest progress had it."""
    if estimate:
        return clock.now() + timedelta(seconds=estimate.typical)
    return facts.ends_at if entry.status == QueueStatus.PROCESSING else None


def _retry_reason(entry: AnalysisQueue) -> str | None:
    """Why an unfinished run had to be started again."""
    code = (entry.image.error_log or "").partition(":")[0]
    return translated(failures.TRANSIENT.get(code)) or None if entry.is_active and entry.retry_count else None


def lease_is_over(entry: AnalysisQueue) -> bool:
    """Whether a run that `story_query.stories` has read was not heard of for longer than it may be."""
    if entry.status != QueueStatus.PROCESSING or not entry.started_at:
        return False
    heard_of_at = max(entry.started_at, facts_of(entry).heard_of_at or entry.started_at)
    return heard_of_at < clock.now() - timedelta(seconds=settings.LEASE_SECONDS)


def translated(stored: str | None) -> str:
    """A stored sentence in the active language."""
    return gettext(stored) if stored else ""


def steps(timeline: TimelineLog) -> list[Step]:
    """The three steps in order."""
    times = {
        "upload": timeline.upload_completed_at or timeline.upload_started_at,
        "analysis": timeline.analysis_started_at,
        "completion": timeline.analysis_completed_at,
    }
    return [_step(timeline, name, at) for name, at in times.items()]


def _step(timeline: TimelineLog, name: str, at: datetime | None) -> Step:
    return {
        "name": name,
        "title": translated(getattr(timeline, f"{name}_step_title")),
        "description": translated(getattr(timeline, f"{name}_step_description")),
        "status": getattr(timeline, f"{name}_step_status") or StepStatus.PENDING.value,
        "icon": getattr(timeline, f"{name}_step_icon"),
        "color": getattr(timeline, f"{name}_step_color"),
        "at": at,
    }


def _progress(timeline: TimelineLog, estimate: Estimate | None, ends_at: datetime | None) -> dict[str, Any]:
    span = spans.span_of(estimate) if estimate else None
    return {
        "percentage": timeline.analysis_progress_percentage,
        "stage": timeline.analysis_progress_stage,
        "description": translated(timeline.analysis_step_description),
        "estimated_completion": ends_at,
        "estimated_seconds": span,
        "estimate": spans.in_words(span) if span else None,
    }


def results_of(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results model by model, the best label first."""
    return sorted(results, key=lambda result: (result["model_name"], result["model_version"], result["rank"]))


class ModelRun(NamedTuple):
    """The labels that a model gave, how it was run (empty where nobody noted it), and its card if there is one."""

    key: str
    ranked: list[dict[str, Any]]
    execution: str
    card: Card | None


def by_model(entry: AnalysisQueue) -> list[ModelRun]:
    """The results of a picture whose entry `story_query.stories` has read, grouped by their models; no query."""
    facts = facts_of(entry)
    noted, cards = executions(facts.notes), run_cards.cards(facts.attempts)
    runs = groupby(results_of(facts.results), key=lambda result: f"{result['model_name']}:{result['model_version']}")
    return [ModelRun(key, list(ranked), noted.get(key, ""), cards.get(key)) for key, ranked in runs]


def interruptions(entry: AnalysisQueue) -> list[Interruption]:
    """The attempts at the latest run that came to nothing; no query."""
    return run_cards.interruptions(facts_of(entry).attempts)


def next_poll_ms(entry: AnalysisQueue, *, ahead: int = 0, not_before_ms: int = 0) -> int | None:
    """When to ask again, growing with the age of the run and what is ahead; None when nothing will change any more."""
    if not entry.is_active:
        return None
    age_ms = (clock.now() - (entry.started_at or entry.queued_at)).total_seconds() * 1000
    wanted_ms = max(min(age_ms / 4, POLL_LONGEST_BY_AGE_MS), min(ahead * POLL_MS_BY_AHEAD, POLL_LONGEST_BY_AHEAD_MS))
    by_itself_ms = max((step for step in POLL_STEPS_MS if step <= wanted_ms), default=POLL_STEPS_MS[0])
    allowed_ms = next((step for step in POLL_STEPS_MS if step >= not_before_ms), POLL_STEPS_MS[-1])
    return max(by_itself_ms, allowed_ms)
