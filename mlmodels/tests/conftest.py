"""One loaded EfficientNet-Lite0 for all of the engine's tests, in torch and converted."""

from pathlib import Path

import pytest

from mlmodels.inference.engine import Engine
from mlmodels.inference.openvino_classifier import OpenVinoClassifier
from mlmodels.inference.torch_classifier import TorchClassifier


@pytest.fixture(scope="session")
def efficientnet(tmp_path_factory: pytest.TempPathFactory) -> TorchClassifier:
    no_weights: Path = tmp_path_factory.mktemp("weights")
    classifier = Engine(no_weights).load("efficientnet:1.0.0")
    assert isinstance(classifier, TorchClassifier)
    return classifier


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's models lie converted."""
    folder: Path = tmp_path_factory.mktemp("converted")
    return folder


@pytest.fixture(scope="session")
def converted(cache_dir: Path) -> OpenVinoClassifier:
    classifier = Engine(cache_dir, cache_dir=cache_dir).load("efficientnet:1.0.0")
    assert isinstance(classifier, OpenVinoClassifier)
    return classifier
