"""ImageNet's classes: how each list of labels writes them, and what they are called in other languages.

`imagenet_labels.tsv` has one line for each class in the order of the networks' outputs: torchvision's name of it,
open_clip's, and the Japanese one, which is our own.
"""

import csv
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.utils.translation import get_language

from mlmodels.inference import catalogue
from mlmodels.kept import Kept
from mlmodels.models import AddedModel, MLModel

TABLE = Path(__file__).with_name("imagenet_labels.tsv")
# From the first hiragana letter to the katakana letter of the same sound.
_TO_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}


# What people write in either way, where the one way is no part of another animal's name.
_KANA = ("ネコ", "イヌ", "ウマ", "ヘビ", "オオカミ", "ウサギ", "ブタ", "クルマ", "フネ")
_SPELLINGS = dict(zip("猫犬馬蛇狼兎豚車船", _KANA, strict=True))
_OTHER_SPELLING = _SPELLINGS | {kana: kanji for kanji, kana in _SPELLINGS.items()}


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


def _columns_of_added() -> dict[str, str]:
    """Of the models that staff added and whose labels are ImageNet's, by their keys. One query."""
    rows = AddedModel.objects.values_list("model__name", "model__version", "labels")
    columns = {frozenset(_by_label(column)): column for column in ("clip", "label")}
    known = {f"{name}:{version}": columns.get(frozenset(labels)) for name, version, labels in rows}
    return {key: column for key, column in known.items() if column}


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


def labels_named(word: str) -> list[str]:
    """The labels, as any list writes them, of the classes with this word in their Japanese name.

    Hiragana finds katakana, names are found without the dots between their parts, and a few in kanji as in kana.
    """
    folded = _folded(word)
    spellings = {folded, _OTHER_SPELLING.get(folded, folded)} - {""}
    found = [known for known in classes() if any(spelling in _folded(known.ja) for spelling in spellings)]
    return sorted({label for known in found for label in (known.label, known.clip)})


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().translate(_TO_KATAKANA).replace("・", "").replace(" ", "")
