"""Many pictures at once: what is done, what is said, and that a picture of somebody else is as absent as none."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from analysis.models import AnalysisQueue, TimelineLog
from images import batch
from images.models import Image
from images.tests.rows import picture_rows, with_files
from images.tests.uploads import JSON, codes
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory

BATCH = "/images/batch/"


@pytest.fixture
def pictures(owner: User, model: MLModel) -> list[Image]:
    """Two that wait, one that runs, two that are done."""
    images = with_files(picture_rows(5, model, user=owner))
    entries = AnalysisQueue.objects.filter
    entries(image=images[2]).update(status="processing", started_at="2026-01-01T00:00:00Z")
    entries(image__in=images[3:]).update(status="completed")
    Image.objects.filter(pk__in=[image.pk for image in images[3:]]).update(status="success")
    return images


def ask(client: Client, action: str, images: list[Image], **more: Any) -> Any:
    asked = {"action": action, "ids": [image.pk for image in images], **more}
    return client.post(BATCH, asked, headers=JSON).json()


def statuses(images: list[Image]) -> list[str]:
    found = dict(AnalysisQueue.objects.values_list("image_id", "status"))
    return [found[image.pk] for image in images]


def test_what_waits_or_runs_is_cancelled_and_the_others_are_told(owner_client: Client, pictures: list[Image]) -> None:
    told = ask(owner_client, "cancel", pictures)

    assert told["done"] == [image.pk for image in pictures[:3]]
    assert told["not_done"] == [{"id": image.pk, "code": "over"} for image in pictures[3:]]
    assert told["message"] == "3 analyses were cancelled. 2 have nothing to cancel."
    assert statuses(pictures) == ["cancelled"] * 3 + ["completed"] * 2


def test_what_has_ended_is_analyzed_with_the_chosen_model_in_the_order_of_upload(
    owner_client: Client,
    pictures: list[Image],
    model: MLModel,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    before = MLModelFactory.create(name="clip", version="before")
    Image.objects.update(model_used=before)
    AnalysisQueue.objects.update(model_name=before.key)

    with django_capture_on_commit_callbacks() as callbacks:
        told = ask(owner_client, "analyze", pictures[::-1], model=model.key)

    assert told["done"] == [image.pk for image in pictures[3:]]
    assert told["message"] == "2 pictures will be analyzed. 3 are being analyzed already."
    assert statuses(pictures) == ["waiting", "waiting", "processing", "waiting", "waiting"]
    first, second = AnalysisQueue.objects.filter(image__in=pictures[3:]).order_by("position")
    assert (first.image_id, second.position - first.position) == (pictures[3].pk, 1)
    assert {first.model_name, second.model_name} == {model.key}
    assert Image.objects.get(pk=pictures[3].pk).model_used == model
    assert TimelineLog.objects.get(image=pictures[3]).model_used == model.key
    assert [callback.__name__ for callback in callbacks] == ["ring_them"]


def test_what_lost_its_file_is_left_out_and_told(
    owner_client: Client, pictures: list[Image], media_of_its_own: Path
) -> None:
    (media_of_its_own / pictures[3].file_path).unlink()

    told = ask(owner_client, "analyze", pictures[2:])

    assert told["done"] == [pictures[4].pk]
    assert told["not_done"] == [
        {"id": pictures[2].pk, "code": "in_hand"},
        {"id": pictures[3].pk, "code": "file_missing"},
    ]
    assert told["message"] == (
        "1 picture will be analyzed. 1 is being analyzed already. "
        "1 has lost its file on the server: please upload it again."
    )
    assert statuses(pictures[2:]) == ["processing", "completed", "waiting"]
    assert ask(owner_client, "delete", pictures[3:4])["done"] == [pictures[3].pk]


def test_pictures_of_others_are_as_absent_as_none(client: Client, other_user: User, pictures: list[Image]) -> None:
    client.force_login(other_user)
    absent = Image(pk=pictures[-1].pk + 1000)

    for action in batch.Action:
        theirs, nobodys = (ask(client, action, [image]) for image in (pictures[0], absent))

        assert theirs["message"] == nobodys["message"] == "Nothing was changed. 1 is not there any more."
        assert [refused["code"] for refused in theirs["not_done"] + nobodys["not_done"]] == ["absent", "absent"]
    assert statuses(pictures[:1]) == ["waiting"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"action": "cancel"}, "nothing_chosen"),
        ({"action": "cancel", "ids": ["x", "", "-1", "٣", "9" * 5000, "1\0"]}, "nothing_chosen"),
        ({"action": "cancel", "ids": [str(n) for n in range(1, batch.AT_MOST + 2)]}, "too_many_chosen"),
        ({"action": "explode", "ids": ["1"]}, "unknown_action"),
        ({"ids": ["1"]}, "unknown_action"),
        ({"action": "analyze", "ids": ["1"], "model": "clip:none"}, "unknown_model"),
        ({"action": "analyze", "ids": ["1"], "priority": "urgent"}, "unknown_priority"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    asked: dict[str, Any], code: str, owner_client: Client, pictures: list[Image]
) -> None:
    before = statuses(pictures)

    answer = owner_client.post(BATCH, asked, headers=JSON)
    page = owner_client.post(BATCH, asked, follow=True).content.decode()

    assert (answer.status_code, codes(answer)) == (400, [code])
    assert answer.json()["errors"][0]["message"] in page
    assert statuses(pictures) == before


@pytest.mark.parametrize("action", batch.Action)
def test_the_number_of_queries_does_not_grow_with_the_pictures(
    action: str, owner_client: Client, owner: User, model: MLModel
) -> None:
    counts = []
    for count in (2, batch.AT_MOST):
        images = with_files(picture_rows(count, model, user=owner))
        if action == "analyze":
            AnalysisQueue.objects.update(status="failed")
        with CaptureQueriesContext(connection) as queries:
            assert len(ask(owner_client, action, images)["done"]) == count
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 22


def test_without_a_script_the_page_says_it_and_stays_where_it_was(owner_client: Client, pictures: list[Image]) -> None:
    asked = {"action": "cancel", "ids": [pictures[0].pk], "shown": "q=png&sort=name&after=1.\0x"}

    answer = owner_client.post(BATCH, asked, follow=True)

    assert answer.redirect_chain == [("/?q=png&sort=name&after=1.x", 302)]
    assert "1 analysis was cancelled." in answer.content.decode()


@pytest.mark.parametrize("shown", ["//evil.example", "https://evil.example/?a=b", "\r\nX: y", "?next=//evil.example"])
def test_a_form_leads_back_to_the_gallery_and_nowhere_else(
    shown: str, owner_client: Client, pictures: list[Image]
) -> None:
    answer = owner_client.post(BATCH, {"action": "cancel", "ids": [pictures[0].pk], "shown": shown})

    assert answer["Location"].startswith("/?")
    assert "\n" not in answer["Location"]


def test_every_card_has_a_box_that_belongs_to_the_form(owner_client: Client, pictures: list[Image]) -> None:
    page = owner_client.get("/?q=png").content.decode()

    assert page.count('name="ids"') == len(pictures) + 1  # one is the mould for new cards
    assert page.count('form="batch"') == len(pictures) + 1
    assert 'name="shown" value="q=png"' in page
