"""What other apps ask of the queue: put a picture in, run it again, cancel it."""

from collections.abc import Collection
from datetime import datetime
from functools import partial

from django.db import models, transaction

from analysis import doorbell, lifecycle, routing, wishes
from analysis.models import AnalysisQueue
from analysis.states import Priority
from mlmodels.models import MLModel


class ModelGoneError(Exception):
    """The model of an earlier run is no longer offered."""


def enqueue(
    *,
    image: models.Model,
    user_id: int,
    model: MLModel,
    priority: Priority,
    upload_started_at: datetime,
    further: str = "",
) -> None:
    """Queue a picture; call it in the transaction that inserted it. The doorbell rings on commit."""
    lifecycle.submit(
        image=image,
        user_id=user_id,
        model=model,
        priority=priority,
        upload_started_at=upload_started_at,
        further=further,
    )
    _ring_on_commit(model, priority)


@transaction.atomic
def analyze_again(*, image_id: int, model: MLModel, priority: Priority) -> None:
    """Run a finished picture again. Raises `wishes.TransitionError` while it still waits or runs."""
    wishes.resubmit(image_id=image_id, model=model, priority=priority)
    _ring_on_commit(model, priority)


@transaction.atomic
def analyze_all_again(*, image_ids: Collection[int], model: MLModel, priority: Priority) -> list[int]:
    """Run many pictures of one person again; returns which, the others still wait or run."""
    taken_back = wishes.resubmit_all(image_ids=image_ids, model=model, priority=priority)
    if taken_back:
        _ring_on_commit(model, priority)
    return taken_back


@transaction.atomic
def resume(*, image_ids: Collection[int]) -> None:
    """Queue again what was called off, with the same models and priorities; without a model that is not offered now.

    A few statements for each model and priority among them.
    """
    offered = {model.key: model for model in MLModel.objects.offered()}
    alike: dict[tuple[str | None, str], list[int]] = {}
    entries = AnalysisQueue.objects.filter(image_id__in=image_ids).values_list("image_id", "model_name", "priority")
    for image_id, model_key, priority in entries:
        alike.setdefault((model_key, priority), []).append(image_id)
    for (model_key, priority), ids in alike.items():
        if model_key in offered:
            analyze_all_again(image_ids=ids, model=offered[model_key], priority=Priority(priority))


@transaction.atomic
def retry(*, image_id: int, may_be_urgent: bool = False) -> None:
    """Run the same model with the same priority once more; what staff made urgent is high when somebody else asks.

    Raises `wishes.TransitionError` while the picture waits or runs, `ModelGoneError` when its model is not offered.
    """
    entry = AnalysisQueue.objects.filter(image_id=image_id).first()
    if entry is None:
        raise wishes.TransitionError(f"picture {image_id} is gone")
    model = MLModel.objects.offered_as(entry.model_name or "")
    if model is None:
        raise ModelGoneError(entry.model_name)
    is_too_urgent = entry.priority == Priority.URGENT and not may_be_urgent
    analyze_again(image_id=image_id, model=model, priority=Priority.HIGH if is_too_urgent else Priority(entry.priority))


def _ring_on_commit(model: MLModel, priority: Priority) -> None:
    doorbell.ring_on_commit(partial(routing.takers, model.key, priority))
