"""A person is told which of their own pictures they have already; what others have is never told."""

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from analysis.states import Priority
from images import services
from images.models import Image, Original
from images.tests.factories import drawn_picture, photograph
from images.tests.uploads import upload
from images.twins import earlier_of
from mlmodels.models import MLModel

pytestmark = pytest.mark.usefixtures("model")
SAME = drawn_picture()


def duplicates(client: Client, *files: tuple[str, bytes], **fields: str) -> list[str | None]:
    """The names of those that each file was a duplicate of."""
    answer = upload(client, *files, **fields).json()
    return [image["duplicate_of"]["filename"] if "duplicate_of" in image else None for image in answer["images"]]


def test_the_same_file_under_another_name_is_taken_and_told(owner_client: Client) -> None:
    assert duplicates(owner_client, ("first.png", SAME)) == [None]
    assert duplicates(owner_client, ("second.png", SAME), ("other.png", drawn_picture(color="red"))) == [
        "first.png",
        None,
    ]
    assert duplicates(owner_client, ("third.png", SAME)) == ["first.png"]
    assert Image.objects.count() == 4


def test_two_of_one_request_are_told_too(owner_client: Client) -> None:
    assert duplicates(owner_client, ("a.png", SAME), ("b.png", SAME)) == [None, "a.png"]


def test_what_others_have_is_not_told(owner_client: Client, other_user: User) -> None:
    duplicates(owner_client, ("first.png", SAME))
    owner_client.force_login(other_user)

    assert duplicates(owner_client, ("mine.png", SAME)) == [None]


def test_a_picture_that_is_gone_is_no_longer_had(owner_client: Client) -> None:
    duplicates(owner_client, ("first.png", SAME))
    owner_client.post(f"/images/{Image.objects.get().pk}/delete/")

    assert duplicates(owner_client, ("second.png", SAME)) == [None]


def test_the_file_as_it_was_sent_counts_whatever_is_stored_of_it(owner_client: Client) -> None:
    told = photograph("rocket.jpg")
    duplicates(owner_client, ("stripped.jpg", told), strip_metadata="on")

    assert duplicates(owner_client, ("whole.jpg", told)) == ["stripped.jpg"]


def test_without_javascript_the_next_page_says_it_with_a_link(owner_client: Client) -> None:
    upload(owner_client, ("<b>.png", SAME))
    first = Image.objects.get()
    answer = upload(owner_client, ("second.png", SAME), as_json=False)

    page = owner_client.get(answer["Location"]).content.decode()
    assert f'You have this picture already: <a href="/images/{first.pk}/">&lt;b&gt;.png</a>' in page


@pytest.mark.parametrize("memory", [0, 2**20], ids=["on the disk", "in memory"])
def test_the_sha256_is_that_of_the_file(memory: int, owner_client: Client, settings: Settings) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = memory
    content = photograph("rocket.jpg")
    upload(owner_client, ("a.jpg", content))

    assert Original.objects.get().sha256 == hashlib.sha256(content).hexdigest()


def test_files_that_come_another_way_are_told_too(owner: User, owner_client: Client, model: MLModel) -> None:
    file = ContentFile(SAME, name="from_a_shell.png")
    services.take_in(user=owner, file=file, model=model, priority=Priority.NORMAL)

    assert duplicates(owner_client, ("second.png", SAME)) == ["from_a_shell.png"]


def test_a_statement_for_all_files_of_a_request_and_one_for_what_was_found(
    owner_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    upload(owner_client, *[(f"{n}.png", drawn_picture(size=(64 + n, 64))) for n in range(5)])
    images = list(Image.objects.select_related("original"))
    with django_assert_num_queries(1):
        assert earlier_of([]) == earlier_of(images) == {}
    upload(owner_client, *[(f"{n}.png", drawn_picture(size=(64 + n, 64))) for n in range(5)])
    images = list(Image.objects.select_related("original"))
    with django_assert_num_queries(2):
        assert len(earlier_of(images)) == 5
