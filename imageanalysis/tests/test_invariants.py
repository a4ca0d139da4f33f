"""The invariants find what they are there to find: each promise, broken on purpose, is told."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import F
from pytest_django import Settings

from accounts.models import User
from analysis import failures, lifecycle
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from analysis.states import Stage
from analysis.tests.queue import claim
from imageanalysis.tests import audit
from imageanalysis.tests.invariants import labels_by_filename, violations
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

LABELS = [Prediction(f"label {n}", 50.0 / n) for n in range(1, 6)]


@pytest.fixture
def done(owner: User, model: MLModel) -> Iterator[Image]:
    """A picture that was analyzed, in a database that writes down what it should not get."""
    audit.install()
    image = queued_image(user=owner, model=model)
    lifecycle.complete({claim(): LABELS})
    yield image
    audit.remove()


def hour(sign: int) -> timedelta:
    return timedelta(hours=sign)


def second_taking_back() -> None:
    """A worker's late word about a run that has ended, without the fence."""
    AnalysisQueue.objects.update(status="failed", error_message="late")


BREACHES: dict[str, tuple[Callable[[], object], str]] = {
    "no entry": (lambda: AnalysisQueue.objects.all().delete(), "has 0 queue entries"),
    "still running": (lambda: AnalysisQueue.objects.update(status="processing"), "is still processing"),
    "a label missing": (lambda: AnalysisResult.objects.filter(rank=3).delete(), "has the ranks [1, 2, 4, 5]"),
    "labels though failed": (second_taking_back, "has 5 labels of that run"),
    "ended before it began": (
        lambda: AnalysisQueue.objects.update(completed_at=F("started_at") - hour(1)),
        "was queued",
    ),
    "too many retries": (lambda: AnalysisQueue.objects.update(retry_count=4), "was tried again 4 times"),
    "failed in silence": (
        lambda: AnalysisQueue.objects.update(status="failed", error_message=""),
        "failed without a sentence",
    ),
    "written to after its end": (second_taking_back, "UPDATE of analysis_queue"),
    "another story": (lambda: TimelineLog.objects.update(analysis_step_status="active"), "on the screen"),
    "progress after the end": (
        lambda: ProgressLog.objects.create(
            image=Image.objects.get(), progress_percentage=10, current_stage=Stage.PREPROCESSING
        ),
        "INSERT of progress_logs",
    ),
}


def test_an_undisturbed_run_breaks_no_promise(done: Image, settings: Settings) -> None:
    reference = labels_by_filename()

    assert violations(Path(settings.MEDIA_ROOT), accepted=[done.pk], reference=reference) == []


@pytest.mark.parametrize(("breach", "told"), BREACHES.values(), ids=BREACHES)
def test_a_broken_promise_is_told(breach: Callable[[], object], told: str, done: Image, settings: Settings) -> None:
    breach()

    assert any(told in line for line in violations(Path(settings.MEDIA_ROOT)))


def test_files_without_rows_and_rows_without_files_are_told(done: Image, settings: Settings) -> None:
    root = Path(settings.MEDIA_ROOT)
    (root / done.file_path).rename(root / "stray.png")

    assert violations(root) == [
        "stray.png belongs to no row",
        f"{done.file_path} is named by a row and does not exist",
    ]


def test_a_lost_upload_and_other_labels_are_told(done: Image, settings: Settings) -> None:
    told = violations(
        Path(settings.MEDIA_ROOT), accepted=[done.pk, done.pk + 1], reference={done.filename: [("cat", 90.0)]}
    )

    assert told[0] == f"picture {done.pk + 1} was accepted and is gone"
    assert "not [('cat', 90.0)]" in told[1]


def test_a_persons_own_retry_is_no_forbidden_write(done: Image, model: MLModel, settings: Settings) -> None:
    lifecycle.resubmit(image_id=done.pk, model=model, priority="normal")
    lifecycle.fail([claim()], failures.BY_CODE["damaged"])

    assert audit.forbidden_writes() == []
