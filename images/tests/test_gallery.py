"""The gallery: the person's own pictures, page by page, with live states."""

import html
import re

import pytest
from django.db import connection
from django.db.models.functions import Lower
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from images.gallery_pages import PAGE_SIZE
from images.models import Image
from images.tests.factories import queued_image
from images.tests.rows import picture_rows
from mlmodels.models import MLModel


def beside(client: Client, address: str, rel: str) -> str:
    """Where the link to the next or previous page leads; empty without one."""
    link = re.search(f'rel="{rel}" href="([^"]*)"', client.get(address).content.decode())
    return html.unescape(link[1]) if link else ""


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


@pytest.mark.parametrize("sort", ["newest", "oldest", "name"])
def test_a_walk_from_page_to_page_and_back_meets_every_picture_once(
    sort: str, owner_client: Client, owner: User, model: MLModel
) -> None:
    picture_rows(2 * PAGE_SIZE + 5, model, user=owner)
    Image.objects.filter(filename__contains="1").update(filename="ALIKE.png", upload_date=timezone.now())
    order = {"newest": ("-upload_date", "-id"), "oldest": ("upload_date", "id"), "name": (Lower("filename"), "id")}
    expected = list(Image.objects.order_by(*order[sort]).values_list("pk", flat=True))

    there, address = [], f"/?sort={sort}"
    while address:
        there.append(address)
        address = beside(owner_client, address, "next")
    back = beside(owner_client, there[2], "prev")

    assert [pk for address in there for pk in shown(owner_client, address)] == expected
    assert shown(owner_client, back) == expected[PAGE_SIZE : 2 * PAGE_SIZE]
    assert shown(owner_client, beside(owner_client, back, "prev")) == expected[:PAGE_SIZE]


def test_a_page_stays_where_it_is_when_its_neighbours_go(owner_client: Client, owner: User, model: MLModel) -> None:
    images = picture_rows(PAGE_SIZE + 2, model, user=owner)
    second = beside(owner_client, "/", "next")
    Image.objects.filter(pk__in=[image.pk for image in images[2:10]]).delete()

    assert shown(owner_client, second) == [images[1].pk, images[0].pk]


NONSENSE = ["0", "-1", "abc", "99", "9" * 5000, "1.5", "", "%00", "1.%00", "1.99999999999999999999", "1.x", "٣.1"]


@pytest.mark.parametrize("word", NONSENSE)
def test_what_is_no_page_and_no_filter_is_answered_with_a_page(word: str, owner_client: Client, owner: User) -> None:
    image = queued_image(user=owner)
    names = ("after", "before", "status", "confidence", "since", "until", "sort", "page")

    for name in names:
        assert owner_client.get(f"/?{name}={word}").status_code == 200
    for name in ("status", "confidence", "since", "until", "sort", "page"):
        assert shown(owner_client, f"/?{name}={word}") == [image.pk]


@pytest.mark.parametrize("address", ["/", "/?q=espresso&confidence=50&sort=name", "/images/live/?ids={ids}"])
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

    assert counts[0] == counts[1] <= 11


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
