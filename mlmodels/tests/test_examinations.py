"""What the doctor says about the models that are offered."""

import hashlib
from pathlib import Path

from pytest_django import Settings

from accounts.findings import Finding, Level
from mlmodels import examinations
from mlmodels.inference import catalogue
from mlmodels.inference.weights import StoredWeights, checksum_path
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory


def of(key: str) -> Finding:
    """The only finding on the only model that is offered, which is the default one."""
    MLModel.objects.all().delete()
    name, _colon, version = key.partition(":")
    MLModelFactory.create(name=name, version=version)
    (finding,) = examinations.weights()
    return finding


def test_weights_are_whole_damaged_or_missing(db: None, settings: Settings, tmp_path: Path) -> None:
    settings.WEIGHTS_DIR, settings.DEFAULT_MODEL = tmp_path, "resnet50:1.0.0"
    weights = catalogue.MODELS["resnet50:1.0.0"].weights
    assert isinstance(weights, StoredWeights)
    path = tmp_path / weights.file

    missing = of("resnet50:1.0.0")
    path.write_bytes(b"weights")
    checksum_path(path).write_text(hashlib.sha256(b"weights").hexdigest())
    whole = of("resnet50:1.0.0")
    path.write_bytes(b"weighty matter")
    damaged = of("resnet50:1.0.0")

    assert [missing.level, whole.level, damaged.level] == [Level.WARNING, Level.OK, Level.WRONG]
    assert "fetch_weights resnet50:1.0.0" in missing.repair
    assert "fetch_weights resnet50:1.0.0" in damaged.repair


def test_an_installation_that_offers_no_model_or_not_its_default_one_is_told(db: None, settings: Settings) -> None:
    MLModel.objects.update(is_active=False)
    assert [finding.level for finding in examinations.weights()] == [Level.WRONG]

    settings.DEFAULT_MODEL = "clip:1.0.0"
    MLModel.objects.all().delete()
    MLModelFactory.create(name="efficientnet", version="1.0.0")
    assert [finding.level for finding in examinations.weights()] == [Level.WARNING, Level.OK]


def test_a_gpu_that_is_asked_for_and_not_there_is_a_warning(settings: Settings, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(examinations, "GPU_DEVICE", tmp_path / "nvidia0")
    settings.INFERENCE_DEVICE = "cuda"
    assert [finding.level for finding in examinations.runtime()] == [Level.OK, Level.WARNING]

    settings.INFERENCE_DEVICE = "auto"
    assert [finding.level for finding in examinations.runtime()] == [Level.OK, Level.OK]
