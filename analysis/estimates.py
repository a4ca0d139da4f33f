"""When a run should end, from what runs of the same model took on this installation."""

import statistics
from datetime import datetime, timedelta

from analysis.models import AnalysisQueue
from analysis.states import QueueStatus

MEASUREMENTS = 20
ENOUGH_MEASUREMENTS = 5


def completion_of_run(model_key: str, started_at: datetime) -> datetime | None:
    """When a run of this model that started then should end: the median of the latest runs later.

    None while fewer than five were measured. One indexed statement.
    """
    latest = AnalysisQueue.objects.filter(model_name=model_key, status=QueueStatus.COMPLETED).order_by("-completed_at")
    spans = [
        (completed - started).total_seconds()
        for started, completed in latest.values_list("started_at", "completed_at")[:MEASUREMENTS]
        if started and completed
    ]
    if len(spans) < ENOUGH_MEASUREMENTS:
        return None
    return started_at + timedelta(seconds=statistics.median(spans))
