"""SIGKILL of random processes at random times; every second one strikes a worker that has runs in hand."""

import os
import signal
import time
from collections import defaultdict
from contextlib import suppress
from datetime import datetime

from django.db.models import QuerySet

from accounts import clock
from analysis.models import AnalysisQueue, ProgressLog
from analysis.states import QueueStatus
from benchmarks.faults.harness import Crew, Figures, Ground, ids_of, spread
from imageanalysis.tests.servers import Worker

MEAN_PAUSE_SECONDS = 2.0
AIM_SECONDS = 5.0
Run = tuple[int, datetime]  # picture and start


def run(ground: Ground) -> Figures:
    kills, images = ground.options.kills, ground.options.images
    crew = ground.workers() if ground.options.short else ground.workers(SWEEP_SECONDS="3")
    mean_pause_seconds = 0.5 if ground.options.short else MEAN_PAUSE_SECONDS
    began = time.monotonic()
    struck: list[tuple[datetime, set[Run]]] = []
    for number in range(kills):
        time.sleep(min(ground.chance.expovariate(1 / mean_pause_seconds), 4 * mean_pause_seconds))
        ground.submit(images * (number + 1) // kills - images * number // kills)
        victim = busy_worker(crew) if number % 2 else None
        struck.append(strike(ground, victim or ground.chance.choice(crew.workers)))
    ground.wait_until_ended(seconds=600)
    seconds = time.monotonic() - began
    claims = claims_by_picture()
    latencies = [latency for at, runs in struck for latency in reclaimed_after(at, runs, claims)]
    if ground.options.keep:
        for at, runs in struck:
            print(at, sorted(runs), reclaimed_after(at, runs, claims))
    wasted = sum(len(starts) for starts in claims.values()) - len(claims)
    failed = AnalysisQueue.objects.filter(status=QueueStatus.FAILED).count()
    return {
        "kills": kills,
        "pictures": images,
        "bound of the loss rate": f"3/{kills}",
        "kills with runs in hand": sum(bool(runs) for _at, runs in struck),
        "runs lost and claimed again": len(latencies),
        "death to claimed again": spread(latencies),
        "wasted executions": wasted,
        "failed after all retries": failed,
        "seconds": round(seconds),
    }


def busy_worker(crew: Crew) -> Worker | None:
    """A worker that has runs in hand, as soon as there is one; None when there is none for a while."""
    deadline = time.monotonic() + AIM_SECONDS
    while time.monotonic() < deadline:
        busy = set(in_hand().values_list("in_hand__worker", flat=True))
        for worker in crew.workers:
            if busy & ids_of(worker):
                return worker
        time.sleep(0.002)
    return None


def in_hand() -> QuerySet[AnalysisQueue]:
    return AnalysisQueue.objects.filter(status=QueueStatus.PROCESSING, started_at__isnull=False)


def strike(ground: Ground, victim: Worker) -> tuple[datetime, set[Run]]:
    """Kill one process; when, and what its worker had in hand. A parent takes its child with it."""
    with suppress(OSError):
        children = victim.children()
        pid = ground.chance.choice([victim.process.pid, *children])
        held = in_hand().filter(in_hand__worker__in=ids_of(victim))
        runs = {(image_id, at) for image_id, at in held.values_list("image_id", "started_at") if at}
        os.kill(pid, signal.SIGKILL)
        return clock.now(), runs
    return clock.now(), set()


def claims_by_picture() -> dict[int, list[datetime]]:
    """When each picture was claimed, in order."""
    claims: dict[int, list[datetime]] = defaultdict(list)
    rows = ProgressLog.objects.filter(progress_percentage=0).order_by("id")
    for image_id, at in rows.values_list("image_id", "timestamp"):
        claims[image_id].append(at)
    return claims


def reclaimed_after(at: datetime, runs: set[Run], claims: dict[int, list[datetime]]) -> list[float]:
    """Seconds from a kill to the next claim of each run that it ended; runs that were over in time have none."""
    following = [[claim for claim in claims[image_id] if claim > started_at] for image_id, started_at in runs]
    return [(later[0] - at).total_seconds() for later in following if later]
