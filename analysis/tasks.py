"""Celery tasks of the queue."""

from functools import partial

from celery import Task, shared_task
from django.conf import settings

from analysis import doorbell, in_hand, lifecycle, runner
from mlmodels.registry import engine


@shared_task(name=doorbell.LOOK_AT_QUEUE, bind=True)
def look_at_queue(self: Task) -> int:
    """Claim one batch and run it; ring again while there was work. Returns the number of runs claimed."""
    task_id = str(self.request.id)
    claims = lifecycle.claim_batch(limit=settings.BATCH_SIZE, before_commit=partial(in_hand.note, task_id))
    if not claims:
        return 0
    runner.run(claims, engine())
    in_hand.forget(task_id)
    doorbell.ring()
    return len(claims)
