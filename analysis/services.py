"""What other apps ask of the queue: put a picture in, run it again, cancel it."""

from datetime import datetime

from django.db import models, transaction

from analysis import doorbell, lifecycle
from analysis.models import AnalysisQueue
from analysis.states import Priority
from mlmodels.models import MLModel


class ModelGoneError(Exception):
    """The model of an earlier run is no longer there."""


@transaction.atomic
def enqueue(
    *, image: models.Model, user_id: int, model: MLModel, priority: Priority, upload_started_at: datetime
) -> None:
    """Queue a picture in the transaction that inserts it; the doorbell rings on commit."""
    lifecycle.submit(image=image, user_id=user_id, model=model, priority=priority, upload_started_at=upload_started_at)
    doorbell.ring_on_commit()


@transaction.atomic
def analyze_again(*, image_id: int, model: MLModel, priority: Priority) -> None:
    """Run a finished picture again. Raises `lifecycle.TransitionError` while it still waits or runs."""
    lifecycle.resubmit(image_id=image_id, model=model, priority=priority)
    doorbell.ring_on_commit()


@transaction.atomic
def retry(*, image_id: int) -> None:
    """Run the same model with the same priority once more.

    Raises `lifecycle.TransitionError` while the picture waits or runs, `ModelGoneError` when its model is gone.
    """
    entry = AnalysisQueue.objects.get(image_id=image_id)
    model = MLModel.objects.by_key(entry.model_name or "")
    if model is None:
        raise ModelGoneError(entry.model_name)
    analyze_again(image_id=image_id, model=model, priority=Priority(entry.priority))
