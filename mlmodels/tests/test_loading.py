"""Which runtime a machine comes to."""

import logging
from pathlib import Path

import pytest

from mlmodels.inference import conversion, loading
from mlmodels.inference.classifier import Classifier, Execution
from mlmodels.inference.engine import Engine, Options
from mlmodels.inference.openvino_classifier import OpenVinoClassifier
from mlmodels.inference.torch_classifier import TorchClassifier

KEY = "efficientnet:1.0.0"


def loaded(cache_dir: Path | None, options: Options | None = None) -> Classifier:
    return Engine(Path(), cache_dir=cache_dir, options=options or Options()).load(KEY)


@pytest.fixture
def no_conversion(converted: OpenVinoClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model lies converted, and nothing more may be converted."""
    monkeypatch.delattr(conversion, "convert")


@pytest.mark.usefixtures("no_conversion")
def test_a_model_is_converted_once(cache_dir: Path) -> None:
    assert isinstance(loaded(cache_dir), OpenVinoClassifier)
    assert isinstance(loaded(cache_dir, Options(runtime="openvino", precision="fp32", threads=1)), OpenVinoClassifier)


@pytest.mark.usefixtures("no_conversion")
def test_torch_runs_where_it_was_asked_for(cache_dir: Path) -> None:
    classifier = loaded(cache_dir, Options(runtime="torch"))
    assert classifier.execution == Execution("torch", "fp32", "CPU")


@pytest.mark.usefixtures("no_conversion")
def test_torch_runs_where_nothing_can_be_kept() -> None:
    assert isinstance(loaded(None), TorchClassifier)


@pytest.mark.usefixtures("no_conversion")
def test_torch_runs_where_openvino_is_not_installed(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    assert isinstance(loaded(cache_dir), TorchClassifier)


@pytest.mark.usefixtures("no_conversion")
def test_torch_runs_where_the_cache_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    assert isinstance(loaded(tmp_path / "a file" / "converted"), TorchClassifier)


@pytest.mark.usefixtures("no_conversion")
def test_a_gpu_that_is_not_there_is_missed_aloud(cache_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    if loading.has_nvidia_gpu():
        pytest.skip("there is one")
    with caplog.at_level(logging.WARNING):
        classifier = loaded(cache_dir, Options(device="cuda"))
    assert classifier.execution.device == "CPU"
    assert "no NVIDIA GPU was found" in caplog.text
