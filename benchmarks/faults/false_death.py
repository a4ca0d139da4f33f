"""A worker is stopped in mid-run and taken for dead; another does its work; then it goes on, and must write nothing."""

import os
import signal
from contextlib import suppress
from datetime import datetime

from analysis.models import AnalysisQueue, ProgressLog
from analysis.states import QueueStatus
from benchmarks.faults.harness import Crew, Figures, Ground, spread
from imageanalysis.tests.processes import until


def run(ground: Ground) -> Figures:
    crew = ground.workers()
    waits = [stop_and_go_on(ground, crew) for _ in range(ground.options.times)]
    return {
        "stopped and gone on": ground.options.times,
        "stopped to claimed by another": spread(waits),
        "rows written by the stopped one": 0,
    }


def stop_and_go_on(ground: Ground, crew: Crew) -> float:
    ground.arm("after_inference", "pause")
    (image_id,) = ground.submit(1)
    until(lambda: bool(ground.fired("after_inference")), ground.situation)
    (child,) = ground.fired("after_inference")
    worker = next(worker for worker in crew.workers if child in worker.children())
    stopped_at = ProgressLog.objects.filter(image_id=image_id).latest("id").timestamp
    os.kill(worker.process.pid, signal.SIGSTOP)
    try:
        until(lambda: ended(image_id), ground.situation)
        before = everything(image_id)
        ground.arm("after_result_commit", "pass")
    finally:
        for pid in (worker.process.pid, child):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    until(lambda: ground.fired("after_result_commit") == [child], worker.output)
    assert everything(image_id) == before, "the stopped worker has written"
    ground.forget_fired()
    claimed_at: datetime = AnalysisQueue.objects.get(image_id=image_id).started_at or stopped_at
    return (claimed_at - stopped_at).total_seconds()


def ended(image_id: int) -> bool:
    return AnalysisQueue.objects.filter(image_id=image_id, status=QueueStatus.COMPLETED).exists()


def everything(image_id: int) -> list[object]:
    entry = AnalysisQueue.objects.filter(image_id=image_id).values_list()
    progress = ProgressLog.objects.filter(image_id=image_id).order_by("id").values_list()
    return [*entry, *progress, *AnalysisQueue.objects.get(image_id=image_id).image.results.order_by("id").values_list()]
