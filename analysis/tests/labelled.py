"""Pictures that have been analyzed, for tests that begin after that."""

from typing import Any

from analysis import lifecycle
from images.models import Image
from images.tests.factories import photograph, queued_image
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

LABELS = ("espresso", "cup", "eggnog", "coffee mug", "soup bowl")


def labelled_image(*, model: MLModel, labels: tuple[str, ...] = LABELS, **options: Any) -> Image:
    """A cup of coffee that this model has given these labels."""
    image = queued_image(model=model, **{"content": photograph("coffee.png"), "name": "coffee.png"} | options)
    label_waiting(labels)
    image.refresh_from_db()
    return image


def label_waiting(labels: tuple[str, ...] = LABELS) -> None:
    """Let the next picture of the queue be done, with these labels."""
    (claim,) = lifecycle.claim_batch(limit=1)
    lifecycle.complete({claim: [Prediction(label, 90 - 10.0 * number) for number, label in enumerate(labels)]})
