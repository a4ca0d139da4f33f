"""What the gallery's filters find: by words, status, model, confidence and days, a bounded look at a time."""

from datetime import datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from analysis.models import AnalysisQueue, AnalysisResult
from images import gallery_pages
from images.gallery_filters import Filters
from images.models import Image
from images.tests.rows import picture_rows
from images.tests.test_gallery import beside, shown
from mlmodels import label_names
from mlmodels.models import AddedModel, MLModel
from mlmodels.tests.factories import MLModelFactory


@pytest.fixture
def pictures(owner: User, model: MLModel) -> list[Image]:
    """0.png done long ago, a sure cat; 1.png failed; 2.png cancelled; 3.png waiting; the other labels are espresso."""
    images = picture_rows(4, model, user=owner)
    for image, status in zip(images, ("success", "failed", "uploaded", "uploaded"), strict=True):
        Image.objects.filter(pk=image.pk).update(status=status)
    AnalysisQueue.objects.filter(image=images[2]).update(status="cancelled")
    Image.objects.filter(pk=images[0].pk).update(
        upload_date=datetime(2024, 5, 6, 12, tzinfo=timezone.get_current_timezone())
    )
    AnalysisResult.objects.filter(image=images[0]).update(label="tabby cat", confidence=99)
    AnalysisResult.objects.filter(image=images[1]).update(confidence=40)
    return images


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=TABBY", [0]),
        ("q=cat+0.p", [0]),
        ("q=しま猫", [0]),
        ("q=えすぷれっそ", [3, 2, 1]),
        ("q=cats", [0]),
        ("q=ねこ", [0]),
        ("q=coffee", [3, 2, 1]),
        ("q=コーヒー+3.p", [3]),
        ("q=dog", []),
        ("q=cat+1.p", []),
        ("q=3.PNG", [3]),
        ("q=%25", []),
        ("status=done", [0]),
        ("status=failed", [1]),
        ("status=cancelled", [2]),
        ("status=waiting", [3]),
        ("confidence=50", [3, 2, 0]),
        ("confidence=95&q=espresso", [3, 2]),
        ("since=2024-05-07", [3, 2, 1]),
        ("until=2024-05-06", [0]),
        ("since=2024-05-06&until=2024-05-06", [0]),
        ("until=2024-05-05", []),
        ("model=clip:none", []),
    ],
)
def test_filters_find_what_fits(query: str, expected: list[int], owner_client: Client, pictures: list[Image]) -> None:
    assert shown(owner_client, f"/?{query}") == [pictures[n].pk for n in expected]


def test_only_models_with_pictures_of_ones_own_can_be_looked_for(
    owner_client: Client, other_user: User, pictures: list[Image], model: MLModel
) -> None:
    others = MLModelFactory.create(name="clip", version="others")
    picture_rows(1, others, user=other_user)
    MLModel.objects.filter(pk=model.pk).update(is_active=False)  # no longer offered, but it said what is on them

    assert [found.key for found in owner_client.get("/").context["filter_choices"]["models"]] == [model.key]


def test_a_filter_by_model_finds_its_latest_runs(owner_client: Client, pictures: list[Image]) -> None:
    other = MLModelFactory.create(name="mobilenet", version="9.9")
    Image.objects.filter(pk=pictures[1].pk).update(model_used=other)

    assert shown(owner_client, f"/?model={other.key}") == [pictures[1].pk]


def test_words_are_looked_for_in_the_label_that_the_card_shows(owner_client: Client, pictures: list[Image]) -> None:
    newest = AnalysisResult.objects.filter(image=pictures[0]).order_by("-created_at", "-id").first()
    assert newest is not None
    AnalysisResult.objects.filter(pk=newest.pk).update(label="lynx")

    assert shown(owner_client, "/?q=lynx") == [pictures[0].pk]
    assert shown(owner_client, "/?q=tabby") == []


def test_a_general_word_finds_its_kinds_and_not_what_holds_its_letters(
    owner_client: Client, pictures: list[Image]
) -> None:
    for image, label in zip(pictures, ("Golden Retriever", "beagle", "hotdog", "dog show"), strict=True):
        AnalysisResult.objects.filter(image=image).update(label=label)

    assert shown(owner_client, "/?q=dog") == [pictures[n].pk for n in (3, 1, 0)]
    assert shown(owner_client, "/?q=犬") == [pictures[n].pk for n in (1, 0)]
    assert shown(owner_client, "/?q=hot+dog") == shown(owner_client, "/?q=hotdog") == [pictures[2].pk]
    assert shown(owner_client, "/?q=golden+dog") == [pictures[0].pk]


def test_words_of_staffs_own_mean_what_they_say(owner_client: Client, pictures: list[Image]) -> None:
    toys = MLModelFactory.create(name="custom", version="toys")
    AddedModel.objects.create(model=toys, labels=["kite", "hotdog"])
    label_names.columns_of_added.keep({}, seconds=0)
    for image, label in zip(pictures[:2], ("kite", "hotdog"), strict=True):
        results = AnalysisResult.objects.filter(image=image)
        results.filter(model_name="clip").update(label=label, model_name="custom", model_version="toys")
        results.filter(model_name="resnet50").delete()
    AnalysisResult.objects.filter(image=pictures[2]).update(label="kite")

    assert shown(owner_client, "/?q=bird") == [pictures[2].pk]
    assert shown(owner_client, "/?q=dog") == [pictures[1].pk]
    assert shown(owner_client, "/?q=kite") == [pictures[n].pk for n in (2, 0)]


def test_nobody_elses_pictures_are_found(client: Client, other_user: User, pictures: list[Image]) -> None:
    client.force_login(other_user)

    assert shown(client, "/?q=png") == shown(client, f"/?q=png&after={pictures[3].pk + 1}.{2**60}") == []


def test_when_nothing_fits_the_page_offers_to_clear_the_filters(owner_client: Client, pictures: list[Image]) -> None:
    page = owner_client.get("/?q=zebra&status=done").content.decode()

    assert "data-nothing" in page
    assert "data-empty" not in page
    assert 'data-filter="q"' in page
    assert 'href="/?status=done"' in page


def test_active_filters_stand_in_the_order_of_the_form() -> None:
    asked = {"until": "2024-05-06", "confidence": "50", "sort": "name", "status": "done", "q": "cat"}

    assert [active.name for active in Filters.read(asked).active()] == ["q", "status", "confidence", "until"]


@pytest.mark.parametrize("first_looks", [1, 2, 5])
def test_a_search_goes_on_behind_what_one_request_may_look_at(
    first_looks: int, owner_client: Client, owner: User, model: MLModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery_pages, "FIRST_LOOKS", first_looks)
    monkeypatch.setattr(gallery_pages, "LOOKS", 5)
    images = picture_rows(12, model, user=owner)
    Image.objects.filter(pk=images[1].pk).update(filename="needle.png")

    address, found = "/?q=needle", []
    for _request in range(3):
        found.append(shown(owner_client, address))
        address = beside(owner_client, address, "next") or after_nothing(owner_client, address)

    assert found == [[], [], [images[1].pk]]
    assert address == ""


def test_a_word_that_is_found_at_once_is_not_looked_for_further_on(
    owner_client: Client, owner: User, model: MLModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery_pages, "PAGE_SIZE", 2)
    monkeypatch.setattr(gallery_pages, "FIRST_LOOKS", 4)
    images = picture_rows(12, model, user=owner)
    Image.objects.update(filename="needle.png")
    Image.objects.filter(pk__in=[image.pk for image in images[4:]]).update(filename="hay.png")

    def horizons(word: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            owner_client.get(f"/?q={word}")
        return sum("LIMIT 1 OFFSET" in statement["sql"] for statement in asked)

    newest_first = {"hay": horizons("hay"), "needle": horizons("needle")}

    assert newest_first == {"hay": 1, "needle": 2}


def after_nothing(client: Client, address: str) -> str:
    """Where an empty part of a search leads on to."""
    page = client.get(address).context["page"]
    return f"/{page.older}" if page.older else ""
