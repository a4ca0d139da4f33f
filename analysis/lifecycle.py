"""The one writer of states: every change of a queue entry, of a picture's status and of its timeline happens here.

    submit ──▶ waiting ──claim──▶ processing ──complete──▶ completed
                │  ▲                │  │  └────fail──────▶ failed
                │  ├────retry───────┘  └──────cancel─────▶ cancelled
                │  └──────────────resubmit─────────────────┘ (from all three)
                └─cancel──▶ cancelled

A claim is owned by whoever moved the row from `waiting` to `processing`; `(id, started_at, retry_count)` is its fencing
token. Every later write of the run locks the rows that still carry the token and touches nothing else, so a worker that
lost its run (lease over, cancelled, deleted) writes nothing. Each function is one transaction over all four tables: the
timeline never tells another story than the queue. It does not ring the doorbell, decode, or know the engine.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from analysis import estimates, pictures, wording
from analysis.failures import OUT_OF_ATTEMPTS, Failure
from analysis.fencing import Claim, carrying_token, lock_held
from analysis.models import AnalysisQueue, AnalysisResult, TimelineLog
from analysis.ordering import next_in_line, position_for
from analysis.records import add_progress, replace_results
from analysis.states import QUEUE_TRANSITIONS, ImageStatus, Priority, QueueStatus, Stage
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

MAX_RETRIES = 3
FIRST_DELAY_SECONDS = 1


class TransitionError(Exception):
    """The entry is not in a state from which the wanted one can be reached."""


def submit(
    *, image: models.Model, user_id: int, model: MLModel, priority: Priority, upload_started_at: datetime
) -> None:
    """Put a picture that was just stored into the queue; call it in the transaction that inserted the picture."""
    now = timezone.now()
    TimelineLog.objects.create(
        image_id=image.pk,
        upload_started_at=upload_started_at,
        upload_completed_at=now,
        model_used=model.key,
        **wording.received(),
        **wording.waiting(),
    )
    AnalysisQueue.objects.create(
        image_id=image.pk,
        user_id=user_id,
        position=position_for(user_id=user_id, priority=priority),
        priority=priority,
        queued_at=now,
        model_name=model.key,
    )
    _set_images([image.pk], now, status=ImageStatus.UPLOADED, model_used_id=model.pk)


@transaction.atomic
def resubmit(*, image_id: int, model: MLModel, priority: Priority) -> None:
    """Take a finished entry back to `waiting` for another run; a person's own wish starts a new count of retries.

    Raises TransitionError when the entry still waits or runs: only a fault of ours takes a run back that a worker has.
    """
    entry = _locked_entry(image_id, QueueStatus.WAITING)
    if entry.is_active:
        raise TransitionError(f"picture {image_id} is being analyzed")
    now = timezone.now()
    AnalysisQueue.objects.filter(pk=entry.pk).update(
        status=QueueStatus.WAITING,
        position=position_for(user_id=entry.user_id, priority=priority),
        priority=priority,
        model_name=model.key,
        queued_at=now,
        started_at=None,
        completed_at=None,
        error_message=None,
        retry_count=0,
    )
    _set_images([image_id], now, status=ImageStatus.UPLOADED, model_used_id=model.pk, error_log=None)
    _set_timelines(
        [image_id],
        now,
        model_used=model.key,
        analysis_started_at=None,
        analysis_completed_at=None,
        **wording.waiting(),
    )


def claim_batch(*, limit: int, before_commit: Callable[[Sequence[Claim]], None] | None = None) -> list[Claim]:
    """Take up to `limit` waiting entries of one model off the head of the queue; an empty list when none waits.

    Constant number of statements. Where another worker won some of the rows between our look and our update, the whole
    look is rolled back and made again. `before_commit` sees the claims while nobody else can: what it writes elsewhere
    is there from the first moment at which the claims are.
    """
    while True:
        with transaction.atomic():
            entries = next_in_line(limit=limit)
            if not entries:
                return []
            now = timezone.now()
            owned = AnalysisQueue.objects.filter(
                pk__in=[entry.pk for entry in entries], status=QueueStatus.WAITING
            ).update(status=QueueStatus.PROCESSING, started_at=now)
            if owned == len(entries):
                claims = _open_runs(entries, now)
                if before_commit:
                    before_commit(claims)
                return claims
            transaction.set_rollback(True)


def _open_runs(entries: Sequence[AnalysisQueue], now: datetime) -> list[Claim]:
    claims = [Claim.of(entry, now) for entry in entries]
    _set_images(_image_ids(claims), now, status=ImageStatus.PREPARING)
    _log(
        claims,
        now,
        Stage.PREPROCESSING,
        0,
        wording.CLAIMED,
        analysis_started_at=now,
        analysis_completed_at=None,
    )
    return claims


@transaction.atomic
def advance(claims: Sequence[Claim], stage: Stage, *, percentage: int, description: str) -> list[Claim]:
    """Record that the runs reached a stage; the claims that are still ours come back, the others are lost."""
    held = lock_held(claims)
    if held:
        now = timezone.now()
        if stage is Stage.MODEL_EXECUTION:
            _set_images(_image_ids(held), now, status=ImageStatus.ANALYZING)
        _log(held, now, stage, percentage, description)
    return held


@transaction.atomic
def complete(predictions: Mapping[Claim, Sequence[Prediction]]) -> list[Claim]:
    """Store the labels and end the runs; results of the same model and version are replaced, others stay."""
    held = lock_held(list(predictions))
    if not held:
        return []
    now = timezone.now()
    _end(held, now, QueueStatus.COMPLETED)
    _set_images(_image_ids(held), now, status=ImageStatus.SUCCESS, error_log=None)
    replace_results({claim: predictions[claim] for claim in held})
    percentage, description = wording.STAGES[Stage.COMPLETED]
    add_progress(held, now, Stage.COMPLETED, percentage, description)
    _set_timelines(_image_ids(held), now, analysis_completed_at=now, **wording.completed())
    return held


@transaction.atomic
def fail(claims: Sequence[Claim], failure: Failure, *, detail: str = "") -> list[Claim]:
    """End the runs without labels, saying why; `detail` goes to the pictures' error log for staff."""
    held = lock_held(claims)
    if held:
        _fail_held(held, failure.message, f"{failure.code}: {detail or failure.message}")
    return held


@transaction.atomic
def retry(claims: Sequence[Claim], failure: Failure, *, detail: str = "") -> list[Claim]:
    """Take the runs back to `waiting` after a fault of ours, or fail those that were tried often enough."""
    held = lock_held(claims)
    again = [claim for claim in held if claim.retry_count < MAX_RETRIES]
    exhausted = [claim for claim in held if claim.retry_count >= MAX_RETRIES]
    note = f"{failure.code}: {detail or failure.message}"
    if again:
        now = timezone.now()
        _wait_again(again)
        _set_images(_image_ids(again), now, status=ImageStatus.UPLOADED, error_log=note)
        _set_timelines(_image_ids(again), now, analysis_started_at=None, **wording.waiting_again(failure.message))
    if exhausted:
        _fail_held(exhausted, OUT_OF_ATTEMPTS.get(failure.code, failure.message), note)
    return held


@transaction.atomic
def cancel(*, image_id: int) -> None:
    """Call the picture's run off, whether it waits or runs; a worker that has it in hand writes nothing more.

    Raises TransitionError when there is nothing to cancel.
    """
    entry = _locked_entry(image_id, QueueStatus.CANCELLED)
    now = timezone.now()
    AnalysisQueue.objects.filter(pk=entry.pk).update(status=QueueStatus.CANCELLED, completed_at=now)
    has_results = AnalysisResult.objects.filter(image_id=image_id).exists()
    _set_images([image_id], now, status=ImageStatus.SUCCESS if has_results else ImageStatus.UPLOADED)
    _set_timelines([image_id], now, analysis_completed_at=now, **wording.cancelled(has_results=has_results))


def _locked_entry(image_id: int, target: QueueStatus) -> AnalysisQueue:
    entry = AnalysisQueue.objects.select_for_update().filter(image_id=image_id).first()
    if entry is None or target not in QUEUE_TRANSITIONS[QueueStatus(entry.status)]:
        raise TransitionError(f"picture {image_id} cannot become {target}")
    return entry


def _wait_again(again: Sequence[Claim]) -> None:
    """Each attempt waits twice as long as the one before; chance keeps batches that failed together apart."""
    for retry_count in {claim.retry_count for claim in again}:
        delay = timedelta(seconds=FIRST_DELAY_SECONDS * 2**retry_count * random.uniform(1, 1.5))  # noqa: S311
        same = [claim for claim in again if claim.retry_count == retry_count]
        AnalysisQueue.objects.filter(carrying_token(same)).update(
            status=QueueStatus.WAITING, started_at=None, queued_at=Now() + delay, retry_count=retry_count + 1
        )


def _end(held: Sequence[Claim], now: datetime, status: QueueStatus, **fields: Any) -> None:
    AnalysisQueue.objects.filter(carrying_token(held)).update(
        status=status, completed_at=now, **({"error_message": None} | fields)
    )


def _fail_held(held: Sequence[Claim], sentence: str, note: str) -> None:
    now = timezone.now()
    _end(held, now, QueueStatus.FAILED, error_message=sentence)
    _set_images(_image_ids(held), now, status=ImageStatus.FAILED, error_log=note)
    labelled = set(AnalysisResult.objects.filter(image_id__in=_image_ids(held)).values_list("image_id", flat=True))
    for has_results in (True, False):
        image_ids = [claim.image_id for claim in held if (claim.image_id in labelled) is has_results]
        _set_timelines(image_ids, now, analysis_completed_at=now, **wording.failed(sentence, has_results=has_results))


def _log(
    claims: Sequence[Claim], now: datetime, stage: Stage, percentage: int, description: str, **timeline: Any
) -> None:
    ends_at = estimates.completion_of_run(claims[0].model_key, claims[0].started_at)
    add_progress(claims, now, stage, percentage, description, ends_at)
    _set_timelines(_image_ids(claims), now, **wording.running(stage, description, percentage), **timeline)


def _set_timelines(image_ids: Iterable[int], now: datetime, **fields: Any) -> None:
    TimelineLog.objects.filter(image_id__in=list(image_ids)).update(updated_at=now, **fields)


def _set_images(image_ids: Iterable[int], now: datetime, **fields: Any) -> None:
    pictures.update(image_ids, updated_at=now, **fields)


def _image_ids(claims: Iterable[Claim]) -> list[int]:
    return [claim.image_id for claim in claims]
