"""One loaded EfficientNet-Lite0 for all of the engine's tests, in torch and converted."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

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


@pytest.fixture
def weights_of_its_own(settings: Settings, tmp_path: Path) -> Path:
    """An empty folder of weights, with the storage of uploaded checkpoints in it, and one for what is made of them."""
    settings.WEIGHTS_DIR = tmp_path / "weights"
    settings.CONVERTED_DIR = tmp_path / "converted"
    at = {"OPTIONS": {"location": settings.WEIGHTS_DIR / "added"}}
    settings.STORAGES = {**settings.STORAGES, "models": {**settings.STORAGES["models"], **at}}
    settings.WEIGHTS_DIR.mkdir()
    return settings.WEIGHTS_DIR


@pytest.fixture
def make_old() -> Callable[[Path], Path]:
    """Makes a file that was last written to two days ago."""

    def make(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left behind")
        two_days_ago = time.time() - 2 * 24 * 3600
        os.utime(path, (two_days_ago, two_days_ago))
        return path

    return make
