"""Pausing the queue: while a pause lasts nothing is claimed; what runs is finished, uploads go on.

A pause is a row in the database, so it holds for every machine and over every restart. Whoever asks for one was checked
for the permission already.
"""

import logging

from django.db import transaction

from accounts.models import User
from analysis import clock, doorbell
from analysis.models import QueuePause

logger = logging.getLogger(__name__)


def current() -> QueuePause | None:
    """The pause that lasts, with who made it; one statement."""
    return QueuePause.objects.select_related("paused_by").filter(resumed_at__isnull=True).order_by("pk").first()


def is_paused() -> bool:
    """Whether nothing may be claimed; one statement."""
    return QueuePause.objects.filter(resumed_at__isnull=True).exists()


@transaction.atomic
def pause(*, by: User) -> bool:
    """Stop claiming; returns whether it was not paused before."""
    if is_paused():
        return False
    QueuePause.objects.create(paused_at=clock.now(), paused_by=by)
    logger.info("audit: queue paused by %s (user %d)", by.username, by.pk)
    return True


@transaction.atomic
def resume(*, by: User) -> bool:
    """Claim again; returns whether it was paused."""
    ended = QueuePause.objects.filter(resumed_at__isnull=True).update(resumed_at=clock.now(), resumed_by=by)
    if ended:
        logger.info("audit: queue resumed by %s (user %d)", by.username, by.pk)
        doorbell.ring_on_commit()
    return bool(ended)
