"""The results of several models on one picture: their agreement on the page, and all of them as JSON."""

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from analysis.agreement import normalised
from analysis.models import AnalysisQueue, AnalysisResult
from images.models import Image
from images.tests.factories import queued_image
from mlmodels import label_names
from mlmodels.models import AddedModel, MLModel
from mlmodels.tests.factories import MLModelFactory, added_model


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return queued_image(user=owner, model=model)


def say(image: Image, **labels: str) -> None:
    """Each model's only label."""
    AnalysisResult.objects.bulk_create(
        AnalysisResult(image=image, label=label, confidence="93.26", model_name=name, model_version="1.0.0", rank=1)
        for name, label in labels.items()
    )


def shown(client: Client, image: Image) -> str:
    """The agreement's line as the page says it, without tags."""
    page = client.get(f"/images/{image.pk}/").content.decode()
    line = re.search(r'<p class="agreement[^"]*">(.*?)</p>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", line[1]).split()) if line else ""


def test_most_models_agree_without_regard_to_how_the_label_is_written(owner_client: Client, image: Image) -> None:
    say(image, resnet50="espresso", vgg16="Espresso, coffee", mobilenet="cup")

    assert shown(owner_client, image) == "2 of 3 models say espresso"


def test_one_model_has_nobody_to_agree_with(owner_client: Client, image: Image) -> None:
    say(image, resnet50="espresso")

    assert shown(owner_client, image) == ""
    assert owner_client.get(f"/images/{image.pk}/results.json").json()["agreement"] is None


@pytest.mark.parametrize(
    "labels",
    [{"resnet50": "espresso", "vgg16": "cup"}, {"resnet50": "a", "vgg16": "a", "efficientnet": "b", "mobilenet": "b"}],
)
def test_no_label_with_more_voices_than_any_other_is_no_agreement(
    owner_client: Client, image: Image, labels: dict[str, str]
) -> None:
    say(image, **labels)

    assert shown(owner_client, image) == f"The {len(labels)} models do not agree"


def test_clip_agrees_in_words_of_its_own(owner_client: Client, image: Image) -> None:
    say(image, clip="tabby cat", resnet50="tabby", vgg16="tiger cat")

    assert shown(owner_client, image) == "2 of 3 models say tabby cat"


def test_a_page_in_japanese_names_labels_in_japanese_and_keeps_the_models_own(
    owner_client: Client, image: Image
) -> None:
    say(image, custom="crema", resnet50="espresso", vgg16="espresso")

    page = owner_client.get(f"/images/{image.pk}/", headers={"Accept-Language": "ja"}).content.decode()
    card = owner_client.get("/", headers={"Accept-Language": "ja"}).content.decode()

    assert re.findall(r'class="result-label">([^<]*)', page) == ["crema", "エスプレッソ ", "エスプレッソ "]
    assert re.findall(r'class="result-original"[^>]*>([^<]*)', page) == ["espresso", "espresso"]
    assert '<span title="espresso">エスプレッソ</span>' in card


def test_a_model_of_staff_with_imagenets_labels_speaks_japanese_and_agrees_with_the_others(
    owner_client: Client, image: Image
) -> None:
    AddedModel.objects.create(
        model=MLModelFactory.create(name="custom"), labels=[known.label for known in label_names.classes()]
    )
    label_names.columns_of_added.keep({}, seconds=0)
    say(image, custom="espresso", resnet50="espresso")

    card = owner_client.get("/", headers={"Accept-Language": "ja"}).content.decode()
    told = owner_client.get(f"/images/{image.pk}/results.json").json()

    assert '<span title="espresso">エスプレッソ</span>' in card
    assert [model["labels"][0]["label_ja"] for model in told["models"]] == ["エスプレッソ", "エスプレッソ"]
    assert told["agreement"] == {"label": "espresso", "agreeing": 2, "models": 2, "lists_differ": False}


@pytest.mark.parametrize("name", ["clip", "custom"])
def test_a_model_with_labels_of_its_own_is_told(owner_client: Client, image: Image, name: str) -> None:
    say(image, **{"resnet50": "espresso", "vgg16": "espresso", name: "drink"})
    AnalysisResult.objects.filter(model_name=name).update(model_version="drinks")

    assert shown(owner_client, image) == "2 of 3 models say espresso Not all of them choose from the same labels."


def test_the_results_as_json_tell_exactly_this(owner_client: Client, image: Image) -> None:
    say(image, resnet50="espresso", mobilenet="espresso")

    told = owner_client.get(f"/images/{image.pk}/results.json").json()

    times = [datetime.fromisoformat(model.pop("analyzed_at")) for model in told["models"]]
    labels = [{"rank": 1, "label": "espresso", "label_ja": "エスプレッソ", "confidence": 93.26}]
    assert all(at.utcoffset() is not None for at in times)
    assert told == {
        "id": image.pk,
        "filename": image.filename,
        "status": "uploaded",
        "agreement": {"label": "espresso", "agreeing": 2, "models": 2, "lists_differ": False},
        "models": [
            {"name": "mobilenet", "version": "1.0.0", "execution": None, "run": None, "labels": labels},
            {"name": "resnet50", "version": "1.0.0", "execution": None, "run": None, "labels": labels},
        ],
    }


@pytest.mark.parametrize("label", ["Coffee-mug", "coffee_mug", " coffee  mug, cup"])
def test_labels_are_compared_by_their_words(label: str) -> None:
    assert normalised(label) == "coffee mug"


def test_analyze_again_offers_a_model_first_that_has_not_answered(
    owner_client: Client, image: Image, model: MLModel
) -> None:
    other = added_model("2.0.0")
    say(image, efficientnet="espresso")
    AnalysisQueue.objects.filter(image=image).update(status="completed")

    form = owner_client.get(f"/images/{image.pk}/").context

    assert [offered.key for offered in form["offered_models"]] == [model.key, other.key]
    assert form["chosen_model"] == other.key


def test_a_program_that_waits_for_many_pictures_asks_once(
    owner_client: Client, owner: User, other_user: User, model: MLModel, django_assert_num_queries: Any
) -> None:
    done, waiting = queued_image(user=owner, model=model), queued_image(user=owner, model=model)
    anothers = queued_image(user=other_user, model=model)
    say(done, resnet50="espresso")
    say(anothers, resnet50="secret")

    with django_assert_num_queries(3):  # session with person, pictures, results
        answer = owner_client.get(f"/images/results.json?ids={done.pk},{waiting.pk},{anothers.pk},x")

    (first, second) = answer.json()["images"]
    assert (first["id"], second) == (done.pk, {"id": waiting.pk, "status": "uploaded", "results": []})
    assert first["results"] == [
        {
            "model_name": "resnet50",
            "model_version": "1.0.0",
            "label": "espresso",
            "confidence": 93.26,
            "rank": 1,
        }
    ]
    assert owner_client.get("/images/results.json").json() == {"images": []}
