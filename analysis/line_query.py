"""Who stands in one line with an entry: how many are served before it, and since when the next of each priority waits.

Where workers have lanes, whether two entries are in one line hangs on their models and priorities only. So the database
counts them by models, along an index, and what is in one line is told from these few rows: a hundred thousand entries
are not asked one by one, and the statement is the same whatever the lanes are.
"""

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import (
    Case,
    Count,
    Func,
    IntegerField,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models.functions import JSONArray, JSONObject

from analysis import ordering, routing
from analysis.models import AnalysisQueue
from analysis.states import SERVING_ORDER, Priority, QueueStatus

Entries = QuerySet[AnalysisQueue]
# Rows of entries: a model and a priority, how many there are, and where it is asked for the first of them.
Rows = list[list[Any]]


class Line(NamedTuple):
    """What stands in one line with a waiting entry, and is served before it.

    `ahead` counts that by priority, `own_ahead` the person's own among those of the same priority, `aged` what is
    served before the entry by its age; `running` is what the same workers are at.
    """

    ahead: dict[Priority, int]
    own_ahead: int
    aged: int
    running: int


class RowsOfGroups(Func):
    """All groups as one JSON array: a window, because SQL knows no aggregate of aggregates."""

    function = "JSON_GROUP_ARRAY"
    window_compatible = True
    output_field = JSONField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSONB_AGG", **context)


def told(*, by_model: bool) -> JSONObject:
    """What `read` reads, for a statement about waiting entries; `by_model` where workers have lanes."""
    rows_of = _by_model if by_model else _together
    own_ahead = _earlier().filter(user_id=OuterRef("user_id"))
    running = AnalysisQueue.objects.filter(status=QueueStatus.PROCESSING)
    return JSONObject(
        **{f"line_{priority}": _line(priority, by_model) for priority in SERVING_ORDER},
        **{f"served_{priority}": _served(priority) for priority in SERVING_ORDER},
        own_ahead=rows_of(own_ahead),
        running=rows_of(running),
    )


def read(entry: AnalysisQueue, told: dict[str, Any] | None) -> Line:
    """What the statement told about an entry; nothing stands before one that does not wait."""
    if told is None:
        return Line(dict.fromkeys(SERVING_ORDER, 0), 0, 0, 0)
    own = Priority(entry.priority)
    is_in_line = routing.in_one_line(entry.model_name or "", own)

    def rows(name: str) -> Rows:
        return [row for row in _loaded(told[name]) or [] if is_in_line(row[0] or "", row[1])]

    lines = {priority: rows(f"line_{priority}") for priority in SERVING_ORDER}
    lower = ordering.lower_than(own)
    ahead = {priority: 0 if priority in lower else _total(line) for priority, line in lines.items()}
    waits_since = {priority: _first(line) for priority, line in lines.items()} | {own: entry.queued_at}
    aged = {priority for priority, since in waits_since.items() if _has_aged(since, told[f"served_{priority}"])}
    ahead, passing = _served_before(own, ahead, aged - {Priority.URGENT})
    return Line(ahead, _total(rows("own_ahead")), passing, _total(rows("running")))


def moment(text: str | None) -> datetime | None:
    """A time as JSON of the database has it: SQLite's are in UTC without saying so."""
    found = datetime.fromisoformat(text) if text else None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def _served_before(own: Priority, ahead: dict[Priority, int], aged: set[Priority]) -> tuple[dict[Priority, int], int]:
    """How many are served before by priority, of each; and how many by their age.

    That the entry's own priority has aged counts only where the entry is the next of it.
    """
    above = [priority for priority in SERVING_ORDER if ahead[priority] and priority != own]
    if above and own in aged and not ahead[own]:  # served first itself, by its age
        return dict.fromkeys(SERVING_ORDER, 0), len(aged.intersection(above[1:]))
    return ahead, len(aged.intersection(ordering.lower_than(own)))


def _has_aged(waits_since: datetime | None, served_at: str | None) -> bool:
    return waits_since is not None and ordering.has_aged(waits_since, moment(served_at))


def _line(priority: Priority, by_model: bool) -> Any:
    """Rows of one priority: of the outer entry's own what stands before it, of others all with the first of them."""
    line = ordering.in_line(priority)
    if by_model:
        first_of_model = _first_place(line.filter(model_name=OuterRef("model_name")))
        return Case(When(priority=priority, then=_by_model(_earlier())), default=_by_model(line, first_of_model))
    count = Case(
        When(priority=priority, then=_count(_earlier())),
        When(priority__in=ordering.lower_than(priority), then=_count(line)),
        default=0,
    )
    return JSONArray(JSONArray(Value(""), Value(""), count, _first_place(line)))


def _earlier() -> Entries:
    """Waiting entries of the outer entry's priority that stand before it."""
    position, pk = OuterRef("position"), OuterRef("pk")
    same = AnalysisQueue.objects.waiting().filter(priority=OuterRef("priority"), position__lte=position)
    return same.filter(Q(position__lt=position) | Q(pk__lt=pk))


def _served(priority: Priority) -> Subquery:
    """When one of the priority was started last."""
    served = AnalysisQueue.objects.filter(priority=priority, started_at__isnull=False).order_by("-started_at")
    return Subquery(served.values("started_at")[:1])


def _first_place(line: Entries) -> Subquery:
    return Subquery(line.annotate(place=JSONArray("position", "pk", "queued_at")).values("place")[:1])


def _by_model(entries: Entries, *first: Subquery) -> Subquery:
    groups = entries.order_by().values("priority", "model_name").annotate(count=Count("pk"))
    rows = RowsOfGroups(JSONArray("model_name", "priority", "count", *first))
    return Subquery(groups.annotate(rows=Window(rows)).values("rows")[:1])


def _together(entries: Entries) -> JSONArray:
    return JSONArray(JSONArray(Value(""), Value(""), _count(entries)))


def _count(entries: Entries) -> Subquery:
    # A plain function, because an aggregate would group the rows.
    return Subquery(entries.order_by().annotate(n=Func("pk", function="COUNT")).values("n"), IntegerField())


def _total(rows: Rows) -> int:
    return sum(row[2] for row in rows)


def _first(rows: Rows) -> datetime | None:
    """Since when the first of all rows waits."""
    places = [place for row in rows if (place := _loaded(row[3] if row[3:] else None))]
    return moment(min(places)[2]) if places else None


def _loaded(told: Any) -> Any:
    """JSON inside of JSON: SQLite forgets on some ways that it is no text."""
    return json.loads(told) if isinstance(told, str) else told
