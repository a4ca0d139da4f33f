"""Everything that a picture's story shows, read by one statement, so that its parts never contradict each other.

What only waiting or running entries need is asked for them only: the database skips the rest.
"""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import models
from django.db.models import (
    Case,
    Exists,
    F,
    Func,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import JSONArray, JSONObject

from analysis import line_query, routing
from analysis.line_query import Line, moment
from analysis.models import AnalysisQueue, AnalysisResult, Attempt, ProgressLog, QueuePause
from analysis.run_cards import Tried
from analysis.states import ACTIVE_QUEUE_STATUSES, QueueStatus, Stage

MEASUREMENTS = 20
RECENT_RUNS = 64
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Run(NamedTuple):
    """One finished run as it was measured."""

    model_key: str
    started_at: datetime
    ended_at: datetime


class Facts(NamedTuple):
    """What surrounds one entry: who is ahead, what runs, what was measured.

    `line` is what a waiting one shares workers with. `batch` counts the pictures that a running one was taken
    together with. `ends_at` is when the run should end, as its latest progress says, and `heard_of_at` when that was.
    `notes` are what its ended runs noted, in order. `runs_of_model` are the latest runs of the entry's model,
    `recent_runs` the latest of any.
    """

    line: Line
    batch: int
    is_paused: bool
    ends_at: datetime | None
    heard_of_at: datetime | None
    results: list[dict[str, Any]]
    notes: list[str | None]
    attempts: list[Tried]
    runs_of_model: list[Run]
    recent_runs: list[Run]


class JSONRows(models.Aggregate):
    """All rows of a group as one JSON array."""

    function = "JSON_GROUP_ARRAY"
    output_field = JSONField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSONB_AGG", **context)


@cache
def _stories(by_model: bool) -> QuerySet[AnalysisQueue]:
    entries = AnalysisQueue.objects.select_related("image__timeline")
    return entries.annotate(
        line=_while_waiting(line_query.told(by_model=by_model), Value(None, JSONField())),
        surroundings=JSONObject(
            batch=Case(When(status=QueueStatus.PROCESSING, then=_count(_taken_together())), default=0),
            is_paused=_while_waiting(_yes_or_no(QueuePause.objects.filter(resumed_at__isnull=True))),
        ),
        progress=Subquery(_latest_progress()),
        labels=Subquery(_labels()),
        notes=Subquery(_notes()),
        tried=Subquery(_attempts()),
        runs_of_model=_while_active(latest_runs(RECENT_RUNS, model_name=OuterRef("model_name"))),
        recent_runs=_while_waiting(latest_runs(RECENT_RUNS), Value([], JSONField())),
    )


def stories() -> QuerySet[AnalysisQueue]:
    """Queue entries with their picture, timeline and what `facts_of` reads, all in one statement.

    Building it takes longer than answering it, so it is built once.
    """
    return _stories(by_model=routing.are_lines()).all()


def facts_of(entry: AnalysisQueue) -> Facts:
    """What `stories` read around this entry."""
    told = vars(entry)
    around = told["surroundings"]
    heard_of_at, ends_at = told["progress"] or (None, None)
    return Facts(
        line=line_query.read(entry, told["line"]),
        batch=around["batch"],
        is_paused=bool(around["is_paused"]),
        ends_at=moment(ends_at),
        heard_of_at=moment(heard_of_at),
        results=told["labels"] or [],
        notes=[note for _pk, note in sorted(told["notes"] or [])],
        attempts=[_tried(*row) for row in told["tried"] or []],
        runs_of_model=measured(told["runs_of_model"]),
        recent_runs=measured(told["recent_runs"]),
    )


def measured(rows: list[list[str]] | None) -> list[Run]:
    """Runs in the order of their ends, the latest first."""
    runs = [(key, moment(began), moment(ended)) for key, began, ended in rows or []]
    known = [Run(key, began, ended) for key, began, ended in runs if began and ended]
    return sorted(known, key=lambda run: run.ended_at, reverse=True)


def _tried(key: str, number: int, code: str, queued: str | None, started: str, ended: str, facts: Any) -> Tried:
    began, over = moment(started), moment(ended)
    known = json.loads(facts) if isinstance(facts, str) else facts
    return Tried(key, number, code, moment(queued), began or LONG_AGO, over or LONG_AGO, known)


def _while_waiting(expression: Any, otherwise: Any = 0) -> Case:
    return Case(When(status=QueueStatus.WAITING, then=expression), default=otherwise)


def _while_active(expression: Any) -> Case:
    return Case(When(status__in=ACTIVE_QUEUE_STATUSES, then=expression), default=Value([], JSONField()))


def _count(rows: QuerySet[Any]) -> Subquery:
    # A plain function, because an aggregate would group the rows.
    return Subquery(rows.order_by().annotate(n=Func("pk", function="COUNT")).values("n"), models.IntegerField())


def _yes_or_no(rows: QuerySet[Any]) -> Case:
    return Case(When(Exists(rows), then=1), default=0)


def _taken_together() -> QuerySet[AnalysisQueue]:
    """The batch of a running outer entry, those that have ended already included."""
    started = Q(status__in=[QueueStatus.PROCESSING, QueueStatus.COMPLETED, QueueStatus.FAILED])
    return AnalysisQueue.objects.filter(started, started_at=OuterRef("started_at"))


def _latest_progress() -> QuerySet[Any]:
    latest = ProgressLog.objects.filter(image_id=OuterRef("image_id")).order_by("-timestamp", "-id")
    return latest.annotate(told=JSONArray("timestamp", "estimated_completion")).values("told")[:1]


def _labels() -> QuerySet[Any]:
    columns = {name: F(name) for name in ("model_name", "model_version", "label", "confidence", "rank")}
    results = AnalysisResult.objects.filter(image_id=OuterRef("image_id")).values("image_id")
    return results.annotate(told=JSONRows(JSONObject(**columns))).values("told")


def _notes() -> QuerySet[Any]:
    ends = ProgressLog.objects.filter(image_id=OuterRef("image_id"), current_stage=Stage.COMPLETED).values("image_id")
    return ends.annotate(told=JSONRows(JSONArray("pk", "stage_description"))).values("told")


def _attempts() -> QuerySet[Any]:
    columns = ("model_key", "number", "code", "queued_at", "started_at", "ended_at", "facts")
    tried = Attempt.objects.filter(image_id=OuterRef("image_id")).values("image_id")
    return tried.annotate(told=JSONRows(JSONArray(*columns))).values("told")


def latest_runs(count: int, **of_model: Any) -> Subquery:
    """The latest measured runs as JSON.

    Chosen by their keys, along the index of the model's runs: from a bound on their time PostgreSQL would conclude
    nothing and read all runs that ever ended, for a model that has few.
    """
    finished = AnalysisQueue.objects.filter(status=QueueStatus.COMPLETED)
    of_same = {name: OuterRef(value) if isinstance(value, OuterRef) else value for name, value in of_model.items()}
    latest = finished.filter(**of_same).order_by("-completed_at").values("pk")[:count]
    rows = AnalysisQueue.objects.filter(pk__in=latest).values("status")
    told = rows.annotate(told=JSONRows(JSONArray("model_name", "started_at", "completed_at")))
    return Subquery(told.values("told"))
