"""One process at a time dies in mid-run, the rest is left in peace: how long until its picture is claimed again."""

import os
import signal
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from accounts import clock
from analysis.models import ProgressLog, WorkerProcess
from benchmarks.faults.harness import Crew, Figures, Ground, ids_of, spread
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Worker

LIMIT_SECONDS = 15
ELSEWHERE = "another-machine 4026531836"


def run(ground: Ground) -> Figures:
    crew = ground.workers() if ground.options.short else ground.workers(SWEEP_SECONDS="3")
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(ground.options.times):
        for name, kill in DEATHS.items():
            seconds[name].append(die(ground, crew, kill))
    slow = [name for name, values in seconds.items() if sorted(values)[int(len(values) * 0.95)] > LIMIT_SECONDS]
    return {
        "deaths of each kind": ground.options.times,
        **{name: spread(values) for name, values in seconds.items()},
        "broken": [f"{name} took longer than {LIMIT_SECONDS} s" for name in slow],
    }


def die(ground: Ground, crew: Crew, kill: Callable[[Worker, int], None]) -> float:
    """Stop a child in mid-run, kill it or its worker, and wait for the next claim of its picture."""
    until(crew.are_ready, crew.output)
    ground.forget_fired()
    ground.arm("after_decode", "pause")
    (image_id,) = ground.submit(1)
    until(lambda: bool(ground.fired("after_decode")), ground.situation)
    (child,) = ground.fired("after_decode")
    worker = next(worker for worker in crew.workers if child in worker.children())
    died_at = clock.now()
    kill(worker, child)
    ground.wait_until_ended()
    return (claims(image_id)[1] - died_at).total_seconds()


def claims(image_id: int) -> list[datetime]:
    rows = ProgressLog.objects.filter(image_id=image_id, progress_percentage=0).order_by("id")
    return list(rows.values_list("timestamp", flat=True))


def kill_child(_worker: Worker, child: int) -> None:
    os.kill(child, signal.SIGKILL)


def kill_worker(worker: Worker, _child: int) -> None:
    os.kill(worker.process.pid, signal.SIGKILL)


def kill_worker_elsewhere(worker: Worker, child: int) -> None:
    """As the others see it when the machine is not theirs: its processes cannot be looked up, it only falls silent."""
    for entry in WorkerProcess.objects.filter(pk__in=ids_of(worker)):
        pid, start = entry.process.rsplit(" ", 2)[1:]
        WorkerProcess.objects.filter(pk=entry.pk).update(process=f"{ELSEWHERE} {pid} {start}")
    kill_worker(worker, child)


DEATHS = {
    "a child": kill_child,
    "a worker of the same machine": kill_worker,
    "a worker of another machine": kill_worker_elsewhere,
}
