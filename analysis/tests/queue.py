"""What tests of the queue share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db.models.functions import Now

from analysis import lifecycle
from analysis.fencing import Claim
from analysis.models import AnalysisQueue
from analysis.states import ACTIVE_QUEUE_STATUSES
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Worker


def all_ended() -> bool:
    return not AnalysisQueue.objects.filter(status__in=ACTIVE_QUEUE_STATUSES).exists()


def wait_until_all_ended(worker: Worker, *, seconds: float = 60) -> None:
    """Return once nothing waits or runs any more; fail with the queue and the worker's log."""
    until(all_ended, lambda: f"{list(AnalysisQueue.objects.values())}\n{worker.output()}", seconds=seconds)


def claim() -> Claim:
    """The next run, though it may have to wait a little after a fault."""
    AnalysisQueue.objects.filter(queued_at__gt=Now()).update(queued_at=Now())
    (only,) = lifecycle.claim_batch(limit=1)
    return only


@contextmanager
def unreadable_until_the_end(path: Path) -> Iterator[None]:
    """Let whoever opens the file wait for its first byte."""
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    try:
        yield
    finally:
        path.unlink()
        path.write_bytes(content)
