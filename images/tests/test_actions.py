"""What can be done with a picture: analyze again, cancel, retry, delete, through the addresses."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from analysis import lifecycle
from analysis.failures import BY_CODE
from analysis.models import AnalysisQueue, AnalysisResult, TimelineLog
from analysis.tests.queue import claim
from images import deletion
from images.models import Image
from images.tests.factories import queued_image
from images.tests.uploads import files_in
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

IN_HAND = "This picture is being analyzed already."
OVER = "There is nothing to cancel: the analysis is over."


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return queued_image(user=owner, model=model)


def complete() -> None:
    lifecycle.complete({claim(): [Prediction("espresso", 97.25)]})


def fail() -> None:
    lifecycle.fail([claim()], BY_CODE["damaged"])


def act(client: Client, action: str, image: Image, **wish: str) -> str:
    """Post an action and return the page that it leads to."""
    answer = client.post(f"/images/{image.pk}/{action}/", wish, follow=True)
    assert answer.redirect_chain == [("/", 302) if action == "delete" else (image.get_absolute_url(), 302)]
    return answer.content.decode()


def states(image: Image) -> tuple[str, str, str | None, str | None]:
    """The picture's status, the queue's, and the timeline's analysis and completion steps."""
    timeline = TimelineLog.objects.get(image=image)
    status = Image.objects.get(pk=image.pk).status
    entry = AnalysisQueue.objects.get(image=image)
    return status, entry.status, timeline.analysis_step_status, timeline.completion_step_status


WAITING = ("uploaded", "waiting", "pending", "pending")
CANCELLED = ("uploaded", "cancelled", "cancelled", "cancelled")
DONE = ("success", "completed", "done", "done")
FAILED = ("failed", "failed", "failed", "failed")


def test_a_waiting_picture_can_be_cancelled(owner_client: Client, image: Image) -> None:
    assert "The analysis was cancelled." in act(owner_client, "cancel", image)

    assert states(image) == CANCELLED
    assert lifecycle.claim_batch(limit=1) == []


def test_a_running_picture_can_be_cancelled_and_its_worker_writes_nothing_more(
    owner_client: Client, image: Image
) -> None:
    claimed = claim()

    act(owner_client, "cancel", image)

    assert states(image) == CANCELLED
    assert lifecycle.complete({claimed: [Prediction("espresso", 97.25)]}) == []
    assert states(image) == CANCELLED
    assert not AnalysisResult.objects.exists()


def test_cancelling_twice_says_that_it_is_over(owner_client: Client, image: Image) -> None:
    act(owner_client, "cancel", image)

    assert OVER in act(owner_client, "cancel", image)
    assert states(image) == CANCELLED


@pytest.mark.parametrize(("end", "expected"), [(complete, DONE), (fail, FAILED)])
def test_what_has_ended_cannot_be_cancelled(
    end: object, expected: tuple[str, ...], owner_client: Client, image: Image
) -> None:
    complete() if end is complete else fail()

    assert OVER in act(owner_client, "cancel", image)
    assert states(image) == expected


def test_cancelling_a_second_run_keeps_the_labels_of_the_first(owner_client: Client, image: Image) -> None:
    complete()
    act(owner_client, "analyze", image)

    assert "The labels of an earlier run are still here." in act(owner_client, "cancel", image)
    assert states(image) == ("success", "cancelled", "cancelled", "done")
    assert AnalysisResult.objects.get().label == "espresso"


def test_a_failed_picture_can_be_retried_with_a_new_count(owner_client: Client, image: Image) -> None:
    fail()
    AnalysisQueue.objects.update(retry_count=3, priority="high")

    act(owner_client, "retry", image)

    assert states(image) == WAITING
    entry = AnalysisQueue.objects.get()
    assert (entry.retry_count, entry.priority, entry.model_name) == (0, "high", "efficientnet:1.0.0")
    assert (entry.error_message, entry.started_at, entry.completed_at) == (None, None, None)
    assert Image.objects.get().error_log is None


def test_a_cancelled_picture_can_be_retried(owner_client: Client, image: Image) -> None:
    act(owner_client, "cancel", image)

    act(owner_client, "retry", image)

    assert states(image) == WAITING


def test_a_retry_with_a_model_that_is_gone_says_so(owner_client: Client, image: Image, model: MLModel) -> None:
    fail()
    model.delete()

    page = act(owner_client, "retry", image)

    assert IN_HAND not in page
    assert states(image) == FAILED


@pytest.mark.parametrize("action", ["analyze", "retry"])
@pytest.mark.parametrize("is_running", [False, True])
def test_what_waits_or_runs_is_not_queued_again(
    action: str, is_running: bool, owner_client: Client, image: Image
) -> None:
    if is_running:
        claim()
    before = AnalysisQueue.objects.values().get()

    assert IN_HAND in act(owner_client, action, image, priority="high")
    assert AnalysisQueue.objects.values().get() == before


def test_a_finished_picture_can_be_analyzed_again_with_another_priority(owner_client: Client, image: Image) -> None:
    complete()

    act(owner_client, "analyze", image, model="efficientnet:1.0.0", priority="low")

    assert states(image) == WAITING
    assert AnalysisQueue.objects.get().priority == "low"
    assert AnalysisResult.objects.count() == 1
    complete()
    assert AnalysisResult.objects.count() == 1


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"model": "resnet50:1.0.0"}, "This model is not offered."),
        ({"priority": "urgent"}, "This priority is not offered."),
    ],
)
def test_a_wish_for_what_is_not_offered_changes_nothing(
    wish: dict[str, str], sentence: str, owner_client: Client, image: Image
) -> None:
    complete()

    assert sentence in act(owner_client, "analyze", image, **wish)
    assert states(image) == DONE


@pytest.mark.parametrize("action", ["analyze", "retry"])
def test_queueing_again_rings_once_it_is_committed(
    action: str,
    owner_client: Client,
    image: Image,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    complete()

    with django_capture_on_commit_callbacks() as callbacks:
        act(owner_client, action, image)

    assert [callback.__name__ for callback in callbacks] == ["ring_them"]


def test_deleting_removes_the_rows_the_files_and_their_folder_in_the_end(
    owner_client: Client,
    image: Image,
    media_of_its_own: Path,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.UNDO_SECONDS = 0

    page = act(owner_client, "delete", image)
    with django_capture_on_commit_callbacks(execute=True):
        assert deletion.purge() == 1

    assert "“picture.png” was deleted." in page
    assert not Image.objects.exists()
    assert not AnalysisQueue.objects.exists()
    assert files_in(media_of_its_own) == []
    assert owner_client.post(f"/images/{image.pk}/delete/").status_code == 404


def test_deleting_works_although_the_files_are_gone(
    owner_client: Client,
    image: Image,
    media_of_its_own: Path,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.UNDO_SECONDS = 0
    (media_of_its_own / image.file_path).unlink()

    act(owner_client, "delete", image)
    with django_capture_on_commit_callbacks(execute=True):
        assert deletion.purge() == 1

    assert files_in(media_of_its_own) == []


def test_a_picture_deleted_while_it_runs_stays_deleted(owner_client: Client, image: Image) -> None:
    claimed = claim()

    act(owner_client, "delete", image)

    assert lifecycle.complete({claimed: [Prediction("espresso", 97.25)]}) == []
    assert not Image.objects.visible_to(image.user).exists()
    assert not AnalysisResult.objects.exists()
