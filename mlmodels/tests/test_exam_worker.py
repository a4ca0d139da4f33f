"""Exams in a real worker whose processes are killed."""

import os
import signal
from pathlib import Path

from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Worker
from mlmodels import exams
from mlmodels.models import MLModel, ModelExam


def examiners(worker_process: int) -> list[int]:
    """What this process of a worker has started."""
    listing = Path(f"/proc/{worker_process}/task/{worker_process}/children").read_text()
    return [int(pid) for pid in listing.split()]


def test_an_exam_whose_worker_process_is_killed_says_so_at_once_and_leaves_no_process(
    worker: Worker, model: MLModel
) -> None:
    (child,) = worker.children()
    exams.request(model)
    # The first child of a test run converts the default model before it takes anything.
    until(lambda: bool(examiners(child)), lambda: f"no exam began:\n{worker.output()}", seconds=180)
    (examiner,) = examiners(child)

    os.kill(child, signal.SIGKILL)

    until(lambda: ModelExam.objects.get().state == "failed", lambda: f"the exam seems to go on:\n{worker.output()}")
    assert ModelExam.objects.get().code == "worker_lost"
    until(lambda: not Path(f"/proc/{examiner}").exists(), "the examiner outlived its worker")
    until(lambda: worker.children() not in ([], [child]), lambda: f"no new child:\n{worker.output()}")
