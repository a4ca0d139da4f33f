"""Weights that have come are loaded once by a worker, before anybody's picture has to wait for that."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from mlmodels import exams
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import StoredWeights
from mlmodels.models import MLModel, ModelExam
from mlmodels.partial_file import record_sha256
from mlmodels.tests.factories import MLModelFactory
from mlmodels.worker import look_after_exams

DIGEST = "5" * 64


@pytest.fixture
def fetched(db: None, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> MLModel:
    """A model of the catalogue whose weights have just come."""
    settings.WEIGHTS_DIR = tmp_path
    weights = StoredWeights("network.pth")
    monkeypatch.setitem(
        catalogue.MODELS, "resnet50:new", replace(catalogue.find("resnet50:1.0.0"), version="new", weights=weights)
    )
    (tmp_path / "network.pth").write_bytes(b"weights")
    record_sha256(tmp_path / "network.pth", DIGEST)
    return MLModelFactory.create(name="resnet50", version="new")


def ended(model: MLModel, state: str) -> None:
    now = timezone.now()
    passed_at = now if state == ModelExam.State.PASSED else None
    facts = {"weights_sha256": DIGEST} if passed_at else {}
    ModelExam.objects.filter(model=model).update(
        state=state, details={}, facts=facts, passed_at=passed_at, started_at=now, ended_at=now
    )


def is_offered(model: MLModel) -> bool:
    return model.key in {found.key for found in MLModel.objects.offered()}


@pytest.mark.parametrize("state", [ModelExam.State.PASSED, ModelExam.State.FAILED])
def test_a_model_is_offered_once_its_new_weights_were_loaded_or_that_was_tried(fetched: MLModel, state: str) -> None:
    assert exams.prepare(fetched.key)
    assert not is_offered(fetched)

    ended(fetched, state)

    assert is_offered(fetched)


def test_weights_that_were_loaded_before_are_ready_at_once(fetched: MLModel) -> None:
    exams.prepare(fetched.key)
    ended(fetched, ModelExam.State.PASSED)

    assert not exams.prepare(fetched.key)
    assert is_offered(fetched)


def test_other_weights_than_those_that_were_loaded_are_loaded_again(fetched: MLModel, tmp_path: Path) -> None:
    exams.prepare(fetched.key)
    ended(fetched, ModelExam.State.PASSED)
    record_sha256(tmp_path / "network.pth", "6" * 64)

    assert exams.prepare(fetched.key)


def test_an_exam_that_staff_ask_for_takes_no_model_from_anybody(fetched: MLModel) -> None:
    exams.request(fetched)
    assert is_offered(fetched)


@pytest.mark.django_db(transaction=True)
def test_a_worker_finds_weights_that_somebody_copied_and_loads_them_once(fetched: MLModel) -> None:
    look_after_exams()
    assert ModelExam.objects.get(model=fetched).is_first_load
    assert not is_offered(fetched)
    ended(fetched, ModelExam.State.FAILED)

    look_after_exams()

    assert ModelExam.objects.get(model=fetched).state == ModelExam.State.FAILED
    assert not ModelExam.objects.filter(model__name="efficientnet").exists()  # came with the installation


def test_nothing_is_loaded_that_is_not_here(fetched: MLModel, tmp_path: Path) -> None:
    (tmp_path / "network.pth").unlink()
    assert not exams.prepare(fetched.key)
    assert not exams.prepare("resnet50:unknown")


def test_staff_see_that_a_model_is_being_prepared(fetched: MLModel, staff: User, client: Client) -> None:
    exams.prepare(fetched.key)
    client.force_login(staff)
    assert "being prepared" in client.get("/admin/mlmodels/mlmodel/").content.decode()
