"""The queue in figures, for staff: what is unfinished, what ended lately, why runs failed; one statement each."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Func, IntegerField, Min, Q

from analysis.models import AnalysisQueue
from analysis.states import ACTIVE_QUEUE_STATUSES, SERVING_ORDER, Priority, QueueStatus

WINDOW = timedelta(hours=24)
MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What waits and what runs, by priority; `again` of those that wait were tried before, after a fault of ours.

    `waiting_by_kind` is by model and priority.
    """

    waiting: dict[Priority, int]
    waiting_by_kind: dict[tuple[str, str], int]
    running: dict[Priority, int]
    again: int
    oldest_at: datetime | None

    @property
    def waiting_in_all(self) -> int:
        return sum(self.waiting.values())

    @property
    def running_in_all(self) -> int:
        return sum(self.running.values())


@dataclass(frozen=True, slots=True)
class Ended:
    """How many runs ended within some time."""

    completed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Throughput:
    """Runs that ended in the last 24 hours, by the minute (since the epoch) in which they did."""

    minute: int
    counts: dict[QueueStatus, Counter[int]] = field(default_factory=dict)

    def lately(self, minutes: int) -> Ended:
        """In the last so many minutes, the running one included."""
        return self._between(self.minute - minutes + 1, self.minute + 1)

    def by(self, minutes: int, periods: int) -> Iterator[tuple[int, Ended]]:
        """For periods of so many minutes that begin at whole multiples: the minute when each begins, and what ended in
        it. The last one is running."""
        last = self.minute // minutes
        for period in range(last - periods + 1, last + 1):
            first = period * minutes
            yield first, self._between(first, first + minutes)

    def _between(self, first: int, end: int) -> Ended:
        completed, failed = (
            sum(count for minute, count in self.counts.get(status, Counter[int]()).items() if first <= minute < end)
            for status in (QueueStatus.COMPLETED, QueueStatus.FAILED)
        )
        return Ended(completed, failed)


class MinuteOf(Func):
    """Whole minutes since the epoch."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # The template is filled in twice, the second time with the statement's parameters.
        template = f"(CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / {MINUTE_SECONDS})"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = f"(FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / {MINUTE_SECONDS})::integer)"
        return self.as_sql(compiler, connection, template=template, **context)


def unfinished() -> Unfinished:
    """What waits and what runs now; reads those rows only."""
    active = AnalysisQueue.objects.filter(status__in=ACTIVE_QUEUE_STATUSES).order_by()
    rows = active.values("status", "priority", "model_name").annotate(
        count=Count("pk"), again=Count("pk", filter=Q(retry_count__gt=0)), oldest_at=Min("queued_at")
    )
    counts: dict[str, dict[Priority, int]] = {status: dict.fromkeys(SERVING_ORDER, 0) for status in QueueStatus}
    found = list(rows)
    for row in found:
        counts[row["status"]][Priority(row["priority"])] += row["count"]
    waiting = [row for row in found if row["status"] == QueueStatus.WAITING]
    return Unfinished(
        waiting=counts[QueueStatus.WAITING],
        waiting_by_kind={(row["model_name"] or "", row["priority"]): row["count"] for row in waiting},
        running=counts[QueueStatus.PROCESSING],
        again=sum(row["again"] for row in waiting),
        oldest_at=min((row["oldest_at"] for row in waiting), default=None),
    )


def throughput(now: datetime) -> Throughput:
    """What ended in the 24 hours before `now`; reads the index of those rows only."""
    ended = _ended_since(now - WINDOW, QueueStatus.COMPLETED, QueueStatus.FAILED)
    rows = ended.values(minute=MinuteOf("completed_at"), ended_as=F("status")).annotate(count=Count("pk"))
    counts: dict[QueueStatus, Counter[int]] = {QueueStatus.COMPLETED: Counter(), QueueStatus.FAILED: Counter()}
    for row in rows:
        counts[QueueStatus(row["ended_as"])][row["minute"]] = row["count"]
    return Throughput(int(now.timestamp()) // MINUTE_SECONDS, counts)


def causes(now: datetime) -> list[tuple[str, int]]:
    """Why runs of the last 24 hours failed, in the words (message ids) of `failures`; the most frequent first."""
    failed = _ended_since(now - WINDOW, QueueStatus.FAILED)
    rows = failed.values_list("error_message").annotate(count=Count("pk")).order_by("-count", "error_message")
    return [(message or "", count) for message, count in rows]


def _ended_since(since: datetime, *statuses: QueueStatus) -> Any:
    return AnalysisQueue.objects.filter(status__in=statuses, completed_at__gte=since).order_by()
