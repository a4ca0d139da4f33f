"""Pictures that kill whoever reads them, among good ones: the bad fail after the last attempt, the good all finish."""

from analysis.lifecycle import MAX_RETRIES
from analysis.models import AnalysisQueue
from analysis.states import QueueStatus
from benchmarks.faults.harness import Figures, Ground

GOOD_FOR_EACH = 40
WORDS = "stopped at every attempt"


def run(ground: Ground) -> Figures:
    bad_ones = 1 if ground.options.short else 5
    crew = ground.workers(RUN_HARD_LIMIT_SECONDS="10")
    ended_before = len(crew.exit_codes)
    with ground.paused():
        images = ground.submit(8 if ground.options.short else bad_ones * (GOOD_FOR_EACH + 1))
        bad = images[:: len(images) // bad_ones][:bad_ones]
        for number, image_id in enumerate(bad):
            ground.poison(image_id, ("kill", "segv", "spin")[number % 3])
    ground.wait_until_ended(seconds=300)
    return {
        "bad": bad_ones,
        "good": len(images) - bad_ones,
        "children killed": len(ground.fired("before_read")),
        "workers ended": len(crew.exit_codes) - ended_before,
        "broken": unexpected_ends(bad),
    }


def unexpected_ends(bad: list[int]) -> list[str]:
    found = []
    for entry in AnalysisQueue.objects.select_related("image").order_by("image_id"):
        as_poison = (entry.status, entry.retry_count) == (QueueStatus.FAILED, MAX_RETRIES)
        is_right = as_poison and WORDS in (entry.error_message or "")
        if not (is_right if entry.image_id in bad else entry.status == QueueStatus.COMPLETED):
            kind = "bad" if entry.image_id in bad else "good"
            note = entry.image.error_log
            found.append(
                f"the {kind} picture {entry.image_id} is {entry.status} after {entry.retry_count} retries: {note}"
            )
    return found
