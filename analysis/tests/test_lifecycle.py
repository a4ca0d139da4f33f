"""Every pair of states, the fencing token, and a timeline that says what the queue row says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from analysis import failures, leases, lifecycle
from analysis.fencing import Claim
from analysis.lifecycle import TransitionError
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from analysis.states import QUEUE_TRANSITIONS, ImageStatus, Priority, QueueStatus, Stage, StepStatus
from analysis.tests.queue import claim
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

LABELS = [Prediction("espresso", 95.117), Prediction("cup", 1.5)]
DAMAGED = failures.BY_CODE["damaged"]


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return queued_image(user=owner, model=model)


def bring_to(status: QueueStatus, image: Image) -> Claim | None:
    """Walk a waiting picture to a state by the lifecycle's own functions."""
    if status is QueueStatus.WAITING:
        return None
    held = claim()
    match status:
        case QueueStatus.COMPLETED:
            lifecycle.complete({held: LABELS})
        case QueueStatus.FAILED:
            lifecycle.fail([held], DAMAGED)
        case QueueStatus.CANCELLED:
            lifecycle.cancel(image_id=image.pk)
    return held


def attempt(target: QueueStatus, image: Image, held: Claim | None) -> None:
    """Ask for a state by the function that leads there, with the claim that the picture has or had."""
    if target in (QueueStatus.COMPLETED, QueueStatus.FAILED):
        token = held or Claim(image.queue.pk, image.pk, "efficientnet:1.0.0", timezone.now(), 0)
        if target is QueueStatus.COMPLETED:
            lifecycle.complete({token: LABELS})
        else:
            lifecycle.fail([token], DAMAGED)
    elif target is QueueStatus.PROCESSING:
        lifecycle.claim_batch(limit=1)
    elif target is QueueStatus.CANCELLED:
        lifecycle.cancel(image_id=image.pk)
    elif held and image.queue.status == QueueStatus.PROCESSING:
        lifecycle.retry([held], failures.WORKER_LOST)
    else:
        lifecycle.resubmit(image_id=image.pk, model=image.model_used, priority=Priority.NORMAL)


@pytest.mark.parametrize("target", QueueStatus)
@pytest.mark.parametrize("source", QueueStatus)
def test_every_pair_of_states_is_reached_or_refused(source: QueueStatus, target: QueueStatus, image: Image) -> None:
    held = bring_to(source, image)
    image = Image.objects.select_related("queue", "model_used").get(pk=image.pk)
    before = AnalysisQueue.objects.values().get(image=image)
    assert before["status"] == source

    allowed = target in QUEUE_TRANSITIONS[source]
    refused_aloud = not allowed and target in (QueueStatus.WAITING, QueueStatus.CANCELLED)
    if refused_aloud:
        with pytest.raises(TransitionError):
            attempt(target, image, held)
    else:
        attempt(target, image, held)

    after = AnalysisQueue.objects.values().get(image=image)
    assert after["status"] == (target if allowed else source)
    if not allowed:
        assert after == before
    assert_the_timeline_is_true(image)


IMAGE_STATUSES = {
    QueueStatus.WAITING: {ImageStatus.UPLOADED},
    QueueStatus.PROCESSING: {ImageStatus.PREPARING, ImageStatus.ANALYZING},
    QueueStatus.COMPLETED: {ImageStatus.SUCCESS},
    QueueStatus.FAILED: {ImageStatus.FAILED},
    QueueStatus.CANCELLED: {ImageStatus.UPLOADED, ImageStatus.SUCCESS},
}
STEP_STATUSES = {
    QueueStatus.WAITING: (StepStatus.PENDING, StepStatus.PENDING),
    QueueStatus.PROCESSING: (StepStatus.ACTIVE, StepStatus.PENDING),
    QueueStatus.COMPLETED: (StepStatus.DONE, StepStatus.DONE),
    QueueStatus.FAILED: (StepStatus.FAILED, StepStatus.FAILED),
    QueueStatus.CANCELLED: (StepStatus.CANCELLED, StepStatus.CANCELLED),
}


def assert_the_timeline_is_true(image: Image) -> None:
    entry = AnalysisQueue.objects.get(image=image)
    timeline = TimelineLog.objects.get(image=image)
    status = QueueStatus(entry.status)
    analysis, completion = STEP_STATUSES[status]
    has_results = AnalysisResult.objects.filter(image=image).exists()
    if status in (QueueStatus.CANCELLED, QueueStatus.FAILED) and has_results:
        completion = StepStatus.DONE
    assert Image.objects.get(pk=image.pk).status in IMAGE_STATUSES[status]
    assert timeline.upload_step_status == StepStatus.DONE
    assert (timeline.analysis_step_status, timeline.completion_step_status) == (analysis, completion)
    assert (entry.completed_at is None) == entry.is_active
    assert timeline.analysis_started_at == entry.started_at
    assert (timeline.analysis_progress_percentage == 100) == (status is QueueStatus.COMPLETED)
    assert bool(entry.error_message) == (status is QueueStatus.FAILED)


def test_a_run_walks_through_its_stages(image: Image) -> None:
    held = claim()
    for stage, status in [(Stage.PREPROCESSING, "preparing"), (Stage.MODEL_EXECUTION, "analyzing")]:
        assert lifecycle.advance([held], stage, percentage=50, description="…") == [held]
        assert Image.objects.get(pk=image.pk).status == status
        assert_the_timeline_is_true(image)
    lifecycle.complete({held: LABELS})

    results = AnalysisResult.objects.filter(image=image).order_by("rank")
    assert [(r.rank, r.label, str(r.confidence)) for r in results] == [(1, "espresso", "95.12"), (2, "cup", "1.50")]
    last = ProgressLog.objects.filter(image=image).latest("id")
    assert (last.current_stage, last.progress_percentage) == (Stage.COMPLETED, 100)


STALE: dict[str, Callable[[Claim], Claim]] = {
    "an earlier start": lambda held: replace(held, started_at=held.started_at - timedelta(seconds=1)),
    "an earlier attempt": lambda held: replace(held, retry_count=held.retry_count + 1),
    "another entry": lambda held: replace(held, queue_id=held.queue_id + 1),
}


@pytest.mark.parametrize("make_stale", STALE.values(), ids=STALE)
def test_a_claim_with_another_token_writes_nothing(make_stale: Callable[[Claim], Claim], image: Image) -> None:
    stale = make_stale(claim())
    before = everything()

    assert lifecycle.advance([stale], Stage.MODEL_EXECUTION, percentage=40, description="…") == []
    assert lifecycle.complete({stale: LABELS}) == []
    assert lifecycle.fail([stale], DAMAGED) == []
    assert lifecycle.retry([stale], failures.WORKER_LOST) == []

    assert everything() == before


def everything() -> list[list[dict[str, object]]]:
    tables = (AnalysisQueue, Image, TimelineLog, ProgressLog, AnalysisResult)
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


def test_of_a_batch_only_the_runs_still_held_are_completed(owner: User, model: MLModel) -> None:
    first, second = (queued_image(user=owner, model=model) for _ in range(2))
    claims = lifecycle.claim_batch(limit=2)
    lifecycle.cancel(image_id=first.pk)

    held = lifecycle.complete(dict.fromkeys(claims, LABELS))

    assert [claim.image_id for claim in held] == [second.pk]
    assert not AnalysisResult.objects.filter(image=first).exists()
    for image in (first, second):
        assert_the_timeline_is_true(image)


def test_a_fault_of_ours_is_tried_three_times_again_and_then_fails_with_a_plain_message(image: Image) -> None:
    for retries in range(lifecycle.MAX_RETRIES):
        lifecycle.retry([claim()], failures.WORKER_LOST)
        entry = AnalysisQueue.objects.get(image=image)
        assert (entry.status, entry.retry_count) == (QueueStatus.WAITING, retries + 1)
        assert_the_timeline_is_true(image)

    lifecycle.retry([claim()], failures.WORKER_LOST)

    entry = AnalysisQueue.objects.get(image=image)
    assert (entry.status, entry.retry_count) == (QueueStatus.FAILED, lifecycle.MAX_RETRIES)
    assert entry.error_message == failures.OUT_OF_ATTEMPTS["worker_lost"]
    assert_the_timeline_is_true(image)


def test_after_a_fault_a_run_waits_longer_from_attempt_to_attempt(image: Image) -> None:
    waits = []
    for _ in range(lifecycle.MAX_RETRIES):
        lifecycle.retry([claim()], failures.INTERNAL)
        assert lifecycle.claim_batch(limit=1) == []
        waits.append(AnalysisQueue.objects.get(image=image).queued_at - timezone.now())
    assert waits[0] < waits[1] < waits[2]


def test_a_failed_second_run_leaves_the_picture_with_its_earlier_labels(image: Image, model: MLModel) -> None:
    lifecycle.complete({claim(): LABELS})
    lifecycle.resubmit(image_id=image.pk, model=model, priority=Priority.NORMAL)

    lifecycle.fail([claim()], DAMAGED)

    assert_the_timeline_is_true(image)


def test_a_persons_own_retry_starts_a_new_count(image: Image) -> None:
    lifecycle.retry([claim()], failures.WORKER_LOST)
    lifecycle.fail([claim()], DAMAGED)

    lifecycle.resubmit(image_id=image.pk, model=image.model_used, priority=Priority.HIGH)

    entry = AnalysisQueue.objects.get(image=image)
    assert (entry.retry_count, entry.priority, entry.error_message) == (0, Priority.HIGH, None)
    assert_the_timeline_is_true(image)


def test_analyzing_again_replaces_that_models_labels_and_keeps_another_models(image: Image, model: MLModel) -> None:
    lifecycle.complete({claim(): LABELS})
    AnalysisResult.objects.create(
        image=image, label="mug", confidence=50, model_name="resnet50", model_version="1.0.0", rank=1
    )
    lifecycle.resubmit(image_id=image.pk, model=model, priority=Priority.NORMAL)

    lifecycle.complete({claim(): [Prediction("latte", 80.0)]})

    labels = AnalysisResult.objects.filter(image=image).values_list("model_name", "label")
    assert set(labels) == {("efficientnet", "latte"), ("resnet50", "mug")}


def test_a_cancelled_second_run_leaves_the_picture_with_its_earlier_labels(image: Image, model: MLModel) -> None:
    lifecycle.complete({claim(): LABELS})
    lifecycle.resubmit(image_id=image.pk, model=model, priority=Priority.NORMAL)

    lifecycle.cancel(image_id=image.pk)

    image.refresh_from_db()
    assert image.status == ImageStatus.SUCCESS
    assert_the_timeline_is_true(image)


def test_runs_are_taken_back_when_their_lease_is_over_and_not_before(image: Image, settings: Settings) -> None:
    held = claim()
    lease = timedelta(seconds=settings.LEASE_SECONDS)
    heard_of_at = held.started_at + timedelta(seconds=50)
    ProgressLog.objects.update(timestamp=heard_of_at)

    assert leases.take_back_expired(now=held.started_at + lease + timedelta(seconds=1)) == 0
    assert leases.take_back_expired(now=heard_of_at + lease + timedelta(seconds=1)) == 1
    assert leases.take_back_expired(now=heard_of_at + lease + timedelta(seconds=1)) == 0

    entry = AnalysisQueue.objects.get(image=image)
    assert (entry.status, entry.retry_count) == (QueueStatus.WAITING, 1)
    assert lifecycle.complete({held: LABELS}) == []
    assert_the_timeline_is_true(image)


def statements_for_a_batch_of(size: int, owner: User, model: MLModel) -> int:
    for _ in range(size):
        queued_image(user=owner, model=model)
    with CaptureQueriesContext(connection) as captured:
        claims = lifecycle.claim_batch(limit=size)
        lifecycle.advance(claims, Stage.MODEL_EXECUTION, percentage=40, description="…")
        lifecycle.complete(dict.fromkeys(claims, LABELS))
    return len(captured)


def test_the_number_of_statements_does_not_grow_with_the_batch(owner: User, model: MLModel) -> None:
    assert statements_for_a_batch_of(2, owner, model) == statements_for_a_batch_of(16, owner, model)
