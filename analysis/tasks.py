"""Celery tasks of the queue."""

import logging
from functools import partial

from celery import Task, shared_task
from django import db
from django.conf import settings

from analysis import doorbell, failpoints, heat_map_runs, heat_maps, in_hand, lanes, lifecycle, run_ids, runner
from analysis.watchdog import may_claim
from mlmodels.inference.errors import DeviceLostError
from mlmodels.registry import engine, preparation

logger = logging.getLogger(__name__)


@shared_task(name=doorbell.LOOK_AT_QUEUE, bind=True)
def look_at_queue(self: Task) -> int:
    """Claim one batch and run it, or make heat maps when no picture waits; ring again while something waits.

    Returns the number of runs claimed.

    Raises SystemExit, everything being handed on, to have the pool replace a process that its GPU has left.
    """
    failpoints.hit("doorbell_received")
    lane = lanes.own()
    doorbell.heard(lane)
    task_id = str(self.request.id)
    claims = lifecycle.claim_batch(
        limit=settings.BATCH_SIZE,
        lane=lane,
        before_commit=partial(in_hand.note, task_id),
        opening=partial(runner.opening, engine()),
    )
    if not claims:
        if heat_map_runs.make_next(task_id=task_id):
            doorbell.ring(lane)
        return 0
    failpoints.hit("after_claim")
    if len(claims) == settings.BATCH_SIZE:
        doorbell.ring(lane)  # there may be work for another child
    try:
        with run_ids.noted([run_ids.run_id(claim.image_id, claim.started_at) for claim in claims]):
            runner.run(claims, engine(), preparation())
    except DeviceLostError as error:
        logger.exception("this process ends, so that another takes its place")
        raise SystemExit from error
    finally:
        _ring_while_something_waits()
    return len(claims)


def _ring_while_something_waits() -> None:
    """A look for nothing costs more than asking first."""
    try:
        if not may_claim() and not heat_maps.is_something_waiting():
            return
    except db.Error as error:
        logger.warning("the database did not say whether something waits: %s", error)
    doorbell.ring(lanes.own())
