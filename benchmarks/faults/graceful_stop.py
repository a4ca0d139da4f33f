"""Workers are asked to stop with runs in hand: these finish, or are handed back at no cost, and the exit code is 0."""

import os
import signal
import time

from analysis.models import AnalysisQueue
from analysis.states import QueueStatus
from benchmarks.faults.harness import Crew, Figures, Ground, ids_of, spread
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Worker

GRACE_SECONDS = 3


def run(ground: Ground) -> Figures:
    crew = ground.workers(STOP_GRACE_SECONDS=str(GRACE_SECONDS))
    crew.exit_codes.clear()
    finished, handed_back, cut_short = [], [], []
    for _ in range(ground.options.times):
        finished.append(stop_with_work(ground, crew))
        handed_back.append(stop_with_stuck_run(ground, crew, requests=1))
        cut_short.append(stop_with_stuck_run(ground, crew, requests=2))
    ground.wait_until_ended()
    retried = AnalysisQueue.objects.filter(retry_count__gt=0).count()
    return {
        "stops": 3 * ground.options.times,
        "exit codes": sorted(set(crew.exit_codes)),
        "with work": spread(finished),
        f"stuck, grace of {GRACE_SECONDS} s": spread(handed_back),
        "stuck, asked twice": spread(cut_short),
        "broken": ([f"{retried} runs were charged a retry"] if retried else [])
        + ([f"exit codes {crew.exit_codes}"] if set(crew.exit_codes) != {0} else []),
    }


def stop_with_work(ground: Ground, crew: Crew) -> float:
    """Ask a worker to stop that is in the middle of a batch; seconds until it has ended."""
    ground.submit(16)
    until(lambda: bool(busy(crew)), ground.situation)
    return seconds_to_end(ground, busy(crew) or crew.workers[0], requests=1)


def stop_with_stuck_run(ground: Ground, crew: Crew, *, requests: int) -> float:
    """Ask a worker to stop whose child gets no further."""
    ground.wait_until_ended()
    until(crew.are_ready, crew.output)
    ground.forget_fired()
    ground.arm("after_decode", "pause")
    ground.submit(1)
    until(lambda: bool(ground.fired("after_decode")), ground.situation)
    (child,) = ground.fired("after_decode")
    worker = next(worker for worker in crew.workers if child in worker.children())
    return seconds_to_end(ground, worker, requests=requests)


def busy(crew: Crew) -> Worker | None:
    """A worker that has something in hand."""
    processing = AnalysisQueue.objects.filter(status=QueueStatus.PROCESSING)
    ids = set(processing.values_list("in_hand__worker", flat=True))
    return next((worker for worker in crew.workers if ids_of(worker) & ids), None)


def seconds_to_end(ground: Ground, worker: Worker, *, requests: int) -> float:
    process, began = worker.process, time.monotonic()
    for _ in range(requests):
        os.kill(process.pid, signal.SIGTERM)
        time.sleep(0.5 if requests > 1 else 0)
    until(lambda: worker.process is not process, ground.situation)
    return time.monotonic() - began
