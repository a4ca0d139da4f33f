"""Every failpoint once a round: a process dies or stumbles wherever it could leave something half done."""

import signal
import subprocess
import sys

from analysis import lifecycle
from analysis.failpoints import POINTS
from analysis.models import AnalysisQueue
from analysis.states import Priority
from benchmarks.faults.harness import Figures, Ground
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import ROOT, Worker
from images.models import Image

IN_THE_CHILD = (
    "doorbell_received",
    "before_claim",
    "before_claim_commit",
    "after_claim",
    "before_read",
    "before_advance_commit",
    "after_decode",
    "during_inference",
    "after_inference",
    "before_result_commit",
    "after_result_commit",
)
IN_THE_PARENT = ("before_take_back_commit",)
# A process of its own does what the web server would, and comes to the point at once.
ON_REQUEST = {
    "before_cancel_commit": "from analysis import lifecycle; lifecycle.cancel(image_id={image_id})",
    "before_file_delete": "from images.models import Image; Image.objects.get(pk={image_id}).delete()",
}
IN_UPLOADS = ("after_file_stored", "before_upload_commit", "before_doorbell", "before_answer")  # see web_killed
ACTIONS = {"during_inference": ("kill-soon", "segv", "raise")}
USUAL_ACTIONS = ("kill", "raise")


def run(ground: Ground) -> Figures:
    ground.workers()
    covered: dict[str, int] = dict.fromkeys((*IN_THE_CHILD, *IN_THE_PARENT, *ON_REQUEST), 0)
    for number in range(ground.options.times):
        strike_workers(ground, number)
        for point in ON_REQUEST:
            strike_request(ground, point)
        for point in covered:
            covered[point] += len(ground.fired(point))
        ground.forget_fired()
    assert {*covered, *IN_UPLOADS} == set(POINTS)
    return {
        "windows covered": f"{sum(map(bool, covered.values()))} of {len(covered)}",
        "times each": f"{min(covered.values())} to {max(covered.values())}",
        "most retries of one picture": max(AnalysisQueue.objects.values_list("retry_count", flat=True)),
    }


def strike_workers(ground: Ground, number: int) -> None:
    """Arm one point after the other, each with a new picture; what was struck before may be struck again."""
    for point in IN_THE_PARENT:  # what the deaths of children bring about
        ground.arm(point, USUAL_ACTIONS[number % 2])
    for point in IN_THE_CHILD:
        actions = ACTIONS.get(point, USUAL_ACTIONS)
        ground.arm(point, actions[number % len(actions)])
        ground.submit(1)
        until(lambda point=point: bool(ground.fired(point)), ground.situation)  # type: ignore[misc]
    ground.wait_until_ended()


def strike_request(ground: Ground, point: str) -> None:
    """Die in the middle of a request, then make it again."""
    with ground.paused():
        (image_id,) = ground.submit(1)
        ground.arm(point, "kill")
        assert request(ground, point, image_id) == -signal.SIGKILL, f"{point} was passed"
    ground.wait_until_ended()
    if point == "before_file_delete":
        ground.accepted.discard(image_id)
        assert not Image.objects.filter(pk=image_id).exists()
    else:
        image = Image.objects.get(pk=image_id)
        assert image.status == "success"
        lifecycle.resubmit(image_id=image_id, model=ground.model, priority=Priority(image.queue.priority))
        ground.wait_until_ended()


def request(ground: Ground, point: str, image_id: int) -> int:
    words = ["manage.py", "shell", "--verbosity=0", "--command", ON_REQUEST[point].format(image_id=image_id)]
    environment = Worker(media_root=ground.media_root, **ground.environment()).environment
    return subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, check=False).returncode
