"""Files that somebody deleted from the disk: pages say so, show what is left, and ask for the picture again."""

import re
import shutil
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from analysis import lifecycle
from analysis.failures import BY_CODE
from analysis.models import AnalysisQueue
from analysis.tests.queue import claim
from images.models import Image
from images.tests.factories import drawn_picture, queued_image
from images.tests.uploads import upload
from mlmodels.models import MLModel

MISSING = "The picture's file is missing on the server. Please upload it again."
ONLY_PREVIEW = "Only this preview of it is left."
SAME = drawn_picture()


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    image = queued_image(user=owner, model=model, content=SAME)
    lifecycle.cancel(image_id=image.pk)
    return image


@pytest.fixture
def lost(image: Image, media_of_its_own: Path) -> Image:
    """Its original is deleted from the disk."""
    (media_of_its_own / image.file_path).unlink()
    return image


def page(client: Client, image: Image) -> str:
    return client.get(image.get_absolute_url()).content.decode()


def frame(client: Client, image: Image) -> list[str]:
    """The addresses of what the frame of the page shows, from below."""
    shown = re.search(r'<figure class="frame".*?</figure>', page(client, image), re.DOTALL)
    return re.findall(r'<img[^>]* src="([^"]*)"', shown[0]) if shown else []


def test_of_a_lost_original_the_preview_is_shown_and_the_page_says_what_to_do(
    owner_client: Client, lost: Image
) -> None:
    told, thumbnail = page(owner_client, lost), f"/images/{lost.pk}/thumbnail/"

    assert MISSING in told
    assert ONLY_PREVIEW in told
    assert frame(owner_client, lost) == [thumbnail, thumbnail]
    assert f'id="enlarge" href="{thumbnail}"' in told
    assert f"/images/{lost.pk}/file/" not in told
    assert b"".join(owner_client.get(thumbnail))
    assert thumbnail in owner_client.get("/").content.decode()


def test_the_address_of_a_lost_original_says_so(owner_client: Client, lost: Image) -> None:
    answer = owner_client.get(f"/images/{lost.pk}/file/")

    assert answer.status_code == 404
    assert MISSING in answer.content.decode()


def test_where_the_preview_is_lost_too_nothing_broken_is_shown(
    owner_client: Client, image: Image, media_of_its_own: Path
) -> None:
    shutil.rmtree((media_of_its_own / image.file_path).parent)

    told = page(owner_client, image)

    assert MISSING in told
    assert ONLY_PREVIEW not in told
    assert "frame-nothing" in told
    assert frame(owner_client, image) == []
    assert 'id="enlarge"' not in told


def test_of_a_lost_preview_nothing_need_be_said(owner_client: Client, image: Image, media_of_its_own: Path) -> None:
    (media_of_its_own / str(image.thumbnail_path)).unlink()

    assert MISSING not in page(owner_client, image)
    assert frame(owner_client, image) == [f"/images/{image.pk}/file/"]
    assert owner_client.get(f"/images/{image.pk}/thumbnail/").status_code == 404


@pytest.mark.parametrize("wish", ["analyze", "retry"])
def test_what_is_lost_is_not_queued_again(wish: str, owner_client: Client, lost: Image) -> None:
    offered = page(owner_client, lost)
    answer = owner_client.post(f"/images/{lost.pk}/{wish}/", follow=True)

    assert f"/images/{lost.pk}/{wish}/" not in offered
    assert MISSING in answer.content.decode()
    assert AnalysisQueue.objects.get(image=lost).status == "cancelled"


def test_a_run_that_found_no_file_is_not_offered_once_more(owner_client: Client, owner: User, lost: Image) -> None:
    failed = queued_image(user=owner, name="failed.png")
    lifecycle.fail([claim()], BY_CODE["file_missing"])
    Image.objects.filter(pk=failed.pk).update(file_path=lost.file_path)

    told = page(owner_client, failed)

    assert "The analysis failed" in told
    assert f"/images/{failed.pk}/retry/" not in told


def test_what_was_lost_can_be_sent_again_without_being_called_a_copy(owner_client: Client, lost: Image) -> None:
    (taken,) = upload(owner_client, ("again.png", SAME)).json()["images"]

    assert "duplicate_of" not in taken
    assert MISSING not in page(owner_client, Image.objects.get(pk=taken["id"]))
