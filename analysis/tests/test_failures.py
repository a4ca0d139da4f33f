"""The one table from error to what follows: how often it is tried, and what the person reads."""

import random
from datetime import timedelta

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError

from accounts.models import User
from analysis import failures, lifecycle, presentation
from analysis.failures import StorageAwayError
from analysis.models import AnalysisQueue, ProgressLog
from analysis.states import QueueStatus
from analysis.story_query import stories
from analysis.tests.queue import claim
from images.tests.factories import queued_image
from mlmodels.inference.errors import MisfitError, UnknownModelError, WeightsDamagedError, WeightsMissingError
from mlmodels.inference.pictures import PictureError
from mlmodels.models import MLModel

# Error, how often a run is attempted that always meets it, and its code.
TABLE = [
    (OperationalError("server closed the connection"), 4, "database_away"),
    (InterfaceError("connection already closed"), 4, "database_away"),
    (DatabaseError("disk I/O error"), 4, "database_away"),
    (TimeoutError("the storage"), 4, "storage_away"),
    (PermissionError("the storage"), 4, "storage_away"),
    (ConnectionResetError("the storage"), 4, "storage_away"),
    (MemoryError(), 4, "out_of_memory"),
    (RuntimeError("what nobody foresaw"), 4, "internal_error"),
    (FileNotFoundError("original.png"), 1, "file_missing"),
    (PictureError("damaged", "cut off"), 1, "damaged"),
    (PictureError("too_many_pixels", "10 x 10"), 1, "too_many_pixels"),
    (UnknownModelError("vgg:1"), 1, "unknown_model"),
    (WeightsMissingError("vgg:1"), 1, "weights_missing"),
    (WeightsDamagedError("vgg:1"), 1, "weights_damaged"),
    (MisfitError("not_finite", where="weights", example="fc.bias"), 1, "weights_damaged"),
]


@pytest.mark.parametrize(("error", "attempts", "code"), TABLE, ids=lambda value: repr(value))
def test_each_error_is_attempted_as_often_as_the_table_says(
    error: Exception, attempts: int, code: str, owner: User, model: MLModel
) -> None:
    queued_image(user=owner, model=model)
    failure = failures.classify(error)
    end = lifecycle.retry if failure.is_transient else lifecycle.fail

    tried = 0
    while AnalysisQueue.objects.get().status == QueueStatus.WAITING:
        end([claim()], failure, detail=repr(error))
        tried += 1

    entry = AnalysisQueue.objects.select_related("image").get()
    assert (failure.code, tried, entry.status) == (code, attempts, QueueStatus.FAILED)
    assert entry.image.error_log.startswith(f"{code}:")
    assert entry.error_message
    assert "back to the queue" not in entry.error_message


def test_a_storage_that_is_away_for_hours_fails_no_picture_and_is_asked_now_and_then(
    owner: User, model: MLModel
) -> None:
    image = queued_image(user=owner, model=model)
    failure = failures.classify(StorageAwayError("the bucket: connection refused"))

    for _ in range(2 * lifecycle.MAX_RETRIES):
        held = claim()
        lifecycle.retry([held], failure)

        entry = AnalysisQueue.objects.get()
        assert (entry.status, entry.retry_count) == (QueueStatus.WAITING, 0)
        assert entry.queued_at - held.started_at >= timedelta(seconds=failure.pause_seconds)
    told = presentation.story(stories().get(image=image))
    assert "could not be read from the storage" in str(told["steps"])


def test_back_off_is_spread_by_chance(owner: User, model: MLModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", random.Random(1).uniform)
    delays = set()
    for _ in range(5):
        queued_image(user=owner, model=model)
        held = lifecycle.claim_batch(limit=1)
        lifecycle.retry(held, failures.INTERNAL)
        entry = AnalysisQueue.objects.get(pk=held[0].queue_id)
        delays.add(round((entry.queued_at - held[0].started_at).total_seconds(), 1))

    assert len(delays) > 1


def test_a_restart_is_told_with_its_reason_and_logged(owner: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)
    lifecycle.retry([claim()], failures.STORAGE_AWAY, detail="connection reset by 10.0.0.7")
    claim()

    told = presentation.story(stories().get(image=image))

    assert (told["queue"]["retry_count"], told["queue"]["retry_reason"]) == (1, failures.STORAGE_AWAY.message)
    assert "10.0.0.7" not in str(told)
    log = list(ProgressLog.objects.filter(image=image).order_by("pk").values_list("stage_description", flat=True))
    assert log == ["A worker has taken the picture.", "A worker has taken the picture again."]
