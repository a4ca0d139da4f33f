"""Who is next: the place that a new entry gets, and the entries at the head of the queue.

Entries are served by priority, then position, then id. A position is a virtual start time (start-time fair queueing;
Goyal, Vin and Cheng 1996) with every picture costing one: a person's pictures stand one behind the other, but each
person starts where the queue is being served now, not behind everybody else's pictures.
"""

from django.db import connection
from django.db.models import Max, Min

from analysis.models import AnalysisQueue
from analysis.states import SERVING_ORDER, Priority


def position_for(*, user_id: int, priority: Priority) -> int:
    """The position of this person's next entry; two indexed look-ups, no other row is touched."""
    peers = AnalysisQueue.objects.waiting().filter(priority=priority)
    own_last = peers.filter(user_id=user_id).aggregate(last=Max("position"))["last"]
    served_now = peers.aggregate(first=Min("position"))["first"]
    if own_last is not None:
        return own_last + 1
    if served_now is not None:
        return served_now
    return 1


def next_in_line(*, limit: int) -> list[AnalysisQueue]:
    """Up to `limit` waiting entries that one run can take together, in order.

    They share the model of the entry at the head. An entry that was tried before runs alone: should its picture be
    what killed the worker, no other picture dies with it. Call it in a transaction; where the database can, rows that
    another worker is taking just now are stepped over.
    """
    entries: list[AnalysisQueue] = []
    for priority in SERVING_ORDER:
        rows = AnalysisQueue.objects.due().filter(priority=priority).order_by("position", "id")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        entries += rows[: limit - len(entries)]
        if len(entries) >= limit:
            break
    return _together(entries)


def _together(entries: list[AnalysisQueue]) -> list[AnalysisQueue]:
    if not entries:
        return []
    head = entries[0]
    if head.retry_count:
        return [head]
    return [entry for entry in entries if entry.model_name == head.model_name and not entry.retry_count]
