"""How long the progress log is kept: old records of finished runs go, the one that each run ended with stays."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef

from accounts import clock
from analysis.models import AnalysisQueue, ProgressLog
from analysis.states import ACTIVE_QUEUE_STATUSES, Stage

AT_ONCE = 500
STEPS = 4


def thin_out() -> int:
    """Remove some of the old records, the oldest first; returns how many.

    A few hundred rows a statement and a few statements a call, each a transaction of its own: nobody waits long for
    the database, and what is left is for the next call. On several machines at once harmless.
    """
    if settings.PROGRESS_RETENTION_DAYS <= 0:
        return 0
    removed = 0
    for _step in range(STEPS):
        removed_now = _remove_some()
        removed += removed_now
        if removed_now < AT_ONCE:
            break
    return removed


def _remove_some() -> int:
    cutoff = clock.now() - timedelta(days=settings.PROGRESS_RETENTION_DAYS)
    unfinished = AnalysisQueue.objects.filter(image_id=OuterRef("image_id"), status__in=ACTIVE_QUEUE_STATUSES)
    old = ProgressLog.objects.filter(~Exists(unfinished), timestamp__lt=cutoff).exclude(current_stage=Stage.COMPLETED)
    oldest = list(old.order_by("timestamp").values_list("pk", flat=True)[:AT_ONCE])
    removed, _by_table = ProgressLog.objects.filter(pk__in=oldest).delete()
    return removed
