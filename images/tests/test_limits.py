"""How much one person may ask for, also when fifty requests come at the same moment."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from analysis import lifecycle
from images.models import Image
from images.refusals import UploadRefusedError
from images.tests.factories import drawn_picture, queued_image
from images.tests.uploads import codes, files_in, upload
from mlmodels.models import MLModel

FILE = ("a.png", drawn_picture())


@pytest.mark.parametrize("limit", ["MAX_UNFINISHED_PER_USER", "MAX_UPLOADS_PER_DAY"])
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


def test_one_persons_limit_is_not_anothers(owner_client: Client, model: MLModel, settings: Settings) -> None:
    settings.MAX_UNFINISHED_PER_USER = 1
    queued_image(model=model)

    assert upload(owner_client, FILE).status_code == 201
