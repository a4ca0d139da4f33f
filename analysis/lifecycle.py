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

What workers do stands here, what people wish (`cancel`, `resubmit` and more) in `wishes`: the two are the writer.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Least, Now

from accounts import clock
from analysis import estimates, failpoints, pausing, wording
from analysis.failures import OUT_OF_ATTEMPTS, Failure
from analysis.fencing import Claim, carrying_token, lock_held
from analysis.lanes import EVERYTHING, Lane
from analysis.models import AnalysisQueue, AnalysisResult, TimelineLog
from analysis.ordering import first_due, next_in_line, position_for
from analysis.records import (
    add_progress,
    execution_note,
    note_answered,
    note_interrupted,
    replace_results,
    set_images,
    set_timelines,
)
from analysis.states import ImageStatus, Priority, QueueStatus, Stage
from analysis.wishes import TransitionError, cancel, resubmit
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

__all__ = [
    "MAX_RETRIES",
    "TransitionError",
    "advance",
    "cancel",
    "claim_batch",
    "complete",
    "fail",
    "resubmit",
    "retry",
    "submit",
]

MAX_RETRIES = 3
FIRST_DELAY_SECONDS = 1
DELAY_SPREAD = (1, 1.5)
LONGEST_FIRST_DELAY_SECONDS = FIRST_DELAY_SECONDS * DELAY_SPREAD[1]


def submit(
    *,
    image: models.Model,
    user_id: int,
    model: MLModel,
    priority: Priority,
    upload_started_at: datetime,
    further: str = "",
) -> None:
    """Put a picture that was just stored into the queue; call it in the transaction that inserted the picture.

    `image` itself shows how it stands from then on, too.
    """
    now = clock.now()
    TimelineLog.objects.create(
        image_id=image.pk,
        upload_started_at=upload_started_at,
        upload_completed_at=now,
        model_used=model.key,
        **wording.received(further=further),
        **wording.waiting(),
    )
    AnalysisQueue.objects.create(
        image_id=image.pk,
        user_id=user_id,
        position=position_for(user_id=user_id, priority=priority, model_key=model.key),
        priority=priority,
        queued_at=now,
        model_name=model.key,
    )
    stands = {"status": ImageStatus.UPLOADED, "model_used_id": model.pk}
    set_images([image.pk], now, **stands)
    for name, value in stands.items():
        setattr(image, name, value)


Opening = Callable[[str], str]


def _taken(_model_key: str) -> str:
    return wording.CLAIMED


def claim_batch(
    *,
    limit: int,
    lane: Lane = EVERYTHING,
    before_commit: Callable[[Sequence[Claim]], None] | None = None,
    opening: Opening = _taken,
) -> list[Claim]:
    """Take up to `limit` waiting entries of one model off the head of the lane; none when none waits, or in a pause.

    `opening` says for the model's key what the runs begin with, as the first row of progress.

    Constant number of statements. Where another worker won some of the rows between our look and our update, the whole
    look is rolled back and made again. `before_commit` sees the claims while nobody else can: what it writes elsewhere
    is there from the first moment at which the claims are.
    """
    while first_due(lane):  # asked without the lock that a transaction takes on SQLite
        with transaction.atomic():
            entries = [] if pausing.is_paused() else next_in_line(limit=limit, lane=lane)
            if not entries:
                return []
            failpoints.hit("before_claim")
            now = clock.now()
            owned = AnalysisQueue.objects.filter(
                pk__in=[entry.pk for entry in entries], status=QueueStatus.WAITING
            ).update(status=QueueStatus.PROCESSING, started_at=now, queued_at=Least("queued_at", now))
            if owned == len(entries):
                claims = _open_runs(entries, now, opening)
                if before_commit:
                    before_commit(claims)
                failpoints.hit("before_claim_commit")
                return claims
            transaction.set_rollback(True)
    return []


def _open_runs(entries: Sequence[AnalysisQueue], now: datetime, opening: Opening) -> list[Claim]:
    ends_at = estimates.completion_of_run(entries[0].model_name or "", now)
    claims = [Claim.of(entry, now, ends_at) for entry in entries]
    description = wording.CLAIMED_AGAIN if claims[0].retry_count else opening(claims[0].model_key)
    set_images(_image_ids(claims), now, status=ImageStatus.PREPARING)
    _log(
        claims,
        now,
        Stage.PREPROCESSING,
        0,  # every run begins there
        description,
        analysis_started_at=now,
        analysis_completed_at=None,
    )
    return claims


@transaction.atomic
def advance(claims: Sequence[Claim], stage: Stage, *, percentage: int, description: str) -> list[Claim]:
    """Record that the runs reached a stage; the claims that are still ours come back, the others are lost."""
    held = lock_held(claims)
    if held:
        now = clock.now(*(claim.started_at for claim in held))
        if stage is Stage.MODEL_EXECUTION:
            set_images(_image_ids(held), now, status=ImageStatus.ANALYZING)
        _log(held, now, stage, percentage, description)
        failpoints.hit("before_advance_commit")
    return held


@transaction.atomic
def complete(
    predictions: Mapping[Claim, Sequence[Prediction]],
    *,
    execution: str = "",
    sentence: str = "",
    facts: Mapping[str, Any] | None = None,
) -> list[Claim]:
    """Store the labels and end the runs; results of the same model and version are replaced, others stay.

    The progress log keeps `execution`, how the model was run; the timeline says `sentence` if there is one; `facts` go
    to the attempts.
    """
    held = lock_held(list(predictions))
    if not held:
        return []
    now = clock.now(*(claim.started_at for claim in held))
    # A stage of its own in the log, but too short for a transaction of its own.
    add_progress(held, now, Stage.POSTPROCESSING, *wording.STAGES[Stage.POSTPROCESSING])
    _end(held, now, QueueStatus.COMPLETED)
    set_images(_image_ids(held), now, status=ImageStatus.SUCCESS, error_log=None)
    replace_results({claim: predictions[claim] for claim in held})
    note_answered(held, now, facts or {})
    percentage, description = wording.STAGES[Stage.COMPLETED]
    if execution:
        description = execution_note(held[0].model_key, execution)
    add_progress(held, now, Stage.COMPLETED, percentage, description)
    set_timelines(_image_ids(held), now, analysis_completed_at=now, **wording.completed(sentence))
    failpoints.hit("before_result_commit")
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
    again = [claim for claim in held if claim.retry_count < MAX_RETRIES or not failure.costs_a_retry]
    exhausted = [claim for claim in held if claim not in again]
    note = f"{failure.code}: {detail or failure.message}"
    if again:
        now = clock.now(*(claim.started_at for claim in again))
        _wait_again(again, failure)
        note_interrupted(again, now, failure.code)
        set_images(_image_ids(again), now, status=ImageStatus.UPLOADED, error_log=note)
        set_timelines(_image_ids(again), now, analysis_started_at=None, **wording.waiting_again(failure.message))
    if exhausted:
        _fail_held(exhausted, OUT_OF_ATTEMPTS.get(failure.code, failure.message), note)
    if held:
        failpoints.hit("before_take_back_commit")
    return held


def _wait_again(again: Sequence[Claim], failure: Failure) -> None:
    """Each attempt waits twice as long as the one before; chance keeps batches that failed together apart."""
    if not failure.costs_a_retry:
        due = {"queued_at": Now() + _spread(failure.pause_seconds)} if failure.pause_seconds else {}
        AnalysisQueue.objects.filter(carrying_token(again)).update(status=QueueStatus.WAITING, started_at=None, **due)
        return
    for retry_count in {claim.retry_count for claim in again}:
        delay = _spread(FIRST_DELAY_SECONDS * 2**retry_count)
        same = [claim for claim in again if claim.retry_count == retry_count]
        AnalysisQueue.objects.filter(carrying_token(same)).update(
            status=QueueStatus.WAITING, started_at=None, queued_at=Now() + delay, retry_count=retry_count + 1
        )


def _spread(seconds: float) -> timedelta:
    return timedelta(seconds=seconds * random.uniform(*DELAY_SPREAD))  # noqa: S311


def _end(held: Sequence[Claim], now: datetime, status: QueueStatus, **fields: Any) -> None:
    AnalysisQueue.objects.filter(carrying_token(held)).update(
        status=status, completed_at=now, **({"error_message": None} | fields)
    )


def _fail_held(held: Sequence[Claim], sentence: str, note: str) -> None:
    now = clock.now(*(claim.started_at for claim in held))
    _end(held, now, QueueStatus.FAILED, error_message=sentence)
    set_images(_image_ids(held), now, status=ImageStatus.FAILED, error_log=note)
    labelled = set(AnalysisResult.objects.filter(image_id__in=_image_ids(held)).values_list("image_id", flat=True))
    for has_results in (True, False):
        image_ids = [claim.image_id for claim in held if (claim.image_id in labelled) is has_results]
        set_timelines(image_ids, now, analysis_completed_at=now, **wording.failed(sentence, has_results=has_results))


def _log(
    claims: Sequence[Claim], now: datetime, stage: Stage, percentage: int, description: str, **timeline: Any
) -> None:
    add_progress(claims, now, stage, percentage, description, claims[0].ends_at)
    set_timelines(_image_ids(claims), now, **wording.running(stage, description, percentage), **timeline)


def _image_ids(claims: Iterable[Claim]) -> list[int]:
    return [claim.image_id for claim in claims]
