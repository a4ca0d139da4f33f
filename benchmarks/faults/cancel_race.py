"""Runs are cancelled at random moments: each ends as cancelled or completed, never as both, and the answer was true."""

import time

from analysis import lifecycle
from analysis.models import AnalysisQueue
from analysis.states import QueueStatus
from benchmarks.faults.harness import Figures, Ground

RUN_SECONDS = 0.4
AT_ONCE = 4


def run(ground: Ground) -> Figures:
    ground.workers()
    number = 12 if ground.options.short else 25 * ground.options.times
    cancelled, refused, lies = 0, 0, []
    for _ in range(number // AT_ONCE):
        for image_id in ground.submit(AT_ONCE):
            time.sleep(ground.chance.uniform(0, RUN_SECONDS / AT_ONCE))
            told = cancel(image_id)
            cancelled, refused = cancelled + told, refused + (not told)
            if told != (state(image_id) == QueueStatus.CANCELLED):
                lies.append(f"picture {image_id} was told cancelled={told} and is {state(image_id)}")
    ground.wait_until_ended()
    ends = AnalysisQueue.objects.filter(status=QueueStatus.CANCELLED).count()
    if ends != cancelled:
        lies.append(f"{cancelled} were told that they were cancelled, {ends} are")
    return {"cancelled": cancelled, "too late": refused, "broken": lies}


def cancel(image_id: int) -> bool:
    try:
        lifecycle.cancel(image_id=image_id)
    except lifecycle.TransitionError:
        return False
    return True


def state(image_id: int) -> str:
    return AnalysisQueue.objects.get(image_id=image_id).status
