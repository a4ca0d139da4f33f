"""Names of labels: every class of the networks has a Japanese one, and it is found by it."""

from collections import Counter
from typing import Any

import open_clip
import pytest
from django.utils import translation

from mlmodels import label_names
from mlmodels.inference import catalogue, networks
from mlmodels.label_names import class_of, classes, columns_of_added, models_with_own_words, name_of
from mlmodels.models import AddedModel
from mlmodels.tests.factories import MLModelFactory

KANA_AND_KANJI = ("\u3041", "\u9fff")


def test_every_class_of_the_networks_stands_in_the_table_in_its_order() -> None:
    lists = {spec.key: networks.label_list(spec) for spec in catalogue.MODELS.values() if spec.library != "open_clip"}

    assert "efficientnet:1.0.0" in lists
    for key, labels in lists.items():
        assert [known.label for known in classes()] == list(labels), key


def test_every_label_of_clip_stands_in_the_table() -> None:
    assert [known.clip for known in classes()] == list(open_clip.IMAGENET_CLASSNAMES)
    assert all(class_of(label, "clip", "1.0.0") for label in networks.label_list(catalogue.find("clip:1.0.0")))


def test_every_class_has_a_japanese_name_that_no_other_class_has() -> None:
    names = [known.ja for known in classes()]
    twice = [name for name, count in Counter(names).items() if count > 1]

    assert len(names) == 1000
    assert all(name == name.strip() for name in names)
    assert [name for name in names if not any(low <= c <= high for low, high in [KANA_AND_KANJI] for c in name)] == [
        "iPod"
    ]
    assert twice == ["サングラス"]  # "sunglass" and "sunglasses", which are two classes of the same thing


@pytest.mark.parametrize(
    ("label", "model_name", "name"),
    [
        ("espresso", "efficientnet", "エスプレッソ"),
        ("Cardigan", "resnet50", "ウェルシュ・コーギー・カーディガン"),
        ("cardigan", "resnet50", "カーディガン"),
        ("crane", "vgg16", "クレーン"),
        ("crane bird", "vgg16", "ツル"),
        ("kite", "mobilenet", "トビ"),
        ("plane", "mobilenet", "かんな"),
        ("tabby cat", "clip", "しま猫"),
        ("missile", "clip", "ミサイル"),
        ("kite", "clip", "kite"),  # of a list that staff gave: CLIP's own writes "kite (bird of prey)"
        ("kite", "custom", "kite"),
        ("spectrogram", "efficientnet", "spectrogram"),
    ],
)
def test_a_label_is_named_by_what_its_model_means(label: str, model_name: str, name: str) -> None:
    with translation.override("ja"):
        assert name_of(label, model_name, "1.0.0") == name
    with translation.override("en"):
        assert name_of(label, model_name, "1.0.0") == label


IMAGENET = [known.label for known in classes()]
CLIPS = sorted({known.clip for known in classes()})


@pytest.mark.parametrize(
    ("model_name", "labels", "label", "name"),
    [
        ("custom", IMAGENET, "crane bird", "ツル"),
        ("custom", IMAGENET[::-1], "crane", "クレーン"),
        ("custom", CLIPS, "tabby cat", "しま猫"),
        ("clip", IMAGENET, "kite", "トビ"),
        ("custom", ["crane", "kite"], "crane", "crane"),
        ("clip", ["crane", "kite"], "kite", "kite"),
        ("custom", IMAGENET[1:], "crane", "crane"),
        ("custom", [*IMAGENET, "drone"], "kite", "kite"),
    ],
    ids=["the list", "in another order", "as clip writes it", "a list for clip", "few words", "few words for clip",
         "one is missing", "one more"],
)  # fmt: skip
def test_a_model_of_staff_is_named_in_japanese_when_its_labels_are_imagenets(
    db: None, model_name: str, labels: list[str], label: str, name: str
) -> None:
    model = MLModelFactory.create(name=model_name, version="own")
    AddedModel.objects.create(model=model, labels=labels)
    MLModelFactory.create(name="custom", version="without labels")
    columns_of_added.keep({}, seconds=0)

    with translation.override("ja"):
        assert name_of(label, model_name, "own") == name
        assert name_of(label, "custom", "without labels") == label
    assert models_with_own_words() == ([] if name != label else [f"{model_name}:own"])


def test_models_of_staff_are_not_asked_for_at_every_label(db: None, django_assert_num_queries: Any) -> None:
    AddedModel.objects.create(model=MLModelFactory.create(name="custom", version="own"), labels=IMAGENET)
    columns_of_added.keep({}, seconds=0)

    with django_assert_num_queries(1):
        assert [class_of(label, "custom", "own") for label in IMAGENET] == list(classes())


def test_the_table_has_three_columns_and_nothing_else() -> None:
    lines = label_names.TABLE.read_text(encoding="utf-8").splitlines()

    assert {line.count("\t") for line in lines} == {2}
