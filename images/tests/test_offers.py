"""The cards of the models: true for this installation, and as cheap for a thousand runs as for none."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from analysis.models import AnalysisQueue
from images.offers import offers_for
from images.tests.rows import picture_rows
from mlmodels.models import MLModel, ModelExam
from mlmodels.tests.factories import added_model

FORM = "/images/upload/"


def card(client: Client, model: MLModel, **headers: str) -> str:
    """The words of one model's card on the form."""
    page = client.get(FORM, headers=headers).content.decode()
    found = next(part for part in page.split('<div class="offer">')[1:] if f'value="{model.key}"' in part)
    return " ".join(re.sub(r"<[^>]+>", " ", found.split("</div>")[0]).split())


def runs(model: MLModel, owner: User, *, batches: int, of: int, took: timedelta) -> None:
    """Finished runs: so many batches of so many pictures, each of which took so long."""
    picture_rows(batches * of, model, user=owner)
    now = timezone.now()
    for place, entry in enumerate(AnalysisQueue.objects.filter(model_name=model.key)):
        entry.status, entry.started_at = "completed", now + place // of * timedelta(minutes=1)
        entry.completed_at = entry.started_at + took
        entry.save()


def examined(model: MLModel, **facts: float) -> None:
    ModelExam.objects.create(model=model, state="passed", passed_at=timezone.now(), facts=facts)


def test_a_card_says_what_the_model_took_here(owner_client: Client, owner: User, model: MLModel) -> None:
    assert "Speed not measured here yet" in card(owner_client, model)

    runs(model, owner, batches=3, of=8, took=timedelta(seconds=2))

    assert "250 ms a picture on this installation" in card(owner_client, model)


def test_before_the_first_runs_the_exams_figure_stands_in(owner_client: Client, model: MLModel) -> None:
    examined(model, latency_ms=5.31, golden_pictures=20, same_best=0.95)

    told = card(owner_client, model)

    assert "5 ms a picture in its exam" in told
    assert "Exam passed: 19 of 20 test pictures get the reference&#x27;s label" in told


@pytest.mark.parametrize(
    ("exam", "words"),
    [
        ({"state": "failed", "code": "unsteady"}, "Did not pass its exam"),
        ({"state": "waiting"}, "Its exam is under way"),
        ({"state": "passed", "passed_at": timezone.now()}, "Exam passed"),
    ],
)
def test_a_card_says_how_the_exam_went(exam: dict, words: str, owner_client: Client, model: MLModel) -> None:
    assert "Comes with the application, needs no exam" in card(owner_client, model)

    ModelExam.objects.create(model=model, **exam)

    assert words in card(owner_client, model)


def test_what_is_not_ready_cannot_be_chosen_and_says_why(owner_client: Client, staff: User) -> None:
    resnet = MLModel.objects.by_key("resnet50:1.0.0")
    page = owner_client.get(FORM).content.decode()

    assert re.search(r'value="resnet50:1.0.0"[^>]* disabled>', page)
    told = card(owner_client, resnet)
    assert "Its weights are not on this machine yet. An administrator can help." in told
    assert "fetch_weights" not in told

    owner_client.force_login(staff)
    assert "python manage.py fetch_weights resnet50:1.0.0" in card(owner_client, resnet)


def test_a_model_of_staff_that_has_not_passed_says_so(owner: User) -> None:
    model = added_model(passed=False)
    MLModel.objects.filter(pk=model.pk).update(is_active=True)

    offer = next(offer for offer in offers_for(owner).hindered if offer.model == model)

    assert (offer.hindrance, offer.is_chosen) == ("It has to pass its exam first.", False)


def test_the_default_model_stands_first_and_is_the_one_chosen(owner: User, settings: Settings) -> None:
    other = added_model()
    settings.DEFAULT_MODEL = other.key

    offers = offers_for(owner)

    assert [(offer.model.key, offer.is_chosen) for offer in offers.ready] == [
        (other.key, True),
        ("efficientnet:1.0.0", False),
    ]
    assert not any(offer.is_chosen for offer in offers.hindered)


def test_descriptions_of_the_catalogue_are_translated_and_those_of_staff_stay(owner_client: Client) -> None:
    resnet, mine = MLModel.objects.by_key("resnet50:1.0.0"), added_model()

    assert "最も正確" in card(owner_client, resnet, **{"accept-language": "ja"})
    assert "Mine." in card(owner_client, mine, **{"accept-language": "ja"})


def test_two_statements_whatever_there_is(owner: User, model: MLModel) -> None:
    counts = []
    for count in (1, 40):
        runs(model, owner, batches=count, of=2, took=timedelta(seconds=1))
        added_model(version=str(count))
        with CaptureQueriesContext(connection) as queries:
            offers_for(owner)
        counts.append(len(queries))

    assert counts == [2, 2]
