"""Runs whose worker was not heard of for too long: they are taken back."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from analysis import lifecycle
from analysis.failures import WORKER_LOST
from analysis.fencing import Claim
from analysis.models import AnalysisQueue, ProgressLog
from analysis.states import QueueStatus

AT_ONCE = 200


def take_back_expired(*, now: datetime | None = None) -> int:
    """Take back runs that started, and were last heard of, longer ago than the lease; returns how many.

    At most `AT_ONCE` a call: each has a fencing token of its own, and a statement can only hold so many.
    """
    cutoff = (now or timezone.now()) - timedelta(seconds=settings.LEASE_SECONDS)
    sign_of_life = ProgressLog.objects.filter(image_id=models.OuterRef("image_id"), timestamp__gte=cutoff)
    expired = AnalysisQueue.objects.filter(
        ~models.Exists(sign_of_life), status=QueueStatus.PROCESSING, started_at__lt=cutoff
    )
    claims = [Claim.of(entry, entry.started_at) for entry in expired[:AT_ONCE] if entry.started_at]
    return len(lifecycle.retry(claims, WORKER_LOST)) if claims else 0
