import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec, StoredWeights
from mlmodels.inference.classifier import Classifier, Execution, Prediction
from mlmodels.inference.engine import (
    Engine,
    UnknownModelError,
    WeightsDamagedError,
    WeightsMissingError,
    needed_bytes,
)
from mlmodels.inference.weights import CheckedWeights


class FixedClassifier:
    """Gives every picture the name of the model that looked at it."""

    decode_at_least_px = 16
    execution = Execution("fixed", "fp32", "CPU")

    def __init__(self, label: str) -> None:
        self._label = label

    def preprocess(self, picture: Image.Image) -> NDArray[np.float32]:
        return np.zeros((3, 8, 8), dtype=np.float32)

    def classify(self, batch: Sequence[NDArray[np.float32]], *, top_k: int = 5) -> list[list[Prediction]]:
        return [[Prediction(self._label, 100.0)] for _ in batch]


class Workshop:
    """Builds fixed classifiers and remembers which."""

    def __init__(self) -> None:
        self.built: list[str] = []

    def build(self, spec: ModelSpec, weights: CheckedWeights) -> Classifier:
        self.built.append(spec.key)
        return FixedClassifier(spec.key)


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture
def three_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Models "custom:1", "custom:2", "custom:3" with weights of 100 bytes each in the weights folder."""
    template = catalogue.find("efficientnet:1.0.0")
    specs = [
        replace(
            template,
            name="custom",
            version=version,
            weights=StoredWeights(f"{version}.pth"),
        )
        for version in "123"
    ]
    for spec in specs:
        content = spec.version.encode() * 100
        (tmp_path / f"{spec.version}.pth").write_bytes(content)
        (tmp_path / f"{spec.version}.pth.sha256").write_text(sha256(content).hexdigest(), encoding="ascii")
        monkeypatch.setitem(catalogue.MODELS, spec.key, spec)
    return [spec.key for spec in specs]


def test_a_model_is_loaded_once_and_kept(tmp_path: Path, workshop: Workshop, three_models: list[str]) -> None:
    engine = Engine(tmp_path, build=workshop.build)
    assert not engine.is_loaded("custom:1")
    first = engine.load("custom:1")
    assert engine.is_loaded("custom:1")
    assert engine.load("custom:1") is first
    assert workshop.built == ["custom:1"]


def test_a_model_that_is_replaced_or_deleted_while_it_is_loaded_is_not_run_any_more(
    tmp_path: Path, workshop: Workshop, three_models: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(tmp_path, build=workshop.build)
    first = engine.load("custom:1")

    monkeypatch.setitem(catalogue.MODELS, "custom:1", replace(catalogue.find("custom:1"), labels=("a cat", "a dog")))
    assert engine.load("custom:1") is not first

    monkeypatch.delitem(catalogue.MODELS, "custom:1")
    with pytest.raises(UnknownModelError):
        engine.load("custom:1")


def test_the_least_recently_used_model_goes_first(tmp_path: Path, workshop: Workshop, three_models: list[str]) -> None:
    engine = Engine(tmp_path, memory_budget_bytes=2 * needed_bytes(100), build=workshop.build)
    engine.load("custom:1")
    engine.load("custom:2")
    engine.load("custom:1")
    engine.load("custom:3")
    assert [key for key in three_models if engine.is_loaded(key)] == ["custom:1", "custom:3"]


def test_a_model_larger_than_the_budget_is_loaded_alone(
    tmp_path: Path, workshop: Workshop, three_models: list[str]
) -> None:
    engine = Engine(tmp_path, memory_budget_bytes=50, build=workshop.build)
    engine.load("custom:1")
    engine.load("custom:2")
    assert [key for key in three_models if engine.is_loaded(key)] == ["custom:2"]


def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError):
        Engine(tmp_path).load("efficientnet:0.0.0")


def test_missing_weights_are_named_and_looked_for_again(
    tmp_path: Path, workshop: Workshop, three_models: list[str]
) -> None:
    engine = Engine(tmp_path, build=workshop.build)
    content = (tmp_path / "2.pth").read_bytes()
    (tmp_path / "2.pth").unlink()
    with pytest.raises(WeightsMissingError) as missing:
        engine.load("custom:2")
    assert missing.value.code == "weights_missing"
    (tmp_path / "2.pth").write_bytes(content)
    engine.load("custom:2")


def test_one_changed_byte_in_the_weights_is_refused_before_anything_is_built(
    tmp_path: Path, workshop: Workshop, three_models: list[str]
) -> None:
    (tmp_path / "3.pth").write_bytes(b"3" * 99 + b"4")
    with pytest.raises(WeightsDamagedError) as damaged:
        Engine(tmp_path, build=workshop.build).load("custom:3")
    assert damaged.value.code == "weights_damaged"
    assert workshop.built == []


def test_weights_that_are_no_checkpoint_are_refused(tmp_path: Path, three_models: list[str]) -> None:
    with pytest.raises(WeightsDamagedError):
        Engine(tmp_path).load("custom:1")


def test_what_the_web_process_imports_brings_neither_torch_nor_django() -> None:
    program = (
        "import sys\n"
        "from mlmodels.inference import catalogue, engine, pictures, runtime\n"
        "engine.Engine(catalogue.Path('.')).is_loaded('efficientnet:1.0.0')\n"
        "catalogue.weights_path(catalogue.find('efficientnet:1.0.0'), catalogue.Path('.'))\n"
        "print(sorted({'torch', 'torchvision', 'timm', 'django', 'celery'} & set(sys.modules)))\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
