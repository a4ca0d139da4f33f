"""When a run should end: a range, from what runs took on this installation and from the work ahead.

Nothing is known but what the queue's table holds: when the latest runs began and ended. A batch is what began at the
same moment; batches that overlapped were different workers'.
"""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from analysis.models import AnalysisQueue
from analysis.states import QueueStatus
from analysis.story_query import MEASUREMENTS, Run

ENOUGH_MEASUREMENTS = 5
# Nine of ten should end within the range; one that says less than the median would only disappoint.
LOW, TYPICAL, HIGH = 0.1, 0.5, 0.9


class Estimate(NamedTuple):
    """Seconds from now until a run should end: between `low` and `high`, most likely `typical`; none is negative."""

    low: float
    typical: float
    high: float


class _Pace(NamedTuple):
    """Seconds that each picture ahead costs whoever waits for it."""

    low: float
    typical: float
    high: float


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


def of_running(runs_of_model: Sequence[Run], elapsed_seconds: float, *, batch: int) -> Estimate | None:
    """For a run that began `elapsed_seconds` ago in a batch of so many: what like runs that lasted longer still took.

    None while fewer than five runs of its model were measured.
    """
    if len(runs_of_model) < ENOUGH_MEASUREMENTS:
        return None
    sizes = Counter(run.started_at for run in runs_of_model)
    by_likeness = sorted(runs_of_model, key=lambda run: abs(math.log(sizes[run.started_at] / max(batch, 1))))
    spans = _spans(by_likeness[:MEASUREMENTS])
    left = [seconds - elapsed_seconds for seconds in spans if seconds > elapsed_seconds]
    return Estimate(*(_quantile(left or [0.0], share) for share in (LOW, TYPICAL, HIGH)))


def of_waiting(
    runs_of_model: Sequence[Run],
    recent_runs: Sequence[Run],
    *,
    ahead: int,
    running: int,
    first_seconds: float = 0,
) -> Estimate | None:
    """For an entry with `ahead` others before it: their work at the pace of the latest batches, then its own run.

    `first_seconds` is what has to happen before anything else, such as a wait after a fault or loading the model. None
    while fewer than five runs of its model were measured.
    """
    if len(runs_of_model) < ENOUGH_MEASUREMENTS:
        return None
    spans = _spans(runs_of_model)
    own = [_quantile(spans, share) for share in (LOW, TYPICAL, HIGH)]
    pace = _pace(recent_runs or runs_of_model)
    # A worker that is busy becomes free after half a run, on the average, and after a whole one at the latest.
    until_free = [0, own[1] / 2, own[2]] if running else [0, 0, 0]
    return Estimate(*(first_seconds + ahead * pace[n] + until_free[n] + own[n] for n in range(3)))


def _pace(runs: Sequence[Run]) -> _Pace:
    batches = _batches(runs)
    most, mean = _workers([(began, ended) for began, ended, _pictures in batches])
    costs = _costs(batches)
    return _Pace(_quantile(costs, LOW) / most, _quantile(costs, TYPICAL) / most, _quantile(costs, HIGH) / mean)


def seconds_a_picture(runs_of_model: Sequence[Run]) -> float | None:
    """What a picture cost one worker lately, with loading and decoding; None while fewer than five were measured."""
    if len(runs_of_model) < ENOUGH_MEASUREMENTS:
        return None
    return _quantile(_costs(_batches(runs_of_model)), TYPICAL)


def _costs(batches: Sequence[tuple[datetime, datetime, int]]) -> list[float]:
    """Seconds of work for each picture: its share of its batch."""
    return [
        (ended - began).total_seconds() / pictures for began, ended, pictures in batches for _picture in range(pictures)
    ]


def _batches(runs: Sequence[Run]) -> list[tuple[datetime, datetime, int]]:
    """When each batch began and ended, and its pictures; the oldest, of which a part may be missing, is left out."""
    sizes = Counter(run.started_at for run in runs)
    ends = {run.started_at: run.ended_at for run in sorted(runs, key=lambda run: run.ended_at)}
    oldest = min(sizes) if len(sizes) > 1 else None
    return [(began, ends[began], size) for began, size in sizes.items() if began != oldest]


def _workers(batches: Sequence[tuple[datetime, datetime]]) -> tuple[int, float]:
    """How many batches ran at the same time: the most, and on the average while any did."""
    changes = sorted([(began, 1) for began, _ended in batches] + [(ended, -1) for _began, ended in batches])
    busy_seconds = worked_seconds = 0.0
    at_once = most = 0
    previous = changes[0][0]
    for moment, change in changes:
        seconds = (moment - previous).total_seconds()
        worked_seconds += at_once * seconds
        busy_seconds += seconds if at_once else 0
        at_once, previous = at_once + change, moment
        most = max(most, at_once)
    return max(most, 1), max(worked_seconds / busy_seconds, 1.0) if busy_seconds else 1.0


def _spans(runs: Sequence[Run]) -> list[float]:
    return [max((run.ended_at - run.started_at).total_seconds(), 0) for run in runs]


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
