"""What people wish: run a picture again, call one or all off, change priorities, move. The lifecycle's other half.

Its rules are the lifecycle's: each function is one transaction over all four tables, locks the entries that it changes
in the order of their ids, and looks at their state then. A worker that is quicker keeps its runs, one that lost its run
writes nothing.
"""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import Max, Min
from django.db.models.functions import Least

from accounts import clock
from analysis import failpoints, wording
from analysis.models import AnalysisQueue, AnalysisResult
from analysis.ordering import in_line, position_for
from analysis.records import forget_interrupted, set_images, set_timelines
from analysis.states import QUEUE_TRANSITIONS, ImageStatus, Priority, QueueStatus
from mlmodels.models import MLModel

AT_ONCE = 500


class TransitionError(Exception):
    """The entry is not in a state from which the wanted one can be reached."""


def resubmit(*, image_id: int, model: MLModel, priority: Priority) -> None:
    """Take a finished entry back to `waiting` for another run; a person's own wish starts a new count of retries.

    Raises TransitionError when the entry still waits or runs: only a fault of ours takes a run back that a worker has.
    """
    if not resubmit_all(image_ids=[image_id], model=model, priority=priority):
        raise TransitionError(f"picture {image_id} is being analyzed, or gone")


@transaction.atomic
def resubmit_all(*, image_ids: Collection[int], model: MLModel, priority: Priority) -> list[int]:
    """The same for many pictures of one person; returns which, the others still wait or run.

    They stand in line in the order of their upload. Constant number of statements.
    """
    entries = [entry for entry in _locked_entries(image_ids) if not entry.is_active]
    if not entries:
        return []
    now = clock.now()
    first = position_for(user_id=entries[0].user_id, priority=priority, model_key=model.key)
    AnalysisQueue.objects.filter(pk__in=[entry.pk for entry in entries]).update(
        status=QueueStatus.WAITING,
        priority=priority,
        model_name=model.key,
        queued_at=now,
        started_at=None,
        completed_at=None,
        error_message=None,
        retry_count=0,
    )
    for place, entry in enumerate(entries, start=first):
        entry.position = place
    AnalysisQueue.objects.bulk_update(entries, ["position"])
    taken_back = [entry.image_id for entry in entries]
    forget_interrupted(taken_back)
    set_images(taken_back, now, status=ImageStatus.UPLOADED, model_used_id=model.pk, error_log=None)
    set_timelines(
        taken_back,
        now,
        model_used=model.key,
        analysis_started_at=None,
        analysis_completed_at=None,
        **wording.waiting(),
    )
    return taken_back


def cancel(*, image_id: int) -> None:
    """Call the picture's run off, whether it waits or runs; a worker that has it in hand writes nothing more.

    Raises TransitionError when there is nothing to cancel.
    """
    if not cancel_all(image_ids=[image_id]):
        raise TransitionError(f"picture {image_id} has no run to cancel")


@transaction.atomic
def cancel_all(*, image_ids: Collection[int]) -> list[int]:
    """The same for many pictures; returns which had a run to cancel. Constant number of statements."""
    entries = _locked_entries(image_ids)
    return _call_off([entry for entry in entries if QueueStatus.CANCELLED in QUEUE_TRANSITIONS[entry.status]])


def _locked_entries(image_ids: Collection[int]) -> list[AnalysisQueue]:
    return list(AnalysisQueue.objects.filter(image_id__in=image_ids).order_by("pk").select_for_update())


def cancel_waiting(*, user_id: int) -> int:
    """Call off all runs of a person that wait, a few hundred at a time; returns how many."""
    cancelled = 0
    while chunk := _cancel_some(user_id):
        cancelled += chunk
    return cancelled


@transaction.atomic
def _cancel_some(user_id: int) -> int:
    waiting = AnalysisQueue.objects.waiting().filter(user_id=user_id).order_by("pk").select_for_update()
    return len(_call_off(list(waiting[:AT_ONCE])))


def _call_off(locked: Sequence[AnalysisQueue]) -> list[int]:
    """End the runs of active entries; returns whose pictures' they were."""
    image_ids = [entry.image_id for entry in locked]
    if not image_ids:
        return []
    now = clock.now(*(entry.started_at for entry in locked))
    AnalysisQueue.objects.filter(pk__in=[entry.pk for entry in locked]).update(
        status=QueueStatus.CANCELLED, completed_at=now, queued_at=Least("queued_at", now)
    )
    labelled = set(AnalysisResult.objects.filter(image_id__in=image_ids).values_list("image_id", flat=True))
    for has_results, status in ((True, ImageStatus.SUCCESS), (False, ImageStatus.UPLOADED)):
        alike = [image_id for image_id in image_ids if (image_id in labelled) is has_results]
        set_images(alike, now, status=status)
        set_timelines(alike, now, analysis_completed_at=now, **wording.cancelled(has_results=has_results))
    failpoints.hit("before_cancel_commit")
    return image_ids


@transaction.atomic
def set_priority(*, entry_ids: Collection[int], priority: Priority) -> int:
    """Give waiting entries another priority, each with the place that its person would get now; returns how many."""
    entries = [entry for entry in _locked(entry_ids) if entry.priority != priority]
    for entry in entries:
        place = position_for(user_id=entry.user_id, priority=priority, model_key=entry.model_name or "")
        AnalysisQueue.objects.filter(pk=entry.pk).update(priority=priority, position=place)
    return len(entries)


@transaction.atomic
def move(*, entry_ids: Collection[int], to_front: bool) -> int:
    """Move waiting entries before or behind all others of their priority; returns how many.

    They keep the order of their upload among themselves. No other row is touched.
    """
    entries = _locked(entry_ids)
    for priority in {Priority(entry.priority) for entry in entries}:
        ends = in_line(priority).order_by().aggregate(first=Min("position"), last=Max("position"))
        # Two before: who comes next joins the first ones where no gap is, and stands behind them.
        place = ends["first"] - 2 if to_front else ends["last"] + 1
        alike = [entry.pk for entry in entries if entry.priority == priority]
        AnalysisQueue.objects.filter(pk__in=alike).update(position=place)
    return len(entries)


def _locked(entry_ids: Collection[int]) -> list[AnalysisQueue]:
    return list(AnalysisQueue.objects.waiting().filter(pk__in=entry_ids).order_by("pk").select_for_update())
