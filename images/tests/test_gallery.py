"""The gallery: the person's own pictures, page by page, with live states."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from images.models import Image
from images.tests.factories import queued_image
from images.tests.rows import picture_rows
from images.views import PAGE_SIZE
from mlmodels.models import MLModel


def shown(client: Client, address: str = "/") -> list[int]:
    """The ids of the pictures on a page, in order."""
    return [int(pk) for pk in re.findall(r'id="picture-(\d+)"', client.get(address).content.decode())]


@pytest.mark.parametrize("address", ["/", "/images/"])
def test_a_person_sees_their_own_pictures_only_newest_first(
    address: str, owner_client: Client, owner: User, staff: User
) -> None:
    own = [queued_image(user=owner), queued_image(user=owner)]
    queued_image(user=staff)

    assert shown(owner_client, address) == [own[1].pk, own[0].pk]


def test_staff_see_nobody_elses_pictures_there(client: Client, owner: User, staff: User) -> None:
    queued_image(user=owner)
    client.force_login(staff)

    assert shown(client) == []


def test_an_empty_gallery_says_what_to_do(owner_client: Client) -> None:
    assert "data-empty" in owner_client.get("/").content.decode()


def test_a_long_gallery_has_pages(owner_client: Client, owner: User, model: MLModel) -> None:
    images = picture_rows(PAGE_SIZE + 2, model, user=owner)

    assert len(shown(owner_client)) == PAGE_SIZE
    assert shown(owner_client, "/?page=2") == [images[1].pk, images[0].pk]


@pytest.mark.parametrize("page", ["0", "-1", "abc", "99", "9" * 5000, "1.5", "", "%00"])
def test_a_page_that_does_not_exist_shows_one_that_does(page: str, owner_client: Client, owner: User) -> None:
    image = queued_image(user=owner)

    assert shown(owner_client, f"/?page={page}") == [image.pk]


@pytest.mark.parametrize("address", ["/", "/images/live/?ids={ids}"])
def test_the_number_of_queries_does_not_grow_with_the_pictures(
    address: str, owner_client: Client, owner: User, model: MLModel
) -> None:
    counts = []
    for count in (3, 27):
        picture_rows(count, model, user=owner)
        ids = ",".join(str(pk) for pk in Image.objects.values_list("pk", flat=True))
        with CaptureQueriesContext(connection) as queries:
            owner_client.get(address.format(ids=ids))
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 8


def test_a_poll_brings_the_cards_of_the_asked_pictures_that_are_ones_own(
    owner_client: Client, owner: User, other_user: User
) -> None:
    mine, not_asked, not_mine = queued_image(user=owner), queued_image(user=owner), queued_image(user=other_user)

    answer = owner_client.get(f"/images/live/?ids={mine.pk},{not_mine.pk}")

    assert [image.pk for image in answer.context["pictures"]] == [mine.pk]
    assert f"/images/{not_asked.pk}/" not in answer.content.decode()


def test_a_poll_asks_again_only_for_what_is_unfinished(owner_client: Client, owner: User) -> None:
    waiting, cancelled = queued_image(user=owner), queued_image(user=owner)
    owner_client.post(f"/images/{cancelled.pk}/cancel/")

    answer = owner_client.get(f"/images/live/?ids={waiting.pk},{cancelled.pk}")

    assert answer.context["live_ids"] == [waiting.pk]


@pytest.mark.parametrize("ids", ["", ",", "abc", "1;2", "-1", "٣", "²", "9" * 30, "9" * 5000, "%00", "1," * 2000])
def test_a_poll_with_nonsense_for_ids_is_answered_with_nothing(ids: str, owner_client: Client) -> None:
    answer = owner_client.get(f"/images/live/?ids={ids}")

    assert answer.status_code == 200
    assert list(answer.context["pictures"]) == []
