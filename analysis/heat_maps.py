"""Heat maps: asked for by people, made one after another while no picture waits, kept until their picture goes.

    waiting ──claim──▶ running ──▶ ready | failed         these two may be asked for anew
       ▲                  │
       └─ stepped aside, handed back, lost the first time

Nobody but this module writes the table. A worker owns what its conditional update turned from `waiting` to `running`;
each later write is guarded by the moment of that claim, so one whose picture was deleted, or who was given up, writes
nothing and stops. No message announces them: whoever looks at the queue and finds no picture looks here.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat, Now

from accounts import clock
from analysis import doorbell, lanes, pausing, routing
from analysis.heartbeats import SILENT_SECONDS, THIS_WORKER
from analysis.models import AnalysisResult, HeatMaps

MOST_LOSSES = 2
WORKER_LOST, INTERNAL_ERROR = "worker_lost", "internal_error"

State = HeatMaps.State


class NothingToExplainError(Exception):
    """The picture has no results of this model, or no longer."""


class LostError(Exception):
    """The maps are not this worker's any more: the picture was deleted, or they were given up."""


def results_of(image_id: int, model_key: str) -> QuerySet[AnalysisResult]:
    """The labels that a model gave a picture, the best first."""
    name, _colon, version = model_key.partition(":")
    own = AnalysisResult.objects.filter(image_id=image_id, model_name=name, model_version=version)
    return own.order_by("rank")


def of(image_id: int, model_key: str) -> HeatMaps | None:
    """The maps of this picture by this model, unless they explain results that have been replaced; two statements."""
    name, _colon, version = model_key.partition(":")
    found = HeatMaps.objects.filter(image_id=image_id, model_name=name, model_version=version).first()
    if found is None or found.is_under_way:
        return found
    best = results_of(image_id, model_key).first()
    return found if best and found.results_at in (None, best.created_at) else None


@transaction.atomic
def request(*, image_id: int, model_key: str) -> None:
    """Have the maps made once this is committed, unless they are there or under way; those of old results go.

    Raises NothingToExplainError, and IntegrityError when the picture is deleted at the same moment.
    """
    if not results_of(image_id, model_key).exists():
        raise NothingToExplainError
    before = of(image_id, model_key)
    if before and before.state != State.FAILED:
        return
    name, _colon, version = model_key.partition(":")
    own, is_new = HeatMaps.objects.get_or_create(image_id=image_id, model_name=name, model_version=version)
    if not is_new:
        ended = HeatMaps.objects.filter(pk=own.pk, state__in=(State.READY, State.FAILED))
        again = {"code": "", "known": [], "done": 0, "total": 0, "explanation": {}, "losses": 0, "ended_at": None}
        ended.update(state=State.WAITING, requested_at=Now(), **again)
    doorbell.ring_on_commit(partial(routing.explainers, model_key))


def is_something_waiting() -> bool:
    """Whether maps wait that this worker makes."""
    return _waiting().exists()


def _waiting() -> QuerySet[HeatMaps]:
    """Those of this worker's models, none when it is kept free for priorities."""
    lane = lanes.own()
    waiting = HeatMaps.objects.filter(state=State.WAITING) if lane.does_chores else HeatMaps.objects.none()
    return waiting.alias(key=Concat("model_name", Value(":"), "model_version")).filter(lane.models("key"))


class Making:
    """Maps in the hands of the worker that claimed them, with the labels to look for."""

    def __init__(self, row: HeatMaps, results: Sequence[AnalysisResult]) -> None:
        self.row = row
        self.labels = [result.label for result in results]
        self.held = HeatMaps.objects.filter(pk=row.pk, state=State.RUNNING, started_at=row.started_at)

    def advance(self, known: Sequence[Sequence[float]], total: int) -> None:
        """Keep what is known so far; raises LostError."""
        self._write(known=known, done=len(known), total=total, heard_at=Now())

    def step_aside(self) -> None:
        """Wait again, with what is known so far, at no cost; raises LostError."""
        self._write(state=State.WAITING)

    def finish(self, explanation: Mapping[str, Any]) -> None:
        """Raises LostError."""
        self._write(state=State.READY, explanation=explanation, known=[], ended_at=clock.now())

    def fail(self, code: str) -> None:
        _fail(self.held, code)

    def _write(self, **fields: Any) -> None:
        if not self.held.update(**fields):
            raise LostError


def claim_next(*, task_id: str) -> Making | None:
    """Take the maps that wait longest of those that this worker makes.

    None when none wait, in a pause, or while another child of this worker is at it.

    One at a time: the worker's other children are for pictures.
    """
    at_it = HeatMaps.objects.filter(state=State.RUNNING, worker=THIS_WORKER)
    row = _waiting().order_by("requested_at", "pk").first()
    if row is None or at_it.exists() or pausing.is_paused():
        return None
    results = list(results_of(row.image_id, row.model_key))
    results_at = results[0].created_at if results else None
    if results_at != row.results_at:  # what was known is about other results
        row.known = []
    row.started_at, row.results_at = clock.now(), results_at
    claimed = HeatMaps.objects.filter(pk=row.pk, state=State.WAITING).update(
        state=State.RUNNING,
        started_at=row.started_at,
        results_at=results_at,
        known=row.known,
        heard_at=Now(),
        task_id=task_id,
        worker=THIS_WORKER,
    )
    return Making(row, results) if claimed else None


def lose(task_id: str, code: str) -> int:
    """The task ended without a word: what it was making waits again, or has failed."""
    lost = HeatMaps.objects.filter(task_id=task_id, state=State.RUNNING)
    return _lose(lost) if code == WORKER_LOST else _fail(lost, code)


def give_up_lost(dead: Collection[UUID], running: Collection[str]) -> int:
    """The same for dead workers, for tasks of this one that do not run any more, and for whoever is silent too long."""
    silent = Q(heard_at__lt=Now() - timedelta(seconds=SILENT_SECONDS))
    ended_here = Q(worker=THIS_WORKER) & silent & ~Q(task_id__in=running)
    too_long = Q(heard_at__lt=Now() - timedelta(seconds=settings.LEASE_SECONDS))
    return _lose(HeatMaps.objects.filter(Q(worker__in=dead) | ended_here | too_long, state=State.RUNNING))


def hand_back() -> int:
    """Put back what this worker has in hand, at no cost: it was asked to stop."""
    return HeatMaps.objects.filter(state=State.RUNNING, worker=THIS_WORKER).update(state=State.WAITING)


@transaction.atomic
def _lose(lost: QuerySet[HeatMaps]) -> int:
    failed = _fail(lost.filter(losses__gte=MOST_LOSSES - 1), WORKER_LOST)
    return failed + lost.update(state=State.WAITING, losses=F("losses") + 1)


def _fail(maps: QuerySet[HeatMaps], code: str) -> int:
    return maps.update(state=State.FAILED, code=code, known=[], ended_at=clock.now())
