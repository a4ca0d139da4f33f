"""One picture's story for the screen: three steps, queue, progress and results, as JSON-ready values."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any, TypedDict

from django.utils import timezone
from django.utils.translation import gettext

from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from analysis.states import QueueStatus, StepStatus

# How long a page waits before it asks again: quick while the run is young, slower as it grows old.
POLL_FIRST_MS = 700
POLL_LONGEST_MS = 5000


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


def story(entry: AnalysisQueue) -> Story:
    """The whole story of a queue entry's picture; three queries while it waits, two otherwise.

    Load `entry` together with its picture and timeline in one statement, so that they never contradict each other.
    """
    image_id, timeline = entry.image_id, entry.image.timeline
    return {
        "id": image_id,
        "status": entry.image.status,
        "queue": _queue(entry),
        "progress": _progress(timeline, image_id),
        "steps": steps(timeline),
        "results": results_of(AnalysisResult.objects.filter(image_id=image_id)),
        "error": translated(entry.error_message) or None,
        "next_poll_ms": next_poll_ms(entry),
    }


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


def _queue(entry: AnalysisQueue) -> dict[str, Any]:
    is_waiting = entry.status == QueueStatus.WAITING
    return {
        "status": entry.status,
        "position": entry.position,
        "ahead": AnalysisQueue.objects.ahead_of(entry).count() if is_waiting else 0,
        "priority": entry.priority,
        "retry_count": entry.retry_count,
    }


def _progress(timeline: TimelineLog, image_id: int) -> dict[str, Any]:
    latest = ProgressLog.objects.filter(image_id=image_id).order_by("-timestamp", "-id").first()
    return {
        "percentage": timeline.analysis_progress_percentage,
        "stage": timeline.analysis_progress_stage,
        "description": translated(timeline.analysis_step_description),
        "estimated_completion": latest.estimated_completion if latest else None,
    }


def results_of(results: Iterable[AnalysisResult]) -> list[dict[str, Any]]:
    """Results model by model, the best label first."""
    ordered = sorted(results, key=lambda result: (result.model_name, result.model_version, result.rank))
    return [
        {
            "model_name": result.model_name,
            "model_version": result.model_version,
            "label": result.label,
            "confidence": float(result.confidence),
            "rank": result.rank,
        }
        for result in ordered
    ]


def by_model(results: Iterable[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Results grouped under `name:version`, in the order of `results_of`."""
    runs = groupby(results, key=lambda result: f"{result['model_name']}:{result['model_version']}")
    return [(key, list(ranked)) for key, ranked in runs]


def next_poll_ms(entry: AnalysisQueue) -> int | None:
    """When to ask again, growing with the age of the run; None when nothing will change any more."""
    if not entry.is_active:
        return None
    age_ms = (timezone.now() - (entry.started_at or entry.queued_at)).total_seconds() * 1000
    return int(min(max(age_ms / 4, POLL_FIRST_MS), POLL_LONGEST_MS))
