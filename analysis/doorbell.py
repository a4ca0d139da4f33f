"""The doorbell: a Celery message that says "look at the queue" and carries no truth.

Each lane has its own. A bell that rings while another one hangs unheard would only be answered by "I was there
already": of many uploads at the same moment one rings. Whoever looks notes first that the bell was heard, then reads
the queue, so whatever was committed before somebody found a bell ringing is seen by that look.
"""

import logging
from collections.abc import Callable, Iterable

from celery import current_app
from django.core.cache import cache
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from analysis import failpoints, routing
from analysis.lanes import EVERYTHING, Lane

LOOK_AT_QUEUE = "analysis.look_at_queue"
# A bell that was lost on its way, or whose worker died over it, silences the next ones no longer than this.
UNHEARD_SECONDS = 1

logger = logging.getLogger(__name__)


def ring(lane: Lane) -> None:
    """Wake a worker of the lane. A broker that is away only costs time: workers look by themselves, too."""
    failpoints.hit("before_doorbell")
    if _is_ringing(lane):
        return
    try:
        # A message carries its sender's time limits unless told otherwise; the limit that counts is the worker's.
        current_app.send_task(LOOK_AT_QUEUE, queue=lane.doorbell_queue, time_limit=None, soft_time_limit=None)
    except OperationalError as error:
        logger.warning("doorbell not rung, the sweep will find the work: %s", error)


def heard(lane: Lane) -> None:
    """Let the lane's next bell ring again; call it before looking at the queue."""
    try:
        cache.delete(_ringing(lane))
    except RedisError as error:
        logger.warning("a doorbell was heard that goes on ringing for a second: %s", error)


def ring_all(lanes: Iterable[Lane]) -> None:
    """Wake a worker of each; where there is none, one that takes everything may be on its way."""
    for lane in list(lanes) or [EVERYTHING]:
        ring(lane)


def ring_on_commit(lanes: Callable[[], Iterable[Lane]] = routing.living) -> None:
    """Ring for these once the running transaction is committed; whatever goes wrong then cannot undo it any more."""

    def ring_them() -> None:
        ring_all(lanes())

    transaction.on_commit(ring_them, robust=True)


def _is_ringing(lane: Lane) -> bool:
    """Whether a bell hangs unheard; else this one does from now on."""
    try:
        return not cache.add(_ringing(lane), True, timeout=UNHEARD_SECONDS)
    except RedisError:  # then the broker will be away, too, and says so itself
        return False


def _ringing(lane: Lane) -> str:
    return f"doorbell:{lane.doorbell_queue}"
