"""Runs whose worker is dead, or was not heard of for too long: they are taken back."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from analysis import heartbeats, lifecycle
from analysis.failures import WORKER_LOST
from analysis.fencing import Claim
from analysis.models import AnalysisQueue, ProgressLog, WorkerProcess
from analysis.states import QueueStatus

AT_ONCE = 200


def take_back_expired(*, now: datetime | None = None) -> int:
    """Take back runs that started, and were last heard of, longer ago than the lease; returns how many.

    By the database's clock unless `now` is given. At most `AT_ONCE` a call: each has a fencing token of its own, and a
    statement can only hold so many.
    """
    cutoff = (now or Now()) - timedelta(seconds=settings.LEASE_SECONDS)
    sign_of_life = ProgressLog.objects.filter(image_id=models.OuterRef("image_id"), timestamp__gte=cutoff)
    expired = AnalysisQueue.objects.filter(
        ~models.Exists(sign_of_life), status=QueueStatus.PROCESSING, started_at__lt=cutoff
    )
    return _take_back(expired)


def take_back_from(workers: Collection[UUID]) -> int:
    """Take back what these workers have in hand, at most `AT_ONCE` a call; returns how many."""
    in_hand = AnalysisQueue.objects.filter(status=QueueStatus.PROCESSING, in_hand__worker__in=workers)
    return _take_back(in_hand)


def take_back_from_unknown_workers() -> int:
    """Take back what workers have in hand that were struck off and did not come back."""
    silent_since = Now() - timedelta(seconds=heartbeats.SILENT_SECONDS)
    known = WorkerProcess.objects.filter(pk=models.OuterRef("in_hand__worker"))
    unknown = AnalysisQueue.objects.filter(
        ~models.Exists(known), in_hand__isnull=False, status=QueueStatus.PROCESSING, started_at__lt=silent_since
    )
    return _take_back(unknown)


def _take_back(entries: models.QuerySet[AnalysisQueue]) -> int:
    claims = [Claim.of(entry, entry.started_at) for entry in entries[:AT_ONCE] if entry.started_at]
    return len(lifecycle.retry(claims, WORKER_LOST)) if claims else 0
