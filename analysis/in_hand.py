"""What each task has in hand, noted with the claim itself: whoever ends before its runs do gives them back at once."""

from collections.abc import Iterable, Sequence

from analysis import heartbeats, lifecycle
from analysis.failures import WORKER_LOST, WORKER_STOPPED
from analysis.fencing import Claim
from analysis.heartbeats import THIS_WORKER
from analysis.models import AnalysisQueue, RunInHand
from analysis.states import QueueStatus


def note(task_id: str, claims: Sequence[Claim]) -> None:
    """Note whose the claims are, in the transaction that makes them; two statements."""
    heartbeats.note_claim()
    RunInHand.objects.bulk_create(
        [RunInHand(entry_id=claim.queue_id, task_id=task_id, worker=THIS_WORKER) for claim in claims],
        update_conflicts=True,
        unique_fields=["entry"],
        update_fields=["task_id", "worker"],
    )


def give_back(task_id: str) -> int:
    """Take back the runs of a task whose process died; returns how many it still had."""
    lost = AnalysisQueue.objects.filter(in_hand__task_id=task_id, status=QueueStatus.PROCESSING)
    return len(lifecycle.retry(_claims(lost), WORKER_LOST))


class EndedTasks:
    """Finds runs that their task neither finished nor handed on: the database was away when it ended."""

    def __init__(self) -> None:
        self.suspects: set[str] = set()

    def give_back(self, running: set[str]) -> int:
        """Take back what this worker has in hand for tasks that do not run; returns how many. One statement if none.

        Only on the second look: this process hears of a task's beginning a moment after the task has claimed.
        """
        of_this_worker = AnalysisQueue.objects.filter(in_hand__worker=THIS_WORKER, status=QueueStatus.PROCESSING)
        ended = set(of_this_worker.values_list("in_hand__task_id", flat=True)) - running
        given_back = sum(give_back(task_id) for task_id in ended & self.suspects)
        self.suspects = ended
        return given_back


def hand_back() -> int:
    """Put back whatever this worker still has in hand, at no cost to the runs: it was asked to stop."""
    unfinished = AnalysisQueue.objects.filter(in_hand__worker=THIS_WORKER, status=QueueStatus.PROCESSING)
    return len(lifecycle.retry(_claims(unfinished), WORKER_STOPPED))


def _claims(entries: Iterable[AnalysisQueue]) -> list[Claim]:
    return [Claim.of(entry, entry.started_at) for entry in entries if entry.started_at]
