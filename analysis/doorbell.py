"""The doorbell: a Celery message that says "look at the queue" and carries no truth."""

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from analysis import failpoints

LOOK_AT_QUEUE = "analysis.look_at_queue"

logger = logging.getLogger(__name__)


def ring() -> None:
    """Wake a worker. A broker that is away only costs time: workers look by themselves every few seconds."""
    failpoints.hit("before_doorbell")
    try:
        # A message carries its sender's time limits unless told otherwise; the limit that counts is the worker's.
        current_app.send_task(LOOK_AT_QUEUE, time_limit=None, soft_time_limit=None)
    except OperationalError as error:
        logger.warning("doorbell not rung, the sweep will find the work: %s", error)


def ring_on_commit() -> None:
    """Ring once the running transaction is committed; whatever goes wrong then cannot undo it any more."""
    transaction.on_commit(ring, robust=True)
