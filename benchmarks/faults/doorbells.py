"""Doorbells that come ten times, not at all, half of the time, late, or with nonsense in them."""

import time

from celery import current_app
from django.conf import settings
from redis import Redis

from analysis import doorbell
from analysis.lanes import EVERYTHING
from analysis.models import AnalysisQueue
from benchmarks.faults.harness import Figures, Ground, spread

BELLS = 10
QUEUE = "analysis"


def run(ground: Ground) -> Figures:
    ground.workers()
    number = 4 if ground.options.short else 50
    figures: Figures = {}
    with Redis(unix_socket_path=str(settings.BROKER_SOCKET)) as broker:
        for name, disturb in DISTURBANCES.items():
            began = time.monotonic()
            with ground.paused():
                images = ground.submit(number)
                disturb(broker)
            ground.wait_until_ended()
            figures[name] = f"{time.monotonic() - began:.1f} s"
            assert AnalysisQueue.objects.filter(image_id__in=images, status="completed").count() == number
    return figures | {"sweep": "1 s", "queued to started": spread(waits())}


def waits() -> list[float]:
    rows = AnalysisQueue.objects.values_list("queued_at", "started_at")
    return [(started - queued).total_seconds() for queued, started in rows if started]


def ring_tenfold(_broker: Redis) -> None:
    for _ in range(BELLS):
        doorbell.ring(EVERYTHING)


def lose_all(broker: Redis) -> None:
    broker.delete(QUEUE)


def lose_half(broker: Redis) -> None:
    for _ in range(broker.llen(QUEUE) // 2):
        broker.rpop(QUEUE)


def forge(broker: Redis) -> None:
    """Messages with arguments, of unknown tasks, and that are no messages at all."""
    current_app.send_task(doorbell.LOOK_AT_QUEUE, args=[999_999_999], queue=QUEUE)
    current_app.send_task(doorbell.LOOK_AT_QUEUE, kwargs={"image_id": -1, "status": "completed"}, queue=QUEUE)
    current_app.send_task("analysis.no_such_task", queue=QUEUE)
    broker.lpush(QUEUE, b"\x80\x04\x95 pickled nonsense")  # ends one worker, which is started anew


DISTURBANCES = {
    "tenfold": ring_tenfold,
    "none arrives": lose_all,
    "every second arrives": lose_half,
    "forged": forge,
}
