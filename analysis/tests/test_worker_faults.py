"""Workers that die with pictures in hand: every picture finishes all the same.

One picture's file is a pipe that nobody writes to: the worker claims the batch and then stands in mid-batch, reading,
for as long as the test wants.
"""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

from django.db.models import Count
from pytest_django import Settings

from accounts.models import User
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from analysis.states import ImageStatus, QueueStatus
from analysis.tests.queue import unreadable_until_the_end, wait_until_all_ended
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Broker, Worker
from images.models import Image
from images.tests.factories import photograph, queued_image
from mlmodels.models import MLModel

PICTURES = ["coffee.png", "chelsea.png", "rocket.jpg"]


def upload_all(owner: User, model: MLModel) -> list[Image]:
    return [queued_image(user=owner, model=model, content=photograph(name), name=name) for name in PICTURES]


def every_picture_has_one_set_of_results() -> bool:
    labelled = Image.objects.filter(status=ImageStatus.SUCCESS, queue__status=QueueStatus.COMPLETED)
    return [image.labels for image in labelled.annotate(labels=Count("results"))] == [5] * len(PICTURES)


def test_every_picture_finishes_although_the_child_is_killed_in_mid_batch(
    transactional_db: None, broker: Broker, settings: Settings, owner: User, model: MLModel
) -> None:
    images = upload_all(owner, model)
    with ExitStack() as stack:
        with unreadable_until_the_end(settings.MEDIA_ROOT / images[1].file_path):
            worker = stack.enter_context(Worker(media_root=settings.MEDIA_ROOT))
            (child,) = worker.children()
            until(lambda: AnalysisQueue.objects.filter(status=QueueStatus.PROCESSING).count() == 3, worker.output)
            os.kill(child, signal.SIGKILL)
            until(lambda: AnalysisQueue.objects.filter(retry_count=1).count() == 3, worker.output)
        wait_until_all_ended(worker)

    assert every_picture_has_one_set_of_results()


def test_every_picture_finishes_although_the_whole_worker_is_killed_in_mid_batch(
    transactional_db: None, broker: Broker, settings: Settings, owner: User, model: MLModel
) -> None:
    images = upload_all(owner, model)
    limits = {"RUN_HARD_LIMIT_SECONDS": "5", "LEASE_SECONDS": "6"}
    pipe = unreadable_until_the_end(settings.MEDIA_ROOT / images[1].file_path)
    with pipe, Worker(media_root=settings.MEDIA_ROOT, **limits) as first:
        until(lambda: AnalysisQueue.objects.filter(status=QueueStatus.PROCESSING).count() == 3, first.output)
        first.kill()
    assert AnalysisQueue.objects.filter(status=QueueStatus.PROCESSING).count() == 3

    with Worker(media_root=settings.MEDIA_ROOT, **limits) as second:
        wait_until_all_ended(second)

    assert set(AnalysisQueue.objects.values_list("retry_count", flat=True)) == {1}
    assert every_picture_has_one_set_of_results()


def test_a_run_that_hangs_is_killed_at_the_hard_limit_and_fails_after_the_last_attempt(
    transactional_db: None, broker: Broker, settings: Settings, owner: User, model: MLModel
) -> None:
    image = queued_image(user=owner, model=model, content=photograph(PICTURES[0]))
    limits = {"RUN_HARD_LIMIT_SECONDS": "1", "LEASE_SECONDS": "60"}
    pipe = unreadable_until_the_end(settings.MEDIA_ROOT / image.file_path)
    with pipe, Worker(media_root=settings.MEDIA_ROOT, **limits) as worker:
        wait_until_all_ended(worker, seconds=120)

    entry = AnalysisQueue.objects.get(image=image)
    assert (entry.status, entry.retry_count) == (QueueStatus.FAILED, 3)
    assert "at every attempt" in entry.error_message
    assert TimelineLog.objects.get(image=image).analysis_step_description == entry.error_message
    assert AnalysisResult.objects.count() == 0


def test_a_child_that_its_gpu_has_left_is_replaced(
    transactional_db: None, broker: Broker, settings: Settings, owner: User, model: MLModel, tmp_path: Path
) -> None:
    lost = {"DJANGO_SETTINGS_MODULE": "analysis.tests.settings_lost_gpu", "LOST_GPU": str(tmp_path / "lost")}
    with Worker(media_root=settings.MEDIA_ROOT, **lost) as worker:
        before = worker.children()
        upload_all(owner, model)
        wait_until_all_ended(worker)
        assert worker.children() != before

    assert set(AnalysisQueue.objects.values_list("status", "retry_count")) == {(QueueStatus.COMPLETED, 1)}


def test_without_the_gpu_that_was_asked_for_the_cpu_answers(
    transactional_db: None, broker: Broker, settings: Settings, owner: User, model: MLModel
) -> None:
    vanished = {"INFERENCE_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": ""}
    with Worker(media_root=settings.MEDIA_ROOT, **vanished) as worker:
        image = queued_image(user=owner, model=model, content=photograph(PICTURES[0]))
        wait_until_all_ended(worker)

    assert AnalysisResult.objects.get(image=image, rank=1).label == "espresso"
    assert ProgressLog.objects.filter(image=image).latest("id").stage_description.endswith("on CPU")
