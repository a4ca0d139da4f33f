"""One loaded EfficientNet-Lite0 for all of the engine's tests."""

from pathlib import Path

import pytest

from mlmodels.inference.engine import Engine
from mlmodels.inference.torch_classifier import TorchClassifier


@pytest.fixture(scope="session")
def efficientnet(tmp_path_factory: pytest.TempPathFactory) -> TorchClassifier:
    no_weights: Path = tmp_path_factory.mktemp("weights")
    classifier = Engine(no_weights).load("efficientnet:1.0.0")
    assert isinstance(classifier, TorchClassifier)
    return classifier
