"""What goes when a row goes: shown by really deleting rows."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import models
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import PasswordResetToken, User
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from images import deletion
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.models import MLModel

OF_AN_IMAGE: tuple[type[models.Model], ...] = (AnalysisQueue, TimelineLog, ProgressLog, AnalysisResult)


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    """A picture with rows in every table that belongs to it, and somebody else's beside it."""
    images = [queued_image(user=user, model=model) for user in (owner, None)]
    for image in images:
        ProgressLog.objects.create(image=image, progress_percentage=5, current_stage="preprocessing")
        AnalysisResult.objects.create(
            image=image, label="espresso", confidence=97, model_name=model.name, model_version=model.version, rank=1
        )
        PasswordResetToken.objects.create(user=image.user, token=f"{image.user_id:064}")
    return images[0]


def counts(*tables: type[models.Model]) -> list[int]:
    return [table._default_manager.count() for table in tables]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_an_image_takes_its_queue_entry_timeline_progress_and_results_with_it(image: Image) -> None:
    image.delete()

    assert counts(Image, *OF_AN_IMAGE) == [1, 1, 1, 1, 1]
    assert counts(User, PasswordResetToken) == [2, 2]
    assert image.model_used in MLModel.objects.all()


def test_a_user_takes_their_images_queue_entries_and_reset_tokens_with_them(image: Image, owner: User) -> None:
    owner.delete()

    assert counts(User, Image, PasswordResetToken, *OF_AN_IMAGE) == [1, 1, 1, 1, 1, 1, 1]


def test_a_queue_entry_goes_with_the_user_that_it_names(image: Image, other_user: User) -> None:
    AnalysisQueue.objects.filter(image=image).update(user=other_user)

    other_user.delete()

    assert counts(Image, AnalysisQueue) == [2, 1]


def test_a_model_goes_and_leaves_pictures_without_it_and_results_with_its_name(image: Image, model: MLModel) -> None:
    model.delete()

    image.refresh_from_db()
    assert image.model_used_id is None
    result = AnalysisResult.objects.get(image=image)
    assert (result.model_name, result.model_version) == ("efficientnet", "1.0.0")
    assert counts(Image, *OF_AN_IMAGE) == [2, 2, 2, 2, 2]


def through_the_page(image: Image) -> None:
    client = Client()
    client.force_login(image.user)
    client.post(reverse("images:delete", args=[image.pk]))
    assert deletion.purge() == 1


def through_the_admin(image: Image) -> None:
    administrator().post(reverse("admin:images_image_delete", args=[image.pk]), {"post": "yes"})


def through_the_admins_list(image: Image) -> None:
    selected = {"action": "delete_selected", "_selected_action": [image.pk], "post": "yes"}
    administrator().post(reverse("admin:images_image_changelist"), selected)


def with_the_owner_in_the_admin(image: Image) -> None:
    administrator().post(reverse("admin:accounts_user_delete", args=[image.user_id]), {"post": "yes"})


def with_the_owners_in_the_admins_list(image: Image) -> None:
    selected = {"action": "delete_selected", "_selected_action": [image.user_id], "post": "yes"}
    administrator().post(reverse("admin:accounts_user_changelist"), selected)


def with_the_owner_from_a_shell(image: Image) -> None:
    image.user.delete()


def administrator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("administrator", "administrator@example.org"))
    return client


@pytest.mark.parametrize(
    "delete",
    [
        through_the_page,
        through_the_admin,
        through_the_admins_list,
        with_the_owner_in_the_admin,
        with_the_owners_in_the_admins_list,
        with_the_owner_from_a_shell,
    ],
)
def test_the_files_of_a_deleted_picture_go_however_it_is_deleted(
    delete: Callable[[Image], None],
    image: Image,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.UNDO_SECONDS = 0
    folder = image.file_path.partition("/")[0]
    assert f"{folder}/thumbnail.jpg" in files(settings.MEDIA_ROOT)

    with django_capture_on_commit_callbacks(execute=True):
        delete(image)

    assert not Image.objects.filter(pk=image.pk).exists()
    left = files(settings.MEDIA_ROOT)
    assert not [name for name in left if name.startswith(folder)]
    assert len(left) == 3  # the other person's folder with its two files


def test_files_stay_when_the_deletion_is_not_committed(image: Image, settings: Settings) -> None:
    before = files(settings.MEDIA_ROOT)

    image.user.delete()

    assert files(settings.MEDIA_ROOT) == before
