"""How much one person may ask for, also when fifty requests come at the same moment."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from analysis import lifecycle
from images import deletion, limits, services
from images.models import Image, Original, PastUpload
from images.refusals import UploadRefusedError
from images.tests.factories import drawn_picture, queued_image
from images.tests.uploads import codes, files_in, upload
from mlmodels.models import MLModel

FILE = ("a.png", drawn_picture())


@pytest.mark.parametrize("limit", ["MAX_UNFINISHED_PER_USER", "MAX_UPLOADS_PER_DAY", "MAX_PICTURES_PER_USER"])
def test_fifty_requests_at_once_get_no_more_than_is_allowed(
    limit: str, transactional_db: None, model: MLModel, owner: User, settings: Settings
) -> None:
    setattr(settings, limit, 7)

    def attempt(_number: int) -> str:
        try:
            queued_image(user=owner, model=model)
        except UploadRefusedError as error:
            return error.code
        finally:
            connection.close()
        return "taken"

    with ThreadPoolExecutor(50) as pool:
        outcomes = Counter(pool.map(attempt, range(50)))

    assert outcomes["taken"] == 7 == Image.objects.count()
    assert len(outcomes) == 2
    assert len([name for name in files_in(settings.MEDIA_ROOT) if "original" in name]) == 7


def test_of_twenty_uploads_at_once_the_last_room_is_given_to_one(
    transactional_db: None, model: MLModel, owner: User, settings: Settings
) -> None:
    one = queued_image(user=owner, model=model)
    settings.MAX_BYTES_PER_USER = 2 * one.original.stored_bytes

    def attempt(_number: int) -> str:
        try:
            queued_image(user=owner, model=model)
        except UploadRefusedError as error:
            return error.code
        finally:
            connection.close()
        return "taken"

    with ThreadPoolExecutor(20) as pool:
        outcomes = Counter(pool.map(attempt, range(20)))

    assert outcomes == {"taken": 1, "no_room_left": 19}
    assert Original.objects.aggregate(sum=Sum("stored_bytes"))["sum"] == settings.MAX_BYTES_PER_USER


def test_room_is_made_by_deleting(owner_client: Client, owner: User, model: MLModel, settings: Settings) -> None:
    settings.MAX_PICTURES_PER_USER = 1
    image = queued_image(user=owner, model=model)
    assert codes(upload(owner_client, FILE)) == ["too_many_pictures"]

    services.delete(image=image)

    assert upload(owner_client, FILE).status_code == 201


def test_the_form_says_the_limits_before_anything_is_chosen(
    owner_client: Client, owner: User, model: MLModel, settings: Settings
) -> None:
    page = owner_client.get("/images/upload/").content.decode()
    assert 'up to 100.0\xa0MB and 250 megapixels each<span class="no-js">, 500 at once' in page
    assert " used" not in page.replace("\xa0", " ").split("<form")[1].split("</form")[0]

    settings.MAX_PICTURES_PER_USER, settings.MAX_BYTES_PER_USER = 1200, 2 * 1024**3
    queued_image(user=owner, model=model)
    page = owner_client.get("/images/upload/").content.decode()
    assert "1 of 1200 pictures kept" in page
    assert "of 2.0\xa0GB used" in page


def test_room_is_made_by_what_ends(owner_client: Client, owner: User, model: MLModel, settings: Settings) -> None:
    settings.MAX_UNFINISHED_PER_USER = 1
    image = queued_image(user=owner, model=model)
    assert codes(upload(owner_client, FILE)) == ["too_many_unfinished"]

    lifecycle.cancel(image_id=image.pk)

    assert upload(owner_client, FILE).status_code == 201


def test_a_day_later_more_may_be_uploaded(
    owner_client: Client, owner: User, model: MLModel, settings: Settings
) -> None:
    settings.MAX_UPLOADS_PER_DAY = 1
    queued_image(user=owner, model=model)
    assert codes(upload(owner_client, FILE)) == ["too_many_today"]

    Image.objects.update(upload_date=timezone.now() - timedelta(days=1, seconds=1))

    assert upload(owner_client, FILE).status_code == 201


def test_deleting_makes_no_room_for_more_uploads_of_a_day(
    owner_client: Client, owner: User, model: MLModel, settings: Settings
) -> None:
    settings.MAX_UPLOADS_PER_DAY, settings.UNDO_SECONDS = 3, 0
    own, staffs, _kept = (queued_image(user=owner, model=model) for _ in range(3))
    owner_client.post(f"/images/{own.pk}/delete/")
    assert codes(upload(owner_client, FILE)) == ["too_many_today"]

    assert deletion.purge() == 1
    services.delete(image=staffs)
    limits.forget_old_uploads()
    assert Image.objects.count() == 1
    assert codes(upload(owner_client, FILE)) == ["too_many_today"]

    yesterday = timezone.now() - timedelta(days=1, seconds=1)
    PastUpload.objects.filter(uploaded_at=own.upload_date).update(uploaded_at=yesterday)
    assert upload(owner_client, FILE).status_code == 201
    limits.forget_old_uploads()
    assert [past.uploaded_at for past in PastUpload.objects.all()] == [staffs.upload_date]


def test_without_a_limit_nothing_is_kept_of_a_deleted_picture(owner: User, model: MLModel) -> None:
    services.delete(image=queued_image(user=owner, model=model))

    assert not PastUpload.objects.exists()


def test_one_persons_limit_is_not_anothers(owner_client: Client, model: MLModel, settings: Settings) -> None:
    settings.MAX_UNFINISHED_PER_USER = 1
    queued_image(model=model)

    assert upload(owner_client, FILE).status_code == 201
