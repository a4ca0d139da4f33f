"""Only the first frame of an animation is analyzed, and the timeline says so from the upload on."""

import io
from typing import Any

import pytest
from django.test import Client
from PIL import Image as Pillow

from analysis import wording
from analysis.models import TimelineLog
from images.models import Image
from images.tests.factories import drawn_picture
from images.tests.uploads import JSON, upload
from mlmodels.models import MLModel
from mlmodels.tests.photographs import photograph_path

pytestmark = pytest.mark.usefixtures("model")


def moving(format_name: str) -> bytes:
    file = io.BytesIO()
    frames = [Pillow.new("RGB", (64, 48), colour) for colour in ("teal", "orange", "navy")]
    frames[0].save(file, format_name, save_all=True, append_images=frames[1:])
    return file.getvalue()


def told(client: Client) -> Any:
    """What the timeline says about the upload."""
    story = client.get(f"/images/{Image.objects.get().pk}/timeline/", headers=JSON).json()
    return story["steps"][0]["description"]


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_is_said_to_be_analyzed_by_its_first_frame(owner_client: Client, format_name: str) -> None:
    upload(owner_client, ("moving", moving(format_name)))

    assert told(owner_client) == "The animation is stored. Only its first frame is analyzed."


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "AVIF", "JPEG", "BMP", "TIFF"])
def test_a_still_picture_is_not(owner_client: Client, format_name: str) -> None:
    upload(owner_client, ("still", drawn_picture(format_name)))

    assert told(owner_client) == "The picture is stored."


def test_of_several_pages_only_the_first_is_said_to_be_analyzed(owner_client: Client) -> None:
    upload(owner_client, ("several", moving("TIFF")))

    assert told(owner_client) == "The pages are stored. Only the first one is analyzed."


def test_of_several_pictures_of_a_phone_only_the_first_is_said_to_be_analyzed(owner_client: Client) -> None:
    upload(owner_client, ("burst.heic", photograph_path("two_pictures").read_bytes()))

    assert told(owner_client) == "The pictures are stored. Only the first one is analyzed."


def test_the_second_picture_that_phones_add_to_a_photograph_is_not_spoken_of(owner_client: Client) -> None:
    upload(owner_client, ("several", moving("MPO")))

    assert told(owner_client) == "The picture is stored."


def test_the_page_says_it_in_the_readers_language(owner_client: Client, model: MLModel) -> None:
    upload(owner_client, ("moving.gif", moving("GIF")))
    page = owner_client.get(Image.objects.get().get_absolute_url(), headers={"accept-language": "ja"})

    assert "解析するのは最初のフレームだけです。" in page.content.decode()
    assert TimelineLog.objects.get().upload_step_description == wording.ANIMATION_STORED
