"""What is kept of attempts: the card of each answer, and the interruptions of the latest run."""

from collections.abc import Iterator

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from analysis import lifecycle, runner
from analysis.failures import STORAGE_AWAY, WORKER_LOST
from analysis.fencing import Claim
from analysis.models import AnalysisQueue, Attempt
from analysis.run_cards import Tried, cards
from analysis.states import Priority
from analysis.tests.queue import claim
from images.models import Image
from images.tests.factories import photograph, queued_image
from mlmodels.inference.classifier import Prediction
from mlmodels.inference.engine import Engine
from mlmodels.inference.options import Options
from mlmodels.inference.preparation import Preparation
from mlmodels.models import MLModel

LABELS = [Prediction("espresso", 97.0)]
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return queued_image(user=owner, model=model, content=photograph())


@pytest.fixture
def preparation() -> Iterator[Preparation]:
    with Preparation(max_pixels=10**8, threads=1) as preparation:
        yield preparation


def claim_again() -> Claim:
    """The next attempt, without waiting for its back-off to be over."""
    AnalysisQueue.objects.update(queued_at=Now())
    return claim()


def test_a_real_run_tells_its_weights_its_runtime_and_what_its_stages_took(
    owner_client: Client, image: Image, preparation: Preparation, settings: Settings
) -> None:
    engine = Engine(settings.WEIGHTS_DIR, options=Options(runtime="torch", device="cpu", precision="fp32"))

    runner.run(lifecycle.claim_batch(limit=1), engine, preparation)

    (told,) = owner_client.get(f"/images/{image.pk}/results.json").json()["models"]
    run = told["run"]
    assert run["weights_sha256"] == SHA256
    assert (run["runtime"], run["precision"], run["device"], run["batch"]) == ("torch", "fp32", "CPU", 1)
    assert set(run["stages_ms"]) == {"loading", "preprocessing", "model_execution"}
    assert 0 < sum(run["stages_ms"].values()) <= run["total_ms"] + 2
    page = owner_client.get(f"/images/{image.pk}/").content.decode()
    assert SHA256 in page


def test_an_answer_replaces_the_one_that_the_same_model_gave_before(image: Image, model: MLModel) -> None:
    lifecycle.complete({claim(): LABELS}, facts={"device": "CPU"})
    lifecycle.resubmit(image_id=image.pk, model=model, priority=Priority.NORMAL)
    lifecycle.complete({claim(): LABELS}, facts={"device": "GPU"})

    assert [attempt.facts["device"] for attempt in Attempt.objects.filter(image=image)] == ["GPU"]


def test_interruptions_stay_until_the_next_run_is_wished_for(image: Image, model: MLModel) -> None:
    lifecycle.retry([claim()], WORKER_LOST)
    lifecycle.retry([claim_again()], STORAGE_AWAY)
    lifecycle.complete({claim_again(): LABELS})

    kept = Attempt.objects.filter(image=image).order_by("started_at")
    assert [(attempt.number, attempt.code) for attempt in kept] == [(1, "worker_lost"), (2, "storage_away"), (3, "")]
    lifecycle.resubmit(image_id=image.pk, model=model, priority=Priority.NORMAL)
    assert [attempt.number for attempt in kept.all()] == [3]


def test_what_lost_its_run_writes_no_attempt(image: Image) -> None:
    lost = claim()
    lifecycle.retry([lost], WORKER_LOST)

    assert lifecycle.complete({lost: LABELS}) == []
    assert Attempt.objects.filter(image=image, code="").count() == 0


def test_the_stages_of_a_card_lie_one_behind_the_other_and_never_beyond_the_whole() -> None:
    now = timezone.now()
    facts = {"stages_ms": {"preprocessing": 30, "model_execution": 90}}
    tried = Tried("clip:1.0.0", 1, "", None, now, now, facts)

    card = cards([tried])["clip:1.0.0"]

    assert (card.waited_ms, card.total_ms) == (None, 0)
    assert [(span.begins, span.share) for span in card.spans] == [(0, 25), (25, 75)]
