"""ImageNet's classes: how each list of labels writes them, and what they are called in other languages.

`imagenet_labels.tsv` has one line for each class in the order of the networks' outputs: torchvision's name of it,
open_clip's, and the Japanese one, which is our own.
"""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.utils.translation import get_language

from mlmodels.inference import catalogue
from mlmodels.kept import Kept
from mlmodels.models import AddedModel, MLModel

TABLE = Path(__file__).with_name("imagenet_labels.tsv")


class ImageNetClass(NamedTuple):
    """One class; the fields are the columns of the table."""

    label: str
    clip: str
    ja: str


@cache
def classes() -> tuple[ImageNetClass, ...]:
    """All thousand in the order of the networks' outputs."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(ImageNetClass(**row) for row in csv.DictReader(file, delimiter="\t"))


@cache
def _by_label(column: str) -> dict[str, ImageNetClass]:
    """By what a list writes; where it writes two classes alike, the first of them."""
    return {getattr(known, column): known for known in reversed(classes())}


def column_of(model_name: str, model_version: str) -> str | None:
    """The column of the table that holds a model's labels; None where they are not all ImageNet's and nothing else.

    From a few words that stand in a column nothing follows: in a list of staff's a "crane" may be the bird.
    """
    key = f"{model_name}:{model_version}"
    if model_name == MLModel.Name.CUSTOM or (model_name == MLModel.Name.CLIP and key not in catalogue.MODELS):
        return columns_of_added().get(key)
    return "clip" if model_name == MLModel.Name.CLIP else "label"


def models_with_own_words() -> list[str]:
    """The keys of the models that staff added with labels that are not ImageNet's."""
    return [key for key, column in columns_of_added().items() if not column]


def _columns_of_added() -> dict[str, str | None]:
    """Of the models that staff added, by their keys; None for labels that are not ImageNet's. One query."""
    rows = AddedModel.objects.values_list("model__name", "model__version", "labels")
    columns = {frozenset(_by_label(column)): column for column in ("clip", "label")}
    return {f"{name}:{version}": columns.get(frozenset(labels)) for name, version, labels in rows}


# No longer than an exam takes, before which nobody sees a label of a new model.
columns_of_added = Kept(_columns_of_added, seconds=5)


def class_of(label: str, model_name: str, model_version: str) -> ImageNetClass | None:
    """The class that this model means by its label; None for labels that staff gave."""
    column = column_of(model_name, model_version)
    return _by_label(column).get(label) if column else None


def name_of(label: str, model_name: str, model_version: str) -> str:
    """A model's label in the active language; as the model gave it where there is no other name."""
    is_japanese = (get_language() or "").startswith("ja")
    known = class_of(label, model_name, model_version) if is_japanese else None
    return known.ja if known else label
