"""The queue in figures: what is unfinished, what ended when, why runs failed."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from analysis import queue_figures
from analysis.models import AnalysisQueue
from analysis.queue_figures import Ended
from analysis.states import Priority, QueueStatus
from images.tests.rows import picture_rows
from mlmodels.models import MLModel

NOON = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def entries(model: MLModel, user: User, count: int) -> list[AnalysisQueue]:
    picture_rows(count, model, user=user)
    return list(AnalysisQueue.objects.order_by("-pk")[:count])


def end(entry: AnalysisQueue, status: QueueStatus, before_noon: timedelta, message: str | None = None) -> None:
    at = NOON - before_noon
    AnalysisQueue.objects.filter(pk=entry.pk).update(
        status=status, started_at=at, completed_at=at, error_message=message
    )


@pytest.fixture
def ended(owner: User, model: MLModel) -> None:
    """One that ended at each of these times before noon."""
    ages = {
        timedelta(seconds=1): QueueStatus.COMPLETED,
        timedelta(seconds=31): QueueStatus.COMPLETED,
        timedelta(minutes=59): QueueStatus.FAILED,
        timedelta(minutes=61): QueueStatus.COMPLETED,
        timedelta(hours=23): QueueStatus.COMPLETED,
        timedelta(hours=25): QueueStatus.COMPLETED,
        timedelta(minutes=2): QueueStatus.CANCELLED,
    }
    for (age, status), entry in zip(ages.items(), entries(model, owner, len(ages)), strict=True):
        end(entry, status, age)


def test_what_ended_counts_in_its_minute_and_what_is_older_than_a_day_or_called_off_does_not(ended: None) -> None:
    figures = queue_figures.throughput(NOON)

    assert figures.lately(1) == Ended(1, 0)
    assert figures.lately(60) == Ended(2, 1)
    assert figures.lately(24 * 60) == Ended(4, 1)


def test_periods_begin_at_whole_multiples_and_the_last_one_is_running(ended: None) -> None:
    periods = list(queue_figures.throughput(NOON).by(60, 24))

    assert [datetime.fromtimestamp(minute * 60, UTC).hour for minute, _ended in periods] == [*range(13, 24), *range(13)]
    counts = [count for _minute, count in periods]
    assert (counts[0], counts[-3:]) == (Ended(1, 0), [Ended(1, 0), Ended(1, 1), Ended(1, 0)])


def test_unfinished_entries_are_told_by_priority_with_the_oldest_and_those_tried_before(
    owner: User, model: MLModel
) -> None:
    urgent, again, running, done = entries(model, owner, 4)
    since = timezone.now() - timedelta(minutes=5)
    AnalysisQueue.objects.filter(pk=urgent.pk).update(priority=Priority.URGENT, queued_at=since)
    AnalysisQueue.objects.filter(pk=again.pk).update(retry_count=2)
    AnalysisQueue.objects.filter(pk=running.pk).update(status=QueueStatus.PROCESSING, started_at=since)
    end(done, QueueStatus.COMPLETED, timedelta(0))

    found = queue_figures.unfinished()

    assert found.waiting == {"urgent": 1, "high": 0, "normal": 1, "low": 0}
    assert (found.waiting_in_all, found.running_in_all, found.again) == (2, 1, 1)
    assert found.oldest_at == since


def test_an_empty_queue_has_no_oldest(db: None) -> None:
    assert queue_figures.unfinished().oldest_at is None


def test_causes_of_the_last_day_come_with_the_most_frequent_first(owner: User, model: MLModel) -> None:
    rows = entries(model, owner, 4)
    for entry, message in zip(rows, ("damaged", "worker", "worker", None), strict=True):
        end(entry, QueueStatus.FAILED, timedelta(hours=1), message)
    end(rows[0], QueueStatus.FAILED, timedelta(hours=30), "damaged")

    assert queue_figures.causes(NOON) == [("worker", 2), ("", 1)]


def test_each_figure_is_one_statement_along_an_index(owner: User, model: MLModel) -> None:
    entries(model, owner, 3)
    with CaptureQueriesContext(connection) as queries:
        queue_figures.unfinished(), queue_figures.throughput(NOON), queue_figures.causes(NOON)

    assert len(queries) == 3
    if connection.vendor != "sqlite":
        return
    for query in queries.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            assert not [row for row in cursor.fetchall() if row[3].startswith("SCAN")], query["sql"]
