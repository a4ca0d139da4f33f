"""Pausing the queue: while a pause lasts nothing is claimed; what runs is finished, uploads go on.

A pause is a row in the database, so it holds for every machine and over every restart. Whoever asks for one was checked
for the permission already.
"""

from django.db import transaction

from accounts import audit, clock
from accounts.models import User
from analysis import doorbell
from analysis.models import QueuePause


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
    audit.record("queue_paused", user=by)
    return True


@transaction.atomic
def resume(*, by: User) -> bool:
    """Claim again; returns whether it was paused."""
    ended = QueuePause.objects.filter(resumed_at__isnull=True).update(resumed_at=clock.now(), resumed_by=by)
    if ended:
        audit.record("queue_resumed", user=by)
        doorbell.ring_on_commit()
    return bool(ended)
