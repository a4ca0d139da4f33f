"""A real worker, a real broker, the real model."""

import pytest
from django.core.files.storage import default_storage
from pytest_django import Settings

from accounts.models import User
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from analysis.states import ImageStatus, QueueStatus, Stage, StepStatus
from analysis.tests.queue import wait_until_all_ended
from imageanalysis.tests.servers import Worker
from images.tests.factories import photograph, queued_image
from mlmodels.inference.pictures import decode
from mlmodels.models import MLModel
from mlmodels.tests import by_hand


def test_a_worker_labels_photographs(worker: Worker) -> None:
    coffee = queued_image(content=photograph("coffee.png"), name="coffee.png")
    cat = queued_image(content=photograph("chelsea.png"), name="chelsea.png")

    wait_until_all_ended(worker)

    best = dict(AnalysisResult.objects.filter(rank=1).values_list("image_id", "label"))
    assert best[coffee.pk] == "espresso"
    assert best[cat.pk] in {"tabby", "tiger cat", "Egyptian cat"}
    assert AnalysisResult.objects.get(image=coffee, rank=1).confidence > 80


@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png", "rocket.jpg", "astronaut.png"])
def test_the_stored_labels_are_those_of_running_the_network_by_hand(worker: Worker, name: str) -> None:
    image = queued_image(content=photograph(name), name=name)
    with default_storage.open(image.file_path) as file:
        expected = by_hand.best_labels(by_hand.network(), decode(file.file, max_pixels=10**9))

    wait_until_all_ended(worker)

    results = AnalysisResult.objects.filter(image=image).order_by("rank")
    assert [result.label for result in results] == [label for label, _confidence in expected]
    assert [float(result.confidence) for result in results] == pytest.approx(
        [confidence for _label, confidence in expected], abs=0.0051
    )


def test_a_run_leaves_every_stage_in_the_progress_log_and_a_true_timeline(worker: Worker) -> None:
    image = queued_image(content=photograph("coffee.png"))

    wait_until_all_ended(worker)

    log = list(ProgressLog.objects.filter(image=image).order_by("id"))
    percentages = [record.progress_percentage for record in log]
    assert {record.current_stage for record in log} == set(Stage)
    assert percentages == sorted(percentages)
    assert (log[-1].current_stage, percentages[-1]) == (Stage.COMPLETED, 100)
    image.refresh_from_db()
    timeline = TimelineLog.objects.get(image=image)
    assert image.status == ImageStatus.SUCCESS
    assert image.queue.status == QueueStatus.COMPLETED
    assert timeline.upload_step_status == timeline.analysis_step_status == StepStatus.DONE
    assert timeline.completion_step_status == StepStatus.DONE
    assert timeline.analysis_completed_at == image.queue.completed_at
    assert image.queue.completed_at >= image.queue.started_at >= image.queue.queued_at


def test_a_picture_whose_file_was_damaged_on_the_disk_fails_alone_with_a_sentence(
    worker: Worker, owner: User, model: MLModel, settings: Settings
) -> None:
    worker.pause()
    good = queued_image(user=owner, model=model)
    bad = queued_image(user=owner, model=model)
    gone = queued_image(user=owner, model=model)
    (settings.MEDIA_ROOT / bad.file_path).write_bytes(photograph("coffee.png")[:1000])
    (settings.MEDIA_ROOT / gone.file_path).unlink()

    worker.resume()
    wait_until_all_ended(worker)

    states = dict(AnalysisQueue.objects.values_list("image_id", "status"))
    assert states == {good.pk: QueueStatus.COMPLETED, bad.pk: QueueStatus.FAILED, gone.pk: QueueStatus.FAILED}
    bad.refresh_from_db()
    assert bad.status == ImageStatus.FAILED
    assert "damaged" in bad.queue.error_message
    assert bad.queue.retry_count == 0
    assert "file is missing" in AnalysisQueue.objects.get(image=gone).error_message
