"""Staff see how much of the storage is whose."""

from uuid import uuid4

from django.test import Client

from accounts.models import User
from images import deletion
from images.models import Original
from images.tests.rows import picture_rows
from mlmodels.models import MLModel


def test_people_are_shown_with_their_pictures_and_the_room_that_these_take(
    staff: User, owner: User, model: MLModel
) -> None:
    for image in picture_rows(2, model, user=owner):
        Original.objects.create(image=image, stored_bytes=3 * 1024**2)
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(staff)

    listed = client.get("/admin/accounts/user/", {"q": owner.username})
    shown = client.get(f"/admin/accounts/user/{owner.pk}/change/").content.decode()

    (row,) = listed.context["cl"].result_list
    assert (row.picture_count, row.stored_bytes) == (2, 6 * 1024**2)
    assert "6.0\xa0MB" in listed.content.decode()
    assert "6.0\xa0MB" in shown


def test_what_was_deleted_and_can_be_taken_back_still_lies_there_and_is_counted_by_itself(
    staff: User, owner: User, model: MLModel
) -> None:
    images = picture_rows(3, model, user=owner)
    for image in images:
        Original.objects.create(image=image, stored_bytes=3 * 1024**2)
    deletion.delete(image_ids=[images[0].pk], key=uuid4())
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(staff)

    page = client.get(f"/admin/accounts/user/{owner.pk}/change/").content.decode()

    assert "2, and 1 deleted that can still be taken back" in page
    assert "6.0\xa0MB, and 3.0\xa0MB deleted that can still be taken back" in page


def test_somebody_without_pictures_has_used_nothing(staff: User) -> None:
    client = Client()
    client.force_login(staff)

    (row,) = client.get("/admin/accounts/user/").context["cl"].result_list

    assert (row.picture_count, row.stored_bytes) == (0, 0)
