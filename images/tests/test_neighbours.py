"""The pictures before and after one, in the order and among the pictures of the gallery that a person came from."""

import pytest
from django.test import Client

from accounts.models import User
from images.models import Image
from images.tests.factories import queued_image
from images.tests.rows import picture_rows
from mlmodels.models import MLModel


@pytest.fixture
def pictures(owner: User, model: MLModel) -> list[Image]:
    """0.png to 3.png, each newer than the one before it."""
    return picture_rows(4, model, user=owner)


def beside(client: Client, image: Image, query: str = "") -> tuple[str, str]:
    told = client.get(f"/images/{image.pk}/{query}").context["neighbours"]
    return told.previous, told.next


def test_the_next_picture_is_the_next_older_one(owner_client: Client, pictures: list[Image]) -> None:
    addresses = [image.get_absolute_url() for image in pictures]

    assert beside(owner_client, pictures[3]) == ("", addresses[2])
    assert beside(owner_client, pictures[1]) == (addresses[2], addresses[0])
    assert beside(owner_client, pictures[0]) == (addresses[1], "")


@pytest.mark.parametrize("query", ["?sort=oldest", "?sort=name"])
def test_neighbours_follow_the_order_of_the_gallery(owner_client: Client, pictures: list[Image], query: str) -> None:
    before, after = (f"{image.get_absolute_url()}{query}" for image in (pictures[0], pictures[2]))

    assert beside(owner_client, pictures[1], query) == (before, after)


def test_neighbours_are_among_the_pictures_that_the_gallery_found(owner_client: Client, pictures: list[Image]) -> None:
    Image.objects.filter(pk=pictures[3].pk).update(filename="other.png")
    Image.objects.filter(pk=pictures[1].pk).update(filename="other too.png")

    page = owner_client.get(f"/images/{pictures[3].pk}/?q=other")

    assert page.context["neighbours"].next == f"{pictures[1].get_absolute_url()}?q=other"
    assert page.context["neighbours"].all == "/?q=other"


def test_nobody_elses_picture_is_a_neighbour(
    owner_client: Client, other_user: User, model: MLModel, pictures: list[Image]
) -> None:
    queued_image(user=other_user, model=model)

    assert beside(owner_client, pictures[3])[0] == ""


@pytest.mark.parametrize("query", ["", "?q=png&sort=name"])
def test_a_card_takes_the_filters_along(owner_client: Client, pictures: list[Image], query: str) -> None:
    gallery = owner_client.get(f"/{query}").content.decode()

    assert f'href="{pictures[0].get_absolute_url()}{query.replace("&", "&amp;")}"' in gallery
