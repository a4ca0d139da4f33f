"""Every architecture against its library's own forward pass and its library's own preprocessing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from torchvision.models import get_weight

from mlmodels.inference import catalogue
from mlmodels.inference.engine import Engine
from mlmodels.inference.torch_classifier import TorchClassifier
from mlmodels.tests import seeded_weights
from mlmodels.tests.photographs import photograph

NAMES = ["coffee", "chelsea", "rocket"]


def loaded(key: str, weights_dir: Path) -> TorchClassifier:
    classifier = Engine(weights_dir).load(key)
    assert isinstance(classifier, TorchClassifier)
    return classifier


@pytest.mark.parametrize("key", ["efficientnet:b0", "resnet50:1.0.0", "mobilenet:1.0.0", "vgg16:1.0.0"])
def test_logits_and_labels_are_those_of_torchvision(key: str, tmp_path: Path) -> None:
    reference = seeded_weights.seeded(key, tmp_path)
    classifier = loaded(key, tmp_path)
    published = get_weight(catalogue.find(key).pretrained)
    with torch.inference_mode():
        expected = reference(torch.stack([published.transforms()(photograph(name)) for name in NAMES])).numpy()
    inputs = [classifier.preprocess(photograph(name)) for name in NAMES]

    assert expected.std(axis=1).min() > 0.5  # the bound below means something
    np.testing.assert_allclose(classifier.logits(inputs), expected, rtol=0, atol=1e-4)
    best = [found[0].label for found in classifier.classify(inputs)]
    assert best == [published.meta["categories"][index] for index in expected.argmax(axis=1)]


def test_logits_and_labels_are_those_of_open_clip(tmp_path: Path, three_labels: tuple[str, ...]) -> None:
    reference = seeded_weights.seeded("clip:1.0.0", tmp_path)
    classifier = loaded("clip:1.0.0", tmp_path)
    preprocess = open_clip.image_transform(224, is_train=False)
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    with torch.inference_mode():
        labels = open_clip.build_zero_shot_classifier(
            reference, tokenizer, three_labels, open_clip.SIMPLE_IMAGENET_TEMPLATES
        )
        images = torch.stack([preprocess(photograph(name)) for name in NAMES])
        expected = (reference.logit_scale.exp() * reference.encode_image(images, normalize=True) @ labels).numpy()
    inputs = [classifier.preprocess(photograph(name)) for name in NAMES]

    np.testing.assert_allclose(classifier.logits(inputs), expected, rtol=0, atol=1e-4)
    best = [found[0].label for found in classifier.classify(inputs)]
    assert best == [three_labels[index] for index in expected.argmax(axis=1)]


@pytest.fixture
def three_labels(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The catalogue's CLIP with the first three of its labels: a thousand take a minute."""
    labels = tuple(open_clip.IMAGENET_CLASSNAMES[:3])
    spec = catalogue.find("clip:1.0.0")
    monkeypatch.setitem(catalogue.MODELS, spec.key, replace(spec, labels=labels))
    return labels
