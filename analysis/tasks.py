"""Celery tasks of the queue."""

from celery import Task, shared_task
from django.conf import settings

from analysis import doorbell, in_hand, lifecycle, runner
from mlmodels.registry import engine


@shared_task(name=doorbell.LOOK_AT_QUEUE, bind=True)
def look_at_queue(self: Task) -> int:
    """Claim one batch and run it; ring again while there was work. Returns the number of runs claimed."""
    claims = lifecycle.claim_batch(limit=settings.BATCH_SIZE)
    if not claims:
        return 0
    with in_hand.noted(str(self.request.id), claims):
        runner.run(claims, engine())
    doorbell.ring()
    return len(claims)
