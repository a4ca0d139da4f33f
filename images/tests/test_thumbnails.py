"""A thumbnail that alone was deleted from the storage is made anew by a worker once somebody misses it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from analysis import lifecycle
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Worker
from images import litter, thumbnails
from images.models import FileInDoubt, Image
from images.tests.factories import queued_image
from mlmodels.models import MLModel


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    image = queued_image(user=owner, model=model)
    lifecycle.cancel(image_id=image.pk)
    return image


@pytest.fixture
def thumbnail(image: Image, settings: Settings) -> Path:
    """Where it lay."""
    path = Path(settings.MEDIA_ROOT) / str(image.thumbnail_path)
    path.unlink()
    return path


def test_it_is_asked_for_once_however_often_its_owner_looks(
    owner_client: Client, other_user: User, image: Image, thumbnail: Path, asked: Callable[[], int]
) -> None:
    stranger = Client()
    stranger.force_login(other_user)

    assert stranger.get(f"/images/{image.pk}/thumbnail/").status_code == 404
    assert asked() == 0
    for _look in range(3):
        assert owner_client.get(image.get_absolute_url()).status_code == 200
        assert owner_client.get(f"/images/{image.pk}/thumbnail/").status_code == 404
    assert asked() == 1


def test_where_the_original_is_lost_too_nobody_is_asked(
    owner_client: Client, image: Image, thumbnail: Path, asked: Callable[[], int]
) -> None:
    thumbnail.with_name("original.png").unlink()

    assert owner_client.get(f"/images/{image.pk}/thumbnail/").status_code == 404
    assert asked() == 0


def test_while_broker_and_cache_are_away_the_page_is_shown(owner_client: Client, image: Image, thumbnail: Path) -> None:
    assert owner_client.get(image.get_absolute_url()).status_code == 200


def test_what_is_there_is_left_alone(image: Image, thumbnail: Path) -> None:
    thumbnail.write_bytes(b"as it is")

    thumbnails.make(image.pk)

    assert thumbnail.read_bytes() == b"as it is"


def test_nothing_is_made_of_what_cannot_be_read_or_was_deleted(
    image: Image, thumbnail: Path, owner_client: Client
) -> None:
    thumbnail.with_name("original.png").write_bytes(b"no picture")
    thumbnails.make(image.pk)
    owner_client.post(f"/images/{image.pk}/delete/")
    for pk in (image.pk, image.pk + 1):
        thumbnails.make(pk)

    assert not thumbnail.exists()
    assert not FileInDoubt.objects.exists()


def test_while_one_worker_is_at_it_another_makes_nothing(image: Image, thumbnail: Path) -> None:
    litter.announce([str(image.thumbnail_path)])

    thumbnails.make(image.pk)

    assert not thumbnail.exists()


def test_it_takes_the_place_of_a_link(image: Image, thumbnail: Path) -> None:
    thumbnail.symlink_to("/etc/passwd")

    thumbnails.make(image.pk)

    assert not thumbnail.is_symlink()
    assert sorted(path.name for path in thumbnail.parent.iterdir()) == ["original.png", "thumbnail.jpg"]


def test_of_a_picture_that_is_deleted_meanwhile_none_is_left(
    image: Image, thumbnail: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def adopt_too_late(names: list[str], adopt: Callable[[list[str]], None] = litter.adopt) -> None:
        assert thumbnail.exists()
        Image.objects.get(pk=image.pk).delete()
        adopt(names)

    monkeypatch.setattr(litter, "adopt", adopt_too_late)
    thumbnails.make(image.pk)

    assert not thumbnail.exists()


def test_a_worker_makes_it_as_it_was(worker: Worker, owner_client: Client, owner: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)
    thumbnail, address = worker.media_root / str(image.thumbnail_path), f"/images/{image.pk}/thumbnail/"
    before = thumbnail.read_bytes()
    thumbnail.unlink()

    assert owner_client.get(address).status_code == 404
    until(lambda: thumbnail.exists() and not FileInDoubt.objects.exists(), worker.output, seconds=120)

    assert b"".join(owner_client.get(address)) == before
