"""A deleted picture is gone for everything and everybody, can be taken back for a while, and then goes for good."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from analysis import lifecycle
from analysis.models import AnalysisQueue
from analysis.tests.queue import claim
from images import deletion, departure
from images.models import Deletion, Image
from images.my_data_archive import Archive
from images.refusals import UploadRefusedError
from images.tests.factories import queued_image
from images.tests.rows import picture_rows
from images.tests.test_gallery import shown
from images.tests.uploads import JSON
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

UNDO = "/images/undo/"


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return queued_image(user=owner, model=model)


def delete(client: Client, *images: Image) -> UUID:
    """Delete them together, and return what that can be undone by."""
    asked = {"action": "delete", "ids": [image.pk for image in images]}
    told = client.post("/images/batch/", asked, headers=JSON).json()
    assert sorted(told["done"]) == sorted(image.pk for image in images)
    return UUID(told["deletion"])


def undo(client: Client, key: UUID) -> Any:
    return client.post(UNDO, {"deletion": str(key)}, headers=JSON).json()


def make_due(*images: Image) -> None:
    Deletion.objects.filter(image__in=images).update(deleted_at=timezone.now() - timedelta(days=1))


@pytest.mark.parametrize("address", ["", "timeline/", "results.json", "file/", "thumbnail/"])
def test_a_deleted_picture_has_no_address_any_more(address: str, owner_client: Client, image: Image) -> None:
    delete(owner_client, image)

    assert owner_client.get(f"/images/{image.pk}/{address}").status_code == 404


@pytest.mark.parametrize("action", ["analyze", "retry", "cancel", "delete"])
def test_nothing_can_be_done_with_it(action: str, owner_client: Client, image: Image) -> None:
    delete(owner_client, image)

    assert owner_client.post(f"/images/{image.pk}/{action}/").status_code == 404
    assert AnalysisQueue.objects.get().status == "cancelled"


def test_it_is_in_no_list_no_count_and_no_export(owner_client: Client, owner: User, image: Image) -> None:
    kept = queued_image(user=owner, model=image.model_used)
    lifecycle.complete({claim(): [Prediction("espresso", 97.0)]})  # the deleted one is labelled

    delete(owner_client, image)

    assert shown(owner_client) == shown(owner_client, "/?q=png") == [kept.pk]
    assert owner_client.get("/").context["waiting_count"] == 1
    live = owner_client.get(f"/images/live/?ids={image.pk},{kept.pk}")
    assert [found.pk for found in live.context["pictures"]] == [kept.pk]
    assert departure.belongings_of(owner) == departure.Belongings(pictures=1, results=0, unfinished=1)
    archive = Archive(owner)
    b"".join(archive.pieces())
    assert archive.done_pictures == 1


def test_staff_do_not_see_it_any_more(owner_client: Client, staff: User, image: Image) -> None:
    client, listed, opened = Client(), "/admin/images/image/", f"/admin/images/image/{image.pk}/change/"
    client.force_login(staff)
    assert "picture.png" in client.get(listed).content.decode()

    delete(owner_client, image)

    assert "picture.png" not in client.get(listed).content.decode()
    assert client.get(opened).status_code == 302


@pytest.mark.parametrize("limit", ["MAX_PICTURES_PER_USER", "MAX_BYTES_PER_USER"])
def test_it_takes_no_room_and_comes_back_only_while_there_is_room(
    limit: str, owner_client: Client, owner: User, image: Image, settings: Settings
) -> None:
    one_picture = {"MAX_PICTURES_PER_USER": 1, "MAX_BYTES_PER_USER": image.original.stored_bytes}
    setattr(settings, limit, one_picture[limit])
    key = delete(owner_client, image)
    other = queued_image(user=owner, model=image.model_used)

    with pytest.raises(UploadRefusedError):
        deletion.restore(key=key, user=owner)
    assert shown(owner_client) == [other.pk]
    delete(owner_client, other)

    assert undo(owner_client, key)["restored"] == [image.pk]
    assert shown(owner_client) == [image.pk]


def test_what_was_waiting_is_called_off_and_waits_again_when_it_is_taken_back(
    owner_client: Client, image: Image
) -> None:
    AnalysisQueue.objects.update(priority="high")
    key = delete(owner_client, image)
    assert AnalysisQueue.objects.get().status == "cancelled"
    assert lifecycle.claim_batch(limit=1) == []

    told = undo(owner_client, key)

    assert told == {"restored": [image.pk], "message": "1 picture is back."}
    entry = AnalysisQueue.objects.get()
    assert (entry.status, entry.priority, entry.model_name) == ("waiting", "high", "efficientnet:1.0.0")
    assert [claimed.image_id for claimed in lifecycle.claim_batch(limit=1)] == [image.pk]


def test_what_runs_is_called_off_and_its_worker_writes_nothing_more(owner_client: Client, image: Image) -> None:
    claimed = claim()

    delete(owner_client, image)

    assert lifecycle.complete({claimed: [Prediction("espresso", 97.0)]}) == []


def test_what_was_done_comes_back_done_with_its_labels(owner_client: Client, image: Image) -> None:
    lifecycle.complete({claim(): [Prediction("espresso", 97.0)]})
    before = (Image.objects.values().get(), AnalysisQueue.objects.values().get())

    undo(owner_client, delete(owner_client, image))

    assert (Image.objects.values().get(), AnalysisQueue.objects.values().get()) == before
    assert "espresso" in owner_client.get(image.get_absolute_url()).content.decode()


def test_many_come_back_together_and_others_that_were_deleted_do_not(
    owner_client: Client, owner: User, model: MLModel
) -> None:
    images = picture_rows(4, model, user=owner)
    key = delete(owner_client, *images[:2])
    delete(owner_client, images[2])

    assert undo(owner_client, key)["message"] == "2 pictures are back."
    assert shown(owner_client) == [images[3].pk, images[1].pk, images[0].pk]


def test_nobody_takes_back_what_is_not_theirs_or_was_taken_back(
    owner_client: Client, other_user: User, image: Image
) -> None:
    key, stranger = delete(owner_client, image), Client()
    stranger.force_login(other_user)

    answers = [undo(stranger, key), undo(stranger, uuid4())]
    undo(owner_client, key)
    answers.append(undo(owner_client, key))

    assert [answer["restored"] for answer in answers] == [[], [], []]
    assert len({answer["message"] for answer in answers}) == 1


@pytest.mark.parametrize("word", ["", "x", "\0", "1" * 5000, "{}"])
def test_what_is_no_key_is_answered_with_a_sentence(word: str, owner_client: Client) -> None:
    answer = owner_client.post(UNDO, {"deletion": word}, follow=True)

    assert "There is nothing to take back" in answer.content.decode()


def test_the_page_after_a_deletion_offers_to_undo_it_without_a_script(owner_client: Client, image: Image) -> None:
    page = owner_client.post(f"/images/{image.pk}/delete/", follow=True).content.decode()
    key = Deletion.objects.get().key

    assert f'name="deletion" value="{key}"' in page
    answer = owner_client.post(UNDO, {"deletion": str(key)}, follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert "1 picture is back." in answer.content.decode()
    assert shown(owner_client) == [image.pk]


def test_a_purge_takes_what_is_due_and_nothing_else(
    owner_client: Client, owner: User, model: MLModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "AT_ONCE", 2)
    images = picture_rows(7, model, user=owner)
    key = delete(owner_client, *images[:6])
    make_due(*images[:5])

    assert deletion.purge() == 5
    assert deletion.purge() == 0
    assert set(Image.objects.values_list("pk", flat=True)) == {images[5].pk, images[6].pk}
    assert undo(owner_client, key)["restored"] == [images[5].pk]


def test_an_account_goes_with_what_it_has_deleted(transactional_db: None, owner_client: Client, image: Image) -> None:
    delete(owner_client, image)

    departure.leave(image.user)

    assert not Deletion.objects.exists()
    assert not Image.objects.exists()


def together(*actions: Callable[[], object]) -> None:
    """Do all of it at the same moment, each on a connection of its own."""
    barrier = threading.Barrier(len(actions))
    failed: list[BaseException] = []

    def run(action: Callable[[], object]) -> None:
        try:
            barrier.wait()
            action()
        except BaseException as error:  # told below, in the test's own thread
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_of_an_undo_and_purges_that_meet_one_wins_whole(
    transactional_db: None, owner_client: Client, owner: User, model: MLModel
) -> None:
    for _round in range(8):
        images = picture_rows(6, model, user=owner)
        key = delete(owner_client, *images)
        make_due(*images)
        restored: list[int] = []

        together(
            lambda: restored.extend(deletion.restore(key=key, user=owner)),  # noqa: B023
            deletion.purge,
            deletion.purge,
        )

        left = set(Image.objects.visible_to(owner).values_list("pk", flat=True))
        assert left == set(restored) in ({image.pk for image in images}, set())
        assert not Deletion.objects.exists()
        assert AnalysisQueue.objects.filter(image__in=images, status="waiting").count() == len(left)
        Image.objects.all().delete()


def test_deleting_and_analyzing_again_at_the_same_moment_leaves_nothing_in_the_queue(
    transactional_db: None, owner_client: Client, owner: User, model: MLModel
) -> None:
    for _round in range(5):
        (image,) = picture_rows(1, model, user=owner)
        AnalysisQueue.objects.filter(image=image).update(status="completed")
        other = Client()
        other.force_login(owner)

        together(
            lambda: delete(owner_client, image),  # noqa: B023
            lambda: other.post(f"/images/{image.pk}/analyze/"),  # noqa: B023
        )

        assert AnalysisQueue.objects.get(image=image).status in ("completed", "cancelled")
