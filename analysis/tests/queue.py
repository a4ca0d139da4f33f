"""What tests of the queue share."""

from analysis.models import AnalysisQueue
from analysis.states import ACTIVE_QUEUE_STATUSES
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Worker


def all_ended() -> bool:
    return not AnalysisQueue.objects.filter(status__in=ACTIVE_QUEUE_STATUSES).exists()


def wait_until_all_ended(worker: Worker, *, seconds: float = 60) -> None:
    """Return once nothing waits or runs any more; fail with the queue and the worker's log."""
    until(all_ended, lambda: f"{list(AnalysisQueue.objects.values())}\n{worker.output()}", seconds=seconds)
