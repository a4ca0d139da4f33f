"""What workers do for models: fetch weights and take exams."""

from celery import Task, shared_task
from django.conf import settings

from mlmodels import added_specs, exams, fetches
from mlmodels.fetching import DEFAULT_PATIENCE
from mlmodels.inference import catalogue
from mlmodels.models import EXAM_GRACE_SECONDS


# A message carries these limits: the one of a batch of pictures would end a download after two minutes.
@shared_task(name=fetches.FETCH_WEIGHTS, time_limit=int(DEFAULT_PATIENCE.total_seconds) + 600)
def fetch_weights(key: str) -> None:
    """Bring the weights of the model `name:version` to this worker's machine, and have them loaded once.

    Raises UnknownModelError.
    """
    if fetches.take(catalogue.find(key)):
        exams.prepare(key)


@shared_task(name=exams.TAKE_EXAM, bind=True, time_limit=settings.MODEL_EXAM_SECONDS + EXAM_GRACE_SECONDS)
def take_exam(self: Task, model_id: int) -> None:
    """Take a model's exam on this worker's machine."""
    exams.take(model_id, task_id=str(self.request.id))
    added_specs.tidy_up()
