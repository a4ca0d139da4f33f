"""Who is next: the place that a new entry gets, and the entries at the head of the queue.

Entries are served by priority, then position, then id. A position is a virtual start time (start-time fair queueing;
Goyal, Vin and Cheng 1996) with every picture costing one: a person's pictures stand one behind the other, but each
person starts where the queue is being served now, not behind everybody else's pictures, and owes nothing for what was
served before.

Ageing: when the next entry of a priority has waited for `AGEING_SECONDS` and nothing of its priority was started for as
long, it is served first, that one entry. So each priority moves on by at least one picture every `AGEING_SECONDS`
whatever comes in above it, and what stands above loses one place at most to each priority below.

Workers of a lane see the queue as if nothing else were in it; where they take some models before the others, each of
the two kinds is served and ages like a priority of its own.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Case, IntegerField, Q, When

from accounts import clock
from analysis import routing
from analysis.lanes import EVERYTHING, Lane, Rank
from analysis.models import AnalysisQueue, AnalysisQueueQuerySet
from analysis.states import SERVING_ORDER, Priority, QueueStatus

# A run that was taken back stands behind where the queue is served: the furthest of so many tells where that is.
RECENTLY_SERVED = 16
LOOKED_THROUGH = 256  # at most, for what shares a lane: an upload waits for no long search
SERVED = (QueueStatus.PROCESSING, QueueStatus.COMPLETED, QueueStatus.FAILED)


def position_for(*, user_id: int, priority: Priority, model_key: str) -> int:
    """The position of this person's next entry; one or two statements of indexed look-ups, no other row is touched.

    Behind the person's own, and else where the queue is being served; but who was served there already is behind those
    who were not. What no worker takes together with such an entry does not count.
    """
    alike = routing.sharing(model_key, priority)
    served, first, own_last = _places(user_id, priority, alike)
    served_now = _served_now(served, first)
    if own_last is not None:
        return max(own_last + 1, served_now)
    served_to_me = AnalysisQueue.objects.filter(alike, user_id=user_id, priority=priority, status__in=SERVED)
    return served_now + served_to_me.filter(position__gte=served_now).exists()


# By hand, because every upload asks this while others wait for the lock: Django takes five times as long to put the
# three look-ups together as a database takes to answer them.
_PLACES = f"""
    SELECT
      (SELECT MAX(position) FROM (
         SELECT position FROM (
           SELECT position, started_at, priority, model_name FROM analysis_queue
           WHERE priority = %(priority)s AND started_at IS NOT NULL ORDER BY started_at DESC LIMIT {{looked_through}}
         ) AS analysis_queue WHERE TRUE {{alike}} ORDER BY started_at DESC LIMIT {RECENTLY_SERVED}
       ) AS recently_served),
      (SELECT position FROM (
         SELECT id, position, priority, model_name FROM analysis_queue
         WHERE status = %(waiting)s AND priority = %(priority)s AND retry_count = 0
         ORDER BY position, id LIMIT {{looked_through}}
       ) AS analysis_queue WHERE TRUE {{alike}} ORDER BY position, id LIMIT 1),
      (SELECT MAX(position) FROM (
         SELECT position, priority, model_name FROM analysis_queue
         WHERE status = %(waiting)s AND priority = %(priority)s AND user_id = %(user_id)s
         ORDER BY position DESC LIMIT {{looked_through}}
       ) AS analysis_queue WHERE TRUE {{alike}})
"""  # noqa: S608 - a number of ours


def _places(user_id: int, priority: Priority, alike: Q) -> tuple[int | None, int | None, int | None]:
    """The furthest position served lately, the first that waits and was never tried, the person's own last."""
    statement, given = _places_statement(alike)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"priority": priority, "waiting": QueueStatus.WAITING, "user_id": user_id, **given})
        served, first, own_last = cursor.fetchone()
    return served, first, own_last


@cache
def _places_statement(alike: Q) -> tuple[str, dict[str, Any]]:
    query = AnalysisQueue.objects.filter(alike).query
    condition, values = query.where.as_sql(query.get_compiler(connection=connection), connection) if alike else ("", ())
    given = {f"alike_{number}": value for number, value in enumerate(values)}
    condition = f"AND {condition}" % tuple(f"%({name})s" for name in given) if condition else ""
    looked_through = LOOKED_THROUGH if alike else RECENTLY_SERVED
    return _PLACES.format(looked_through=looked_through, alike=condition), given


def _served_now(served: int | None, first: int | None) -> int:
    """The virtual time: the position that is being served, or the first that waits when there is a gap between the two.

    Entries that go back to the queue after a fault keep their place and would turn the time back; and it goes on where
    it stood when the queue ran dry, or who comes then would be served before all whose runs go back to it later.
    """
    served = served or 0
    if first is None:
        return served + 1
    return served if served == first - 1 else first


def in_line(priority: Priority) -> AnalysisQueueQuerySet:
    """The waiting entries of one priority, in order."""
    return AnalysisQueue.objects.waiting().filter(priority=priority).order_by("position", "id")


def first_in_line(limit: int) -> list[int]:
    """The ids of the first `limit` waiting entries in the order of serving, ageing aside; a statement a priority."""
    line: list[int] = []
    for priority in SERVING_ORDER:
        line += in_line(priority).values_list("pk", flat=True)[: limit - len(line)]
    return line


def serving_rank() -> Case:
    """For sorting: 0 for the priority that is served first."""
    whens = [When(priority=priority, then=rank) for rank, priority in enumerate(SERVING_ORDER)]
    return Case(*whens, output_field=IntegerField())


def next_in_line(*, limit: int, lane: Lane = EVERYTHING) -> list[AnalysisQueue]:
    """Up to `limit` waiting entries of the lane that one run can take together, in order.

    They share the model of the entry at the head. An entry that was tried before runs alone: should its picture be
    what killed the worker, no other picture dies with it. Call it in a transaction; where the database can, rows that
    another worker is taking just now are stepped over.
    """
    heads = first_due(lane)
    line: list[AnalysisQueue] = []
    lower: list[Rank] = []
    for rank in heads:
        if line:
            lower.append(rank)
        if len(line) < limit:
            head = AnalysisQueue.objects.filter(pk=heads[rank])  # what stands before it was looked through already
            line += _takeable(rank).filter(position__gte=head.values("position"))[: limit - len(line)]
    if not line:
        return []
    aged = _aged({heads[rank]: rank for rank in lower})
    return _together([*aged, *(entry for entry in line if entry not in aged)][:limit])


def first_due(lane: Lane = EVERYTHING) -> dict[Rank, int]:
    """The id of the first entry that may be taken now, of each rank of the lane that has one, in the order of serving.

    One statement, and none that Django puts together: workers ask again and again, mostly for nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(*_first_due_statement(lane))
        ids = cursor.fetchone()
    return {rank: pk for rank, pk in zip(lane.ranks, ids, strict=True) if pk is not None}


@cache
def _first_due_statement(lane: Lane) -> tuple[str, tuple[Any, ...]]:
    look_ups = [_due(rank).values("pk")[:1].query.sql_with_params() for rank in lane.ranks]
    columns = ", ".join(f"({sql})" for sql, _params in look_ups)
    return f"SELECT {columns}", tuple(chain.from_iterable(params for _sql, params in look_ups))


def _due(rank: Rank) -> AnalysisQueueQuerySet:
    return in_line(rank.priority).due().filter(rank.models)


def _takeable(rank: Rank) -> AnalysisQueueQuerySet:
    rows = _due(rank)
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True)
    return rows


def _aged(heads: Mapping[int, Rank]) -> list[AnalysisQueue]:
    """Those of these first entries, each of its rank, that are served first by their age; in their order."""
    found = AnalysisQueue.objects.in_bulk(heads)
    aged = [pk for pk in heads if pk in found and has_aged(found[pk].queued_at) and not _is_served(heads[pk])]
    return [taken for pk in aged for taken in _takeable(heads[pk]).filter(pk=pk)]


def has_aged(waits_since: datetime, served_at: datetime | None = None) -> bool:
    """Whether an entry that is next in its priority, where one was started last at `served_at`, is served first."""
    return max(waits_since, served_at or waits_since) <= clock.now() - timedelta(seconds=settings.AGEING_SECONDS)


def lower_than(priority: Priority) -> tuple[Priority, ...]:
    """The priorities below, in the order in which they are served."""
    return SERVING_ORDER[SERVING_ORDER.index(priority) + 1 :]


def _is_served(rank: Rank) -> bool:
    """Whether something of it was started too lately for its next entry to be served first."""
    since = clock.now() - timedelta(seconds=settings.AGEING_SECONDS)
    return AnalysisQueue.objects.filter(rank.models, priority=rank.priority, started_at__gt=since).exists()


def _together(entries: list[AnalysisQueue]) -> list[AnalysisQueue]:
    head = entries[0]
    if head.retry_count:
        return [head]
    return [entry for entry in entries if entry.model_name == head.model_name and not entry.retry_count]
