"""How the queue and its workers stand, as numbers; `imageanalysis.metrics` puts them into Prometheus' words.

All of it comes from the database, whichever web process is asked, by a number of statements that does not depend on
how much there is. "Recently" is within `RECENT`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from django.db.models import Count, Min, Q

from accounts import clock
from analysis.failures import BY_CODE, TRANSIENT
from analysis.heartbeats import SILENT_SECONDS
from analysis.lanes import Lane
from analysis.models import AnalysisQueue, AnalysisQueueQuerySet, ProgressLog, WorkerProcess
from analysis.states import ACTIVE_QUEUE_STATUSES, TERMINAL_QUEUE_STATUSES, Priority, QueueStatus

RECENT = timedelta(minutes=15)
AT_MOST = 500  # newest runs that are measured, failures whose causes are counted
WAITING, TOTAL = "waiting", "total"
CAUSES = BY_CODE.keys() | TRANSIENT.keys()
UNKNOWN_CAUSE = "other"


class Line(NamedTuple):
    """What one priority holds; `untaken` of those that wait are for no worker that lives."""

    waiting: int = 0
    processing: int = 0
    untaken: int = 0
    oldest_seconds: float = 0.0

    def and_also(self, other: "Line") -> "Line":
        return Line(
            self.waiting + other.waiting,
            self.processing + other.processing,
            self.untaken + other.untaken,
            max(self.oldest_seconds, other.oldest_seconds),
        )


class Worker(NamedTuple):
    """A worker that is not known to be dead, and how long it has been silent."""

    hostname: str
    code_version: str
    lane: str
    silent_seconds: float


def lines(workers: Iterable[Worker]) -> dict[str, Line]:
    """The queue by priority, as these workers take it; one statement."""
    lanes = [Lane.of(worker.lane) for worker in workers if worker.silent_seconds <= SILENT_SECONDS]
    now = clock.now()
    is_waiting = Q(status=QueueStatus.WAITING)
    rows = (
        AnalysisQueue.objects.filter(status__in=ACTIVE_QUEUE_STATUSES)
        .values_list("model_name", "priority")
        .annotate(
            count_waiting=Count("pk", filter=is_waiting),
            count_processing=Count("pk", filter=~is_waiting),
            oldest_at=Min("queued_at", filter=is_waiting),
        )
    )
    found = dict.fromkeys(Priority.values, Line())
    for model, priority, waiting, processing, oldest_at in rows:
        is_taken = any(lane.takes(model or "", priority) for lane in lanes)
        line = Line(waiting, processing, 0 if is_taken else waiting, _seconds_between(oldest_at, now))
        found[priority] = found[priority].and_also(line)
    return found


def outcomes() -> dict[tuple[str, str], int]:
    """How many runs of each model ended recently, and in which status; one statement."""
    rows = _ended_recently().values_list("model_name", "status").annotate(Count("pk"))
    return {(model or "", status): count for model, status, count in rows}


def failures() -> Counter[str]:
    """How many of the newest recent failures have which cause, by the codes of `analysis.failures`; one statement."""
    failed = _ended_recently().filter(status=QueueStatus.FAILED).order_by("-completed_at")
    notes = failed.values_list("image__error_log", flat=True)[:AT_MOST]
    causes = ((note or "").partition(":")[0] for note in notes)
    return Counter(cause if cause in CAUSES else UNKNOWN_CAUSE for cause in causes)


def durations() -> dict[tuple[str, str], list[float]]:
    """What the newest recent runs took, by model and stage: waiting, each stage, and all; two statements."""
    columns = ("image_id", "model_name", "queued_at", "started_at", "completed_at")
    completed = _ended_recently().filter(status=QueueStatus.COMPLETED).order_by("-completed_at")
    runs = list(completed.values_list(*columns)[:AT_MOST])
    progress = _progress_of([image_id for image_id, *_rest in runs])
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for image_id, model, queued_at, started_at, completed_at in runs:
        found[model, WAITING].append(_seconds_between(queued_at, started_at))
        found[model, TOTAL].append(_seconds_between(queued_at, completed_at))
        for stage, seconds in _stages(progress[image_id], started_at):
            found[model, stage].append(seconds)
    return found


def workers() -> list[Worker]:
    """One statement."""
    now = clock.now()
    rows = WorkerProcess.objects.order_by("hostname").values_list("hostname", "code_version", "lane", "seen_at")
    return [Worker(host, code, lane, _seconds_between(seen_at, now)) for host, code, lane, seen_at in rows]


def _ended_recently() -> AnalysisQueueQuerySet:
    since = clock.now() - RECENT
    return AnalysisQueue.objects.filter(status__in=TERMINAL_QUEUE_STATUSES, completed_at__gte=since)


def _progress_of(image_ids: Sequence[int]) -> dict[int, list[tuple[str, datetime]]]:
    rows = ProgressLog.objects.filter(image_id__in=image_ids).order_by("image_id", "id")
    found: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
    for image_id, stage, timestamp in rows.values_list("image_id", "current_stage", "timestamp"):
        found[image_id].append((stage, timestamp))
    return found


def _stages(progress: Sequence[tuple[str, datetime]], started_at: datetime) -> Iterator[tuple[str, float]]:
    """Each stage of the run that started then, from its first record to the next stage's."""
    begins: dict[str, datetime] = {}
    for stage, timestamp in progress:
        if timestamp >= started_at:
            begins.setdefault(stage, timestamp)
    for (stage, begin), (_next, end) in pairwise(begins.items()):
        yield stage, _seconds_between(begin, end)


def _seconds_between(earlier: datetime | None, later: datetime | None) -> float:
    return max((later - earlier).total_seconds(), 0.0) if earlier and later else 0.0
