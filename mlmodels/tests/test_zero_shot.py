"""CLIP's labels on a tower small enough to be made in no time."""

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch

from mlmodels.inference import catalogue, networks, zero_shot
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.engine import Engine, Options
from mlmodels.inference.errors import WeightsDamagedError
from mlmodels.inference.golden_pictures import golden_pictures
from mlmodels.inference.openvino_classifier import OpenVinoClassifier
from mlmodels.inference.torch_classifier import TorchClassifier
from mlmodels.inference.weights import CheckedWeights, StoredWeights
from mlmodels.tests import seeded_weights

LABELS = ("a red circle", "a blue square", "a very small and rather long-winded green triangle")
TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    """A CLIP of two small towers that open_clip knows by name."""
    path = tmp_path_factory.mktemp("configs") / "test-tiny.json"
    path.write_text(json.dumps(TINY), encoding="utf-8")
    open_clip.add_model_config(path)
    weights = StoredWeights("clip-tiny.safetensors")
    return ModelSpec("clip", "tiny", library="open_clip", architecture="test-tiny", weights=weights, labels=LABELS)


@pytest.fixture
def weights(tiny: ModelSpec, tmp_path: Path) -> CheckedWeights:
    path = seeded_weights.written(tiny, tmp_path, seeded_weights.network(tiny))
    return CheckedWeights(path, "a" * 64)


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("labels-*"))


def test_embeddings_are_those_of_open_clips_own_classifier(tiny: ModelSpec) -> None:
    model = seeded_weights.network(tiny)
    tokenizer = open_clip.get_tokenizer("test-tiny")
    with torch.inference_mode():
        expected = open_clip.build_zero_shot_classifier(model, tokenizer, LABELS, zero_shot.TEMPLATES).T
    tokens = tokenizer([template(label) for label in LABELS for template in zero_shot.TEMPLATES])

    found = zero_shot.label_embeddings(model, tokens, len(zero_shot.TEMPLATES))

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_embeddings_are_computed_once_and_kept(tiny: ModelSpec, weights: CheckedWeights, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = networks.build(tiny, weights, cache)
    (written,) = kept(cache)
    written_at = written.stat().st_mtime_ns
    again = networks.build(tiny, weights, cache)

    assert kept(cache) == [written]
    assert written.stat().st_mtime_ns == written_at
    torch.testing.assert_close(again.module.scaled_labels, first.module.scaled_labels, rtol=0, atol=0)


@pytest.mark.parametrize("what", ["weights", "labels"])
def test_other_weights_or_labels_have_other_embeddings(
    what: str, tiny: ModelSpec, weights: CheckedWeights, tmp_path: Path
) -> None:
    networks.build(tiny, weights, tmp_path / "cache")
    if what == "weights":
        networks.build(tiny, CheckedWeights(weights.path, "b" * 64), tmp_path / "cache")
    else:
        networks.build(ModelSpec(**{**fields(tiny), "labels": (*LABELS[:2], "a dog")}), weights, tmp_path / "cache")

    assert len(kept(tmp_path / "cache")) == 2


def fields(spec: ModelSpec) -> dict[str, object]:
    return {name: getattr(spec, name) for name in spec.__dataclass_fields__}


def test_clip_converts_like_any_other_network(
    tiny: ModelSpec, weights: CheckedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalogue.MODELS, tiny.key, tiny)
    options = Options(runtime="openvino", precision="fp32")
    classifier = Engine(weights.path.parent, cache_dir=tmp_path / "cache", options=options).load(tiny.key)
    assert isinstance(classifier, OpenVinoClassifier)
    inputs = [classifier.preprocess(picture) for picture in golden_pictures(4)]
    expected = TorchClassifier(networks.build(tiny, weights)).logits(inputs)
    np.testing.assert_allclose(classifier.logits(inputs), expected, rtol=0, atol=1e-4)
    assert {found.label for found in classifier.classify(inputs[:1])[0]} == set(LABELS)


def test_preprocessing_is_that_of_the_published_weights() -> None:
    spec = catalogue.find("clip:1.0.0")
    model = open_clip.create_model("ViT-B-32", load_weights=False)
    found = zero_shot.preprocessing(model)

    published = open_clip.get_pretrained_cfg(spec.architecture, spec.pretrained)
    assert (found.resize_px, found.crop_px, found.interpolation) == (224, 224, "bicubic")
    assert found.mean == pytest.approx([255 * value for value in published["mean"]])
    assert found.std == pytest.approx([255 * value for value in published["std"]])


def test_weights_of_another_network_are_refused(tiny: ModelSpec, tmp_path: Path) -> None:
    path = seeded_weights.written(tiny, tmp_path, torch.nn.Linear(2, 2))
    with pytest.raises(WeightsDamagedError):
        networks.build(tiny, CheckedWeights(path, ""))


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\xff" * 64])
def test_weights_that_are_no_safetensors_are_refused(tiny: ModelSpec, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clip-tiny.safetensors").write_bytes(content)
    with pytest.raises(WeightsDamagedError):
        networks.build(tiny, CheckedWeights(tmp_path / "clip-tiny.safetensors", ""))
