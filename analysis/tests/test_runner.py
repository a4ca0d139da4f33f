"""A batch through the runner, with real networks; what a GPU does to it, and what a bad picture does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from analysis import lifecycle, runner, wording
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from analysis.states import ImageStatus, QueueStatus, Stage
from analysis.tests.faulty_networks import Cramped, Stuck, engine_of
from images.models import Image
from images.tests.factories import drawn_picture, queued_image
from mlmodels.inference.classifier import Execution
from mlmodels.inference.errors import DeviceLostError
from mlmodels.inference.preparation import Preparation
from mlmodels.models import MLModel


@pytest.fixture
def preparation() -> Iterator[Preparation]:
    with Preparation(max_pixels=django_settings.UPLOAD_MAX_PIXELS, threads=1) as running:
        yield running


def queued(owner: User, model: MLModel, count: int, color: str = "red") -> list[Image]:
    return [queued_image(user=owner, model=model, content=drawn_picture(color=color)) for _ in range(count)]


def best_labels() -> list[str]:
    return list(AnalysisResult.objects.filter(rank=1).order_by("image_id").values_list("label", flat=True))


def sentences(image: Image) -> list[str | None]:
    return list(ProgressLog.objects.filter(image=image).order_by("id").values_list("stage_description", flat=True))


def test_no_picture_is_said_to_be_looked_at_before_its_turn(
    owner: User, model: MLModel, preparation: Preparation, settings: Settings
) -> None:
    settings.INFERENCE_BATCH_SIZE = 2
    images = queued(owner, model, 5)
    seen: list[list[str]] = []

    class Watching(Cramped):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            seen.append(list(Image.objects.order_by("pk").values_list("status", flat=True)))
            return super().forward(pixels)

    runner.run(lifecycle.claim_batch(limit=5), engine_of(Watching(room_for=9)), preparation)

    looking, waits, done = ImageStatus.ANALYZING, ImageStatus.PREPARING, ImageStatus.SUCCESS
    assert seen == [
        [looking, looking, waits, waits, waits],
        [done, done, looking, looking, waits],
        [done, done, done, done, looking],
    ]
    for image in images:
        log = ProgressLog.objects.filter(image=image).order_by("id")
        percentages = list(log.values_list("progress_percentage", flat=True))
        assert percentages == sorted(percentages)
        assert {record.current_stage for record in log} == set(Stage)


def test_a_picture_that_is_cancelled_before_its_turn_is_not_looked_at(
    owner: User, model: MLModel, preparation: Preparation, settings: Settings
) -> None:
    settings.INFERENCE_BATCH_SIZE = 1
    first, second, third = queued(owner, model, 3)
    sizes: list[int] = []

    class Cancelling(Cramped):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            sizes.append(len(pixels))
            if len(sizes) == 1:
                lifecycle.cancel(image_id=second.pk)
            return super().forward(pixels)

    runner.run(lifecycle.claim_batch(limit=3), engine_of(Cancelling(room_for=9)), preparation)

    assert len(sizes) == 2
    states = dict(AnalysisQueue.objects.values_list("image_id", "status"))
    assert states == {first.pk: "completed", second.pk: "cancelled", third.pk: "completed"}


def test_what_cannot_be_read_fails_or_waits_alone(
    owner: User, model: MLModel, preparation: Preparation, settings: Settings
) -> None:
    good, damaged, gone, unreadable = queued(owner, model, 4)
    (settings.MEDIA_ROOT / damaged.file_path).write_bytes(b"no picture")
    (settings.MEDIA_ROOT / gone.file_path).unlink()
    (settings.MEDIA_ROOT / unreadable.file_path).unlink()
    (settings.MEDIA_ROOT / unreadable.file_path).mkdir()  # a fault of the storage, which may pass

    runner.run(lifecycle.claim_batch(limit=4), engine_of(Cramped(room_for=9)), preparation)

    states = dict(AnalysisQueue.objects.values_list("image_id", "status"))
    assert states == {good.pk: "completed", damaged.pk: "failed", gone.pk: "failed", unreadable.pk: "waiting"}
    assert "file is missing" in AnalysisQueue.objects.get(image=gone).error_message
    assert AnalysisQueue.objects.get(image=unreadable).retry_count == 1


def test_a_network_that_breaks_gives_back_what_is_not_finished(
    owner: User, model: MLModel, preparation: Preparation, settings: Settings
) -> None:
    settings.INFERENCE_BATCH_SIZE = 1
    first, second, third = queued(owner, model, 3)
    runs: list[int] = []

    class Breaking(Cramped):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            runs.append(len(pixels))
            if len(runs) == 2:
                raise RuntimeError("shapes cannot be multiplied")
            return super().forward(pixels)

    runner.run(lifecycle.claim_batch(limit=3), engine_of(Breaking(room_for=9)), preparation)

    states = dict(AnalysisQueue.objects.values_list("image_id", "status"))
    assert states == {first.pk: "completed", second.pk: "waiting", third.pk: "waiting"}


def statements_for(count: int, owner: User, model: MLModel, preparation: Preparation) -> int:
    queued(owner, model, count)
    engine = engine_of(Cramped(room_for=99))
    engine.load(model.key)
    claims = lifecycle.claim_batch(limit=count)
    with CaptureQueriesContext(connection) as captured:
        runner.run(claims, engine, preparation)
    return len(captured)


def test_the_number_of_statements_does_not_grow_with_the_pictures_that_run_together(
    owner: User, model: MLModel, preparation: Preparation, settings: Settings
) -> None:
    settings.INFERENCE_BATCH_SIZE = 8
    assert statements_for(2, owner, model, preparation) == statements_for(8, owner, model, preparation)


def test_memory_that_runs_out_is_made_do_with_and_the_timeline_says_so(
    owner: User, model: MLModel, preparation: Preparation
) -> None:
    images = queued(owner, model, 5)
    engine = engine_of(Cramped(room_for=2))

    runner.run(lifecycle.claim_batch(limit=5), engine, preparation)

    assert best_labels() == ["red"] * 5
    for image in images:
        assert wording.IN_SMALLER_BATCHES in sentences(image)
        assert TimelineLog.objects.get(image=image).analysis_step_description == wording.IN_SMALLER_BATCHES

    (later,) = queued(owner, model, 1, color="blue")
    runner.run(lifecycle.claim_batch(limit=5), engine, preparation)

    assert best_labels() == ["red"] * 5 + ["blue"]
    assert wording.IN_SMALLER_BATCHES not in sentences(later)


def test_a_model_that_had_to_leave_the_gpu_is_told_from_one_that_takes_fewer_pictures() -> None:
    on_gpu = Execution("torch", "fp16", "NVIDIA H200")
    assert wording.shortage(on_gpu, on_gpu) == ""
    assert wording.shortage(on_gpu, Execution("torch", "fp16", "NVIDIA H200", 4)) == wording.IN_SMALLER_BATCHES
    assert wording.shortage(on_gpu, Execution("torch", "fp32", "CPU")) == wording.ON_THE_CPU


def test_runs_go_back_to_the_queue_before_a_process_gives_up_its_gpu(
    owner: User, model: MLModel, preparation: Preparation, tmp_path: Path
) -> None:
    queued(owner, model, 3)
    with pytest.raises(DeviceLostError):
        runner.run(lifecycle.claim_batch(limit=3), engine_of(Stuck(tmp_path / "trace")), preparation)

    assert set(AnalysisQueue.objects.values_list("status", "retry_count")) == {(QueueStatus.WAITING, 1)}
    assert "device-side assert" in Image.objects.values_list("error_log", flat=True)[0]


def test_the_page_says_how_each_model_was_run_the_last_time(
    owner: User, owner_client: Client, model: MLModel, preparation: Preparation
) -> None:
    (image,) = queued(owner, model, 1)
    runner.run(lifecycle.claim_batch(limit=1), engine_of(Cramped(room_for=9)), preparation)

    assert sentences(image)[-1] == "efficientnet:1.0.0: torch fp32 on CPU"
    assert "torch fp32 on CPU" in owner_client.get(f"/images/{image.pk}/").content.decode()

    lifecycle.resubmit(image_id=image.pk, model=model, priority=image.queue.priority)
    (again,) = lifecycle.claim_batch(limit=1)
    lifecycle.complete({again: []}, execution="openvino fp32 on CPU")
    AnalysisResult.objects.create(
        image=image, label="red", confidence=99, model_name="efficientnet", model_version="1.0.0", rank=1
    )

    page = owner_client.get(f"/images/{image.pk}/").content.decode()
    assert "openvino fp32 on CPU" in page
    assert "torch fp32 on CPU" not in page
