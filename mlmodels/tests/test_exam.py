"""Exams as a worker takes them: in a child, in the sandbox, to the end."""

import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from timm.data.config import resolve_data_config
from timm.data.transforms_factory import create_transform
from torchvision.models import MobileNet_V3_Small_Weights

from mlmodels.inference import catalogue, conversion
from mlmodels.inference.confinement.sandbox import CONTROLS
from mlmodels.inference.exams import exam
from mlmodels.inference.exams.exam import Report
from mlmodels.inference.openvino_classifier import OpenVinoClassifier
from mlmodels.inference.options import Options
from mlmodels.inference.torch_classifier import TorchClassifier
from mlmodels.tests import custom_models
from mlmodels.tests.photographs import photograph
from mlmodels.tests.taken_exams import Exam

IN_TIMM, IN_TORCHVISION = "timm/test_resnet", "torchvision/mobilenet_v3_small"
NAMES = ["coffee", "chelsea", "rocket"]
IN_TORCH = Options(runtime="torch", device="cpu")


@pytest.fixture
def taking(tmp_path: Path) -> Exam:
    return Exam(tmp_path)


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    return custom_models.network(IN_TIMM)


@pytest.fixture(scope="module")
def passed(network: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> tuple[Exam, Report]:
    """The exam of a model of timm, out of a checkpoint as training scripts write it."""
    taking = Exam(tmp_path_factory.mktemp("passed"))
    checkpoint = custom_models.saved_by_training(network, taking.folder / "model_best.pth.tar")
    return taking, taking.take(custom_models.spec(IN_TIMM), checkpoint)


def test_a_sound_model_passes_and_everything_about_it_is_told(passed: tuple[Exam, Report]) -> None:
    taking, report = passed
    assert (report.passed, report.code, report.values) == (True, "", {})
    assert report.facts["controls"] == list(CONTROLS)
    assert report.facts["classes"] == len(custom_models.LABELS)
    assert report.facts["parameters"] == sum(p.numel() for p in custom_models.newborn(IN_TIMM).parameters())
    assert report.facts["weights_sha256"] == sha256(taking.safetensors.read_bytes()).hexdigest()
    assert report.facts["weights_bytes"] == taking.safetensors.stat().st_size
    assert report.facts["same_best"] >= 0.99
    assert report.facts["device"] == "CPU"
    measured = ("load_seconds", "latency_ms", "pictures_per_second", "batch_size", "peak_memory_bytes")
    assert all(report.facts[name] > 0 for name in measured)


def test_the_steps_are_told_in_their_order(passed: tuple[Exam, Report]) -> None:
    steps = passed[0].steps
    assert list(dict.fromkeys(step for step, _percentage in steps)) == list(exam.STEPS)
    percentages = [percentage for _step, percentage in steps]
    assert percentages == sorted(percentages)


def test_the_checkpoint_is_converted_number_by_number(passed: tuple[Exam, Report], network: torch.nn.Module) -> None:
    converted = load_file(passed[0].safetensors)
    expected = network.state_dict()
    assert converted.keys() == expected.keys()
    assert all(torch.equal(converted[name], expected[name]) for name in expected)


def test_nothing_of_the_childs_is_left_but_the_converted_model(passed: tuple[Exam, Report]) -> None:
    taking, _report = passed
    left = [path for path in taking.cache_dir.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert {path.parent.name[:9] for path in left} == {"custom-1-"}
    assert {path.stat().st_uid for path in (*left, taking.safetensors)} == {os.getuid()}


def test_the_first_picture_finds_the_model_converted(
    passed: tuple[Exam, Report], network: torch.nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(conversion, "convert")
    spec = custom_models.spec(IN_TIMM)
    classifier = passed[0].engine(spec, Options(device="cpu", runtime="openvino", precision="fp32")).load(spec.key)
    assert isinstance(classifier, OpenVinoClassifier)
    with torch.inference_mode():
        best = network(expected_inputs(IN_TIMM)).argmax(dim=1).tolist()
    found = classifier.classify([classifier.preprocess(photograph(name)) for name in NAMES])
    assert [row[0].label for row in found] == [custom_models.LABELS[index] for index in best]


def test_logits_are_those_of_timm(passed: tuple[Exam, Report], network: torch.nn.Module) -> None:
    assert_same_logits(passed[0], IN_TIMM, network)


def test_logits_are_those_of_torchvision(taking: Exam) -> None:
    reference = custom_models.network(IN_TORCHVISION)
    save_file(reference.state_dict(), taking.safetensors)
    report = taking.take(custom_models.spec(IN_TORCHVISION), taking.safetensors, options=IN_TORCH, safetensors=None)
    assert report.passed
    assert (report.facts["runtime"], report.facts["precision"], report.facts["same_best"]) == ("torch", "fp32", 1.0)
    assert "convert" not in dict(taking.steps)
    assert_same_logits(taking, IN_TORCHVISION, reference)


def assert_same_logits(taken: Exam, architecture: str, reference: torch.nn.Module) -> None:
    spec = custom_models.spec(architecture)
    classifier = taken.engine(spec, IN_TORCH).load(spec.key)
    assert isinstance(classifier, TorchClassifier)
    with torch.inference_mode():
        expected = reference(expected_inputs(architecture)).numpy()
    assert expected.std(axis=1).min() > 0.3  # the bound below means something
    found = classifier.logits([classifier.preprocess(photograph(name)) for name in NAMES])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def expected_inputs(architecture: str) -> torch.Tensor:
    """As the library prepares the photographs."""
    if architecture == IN_TORCHVISION:
        transform = MobileNet_V3_Small_Weights.DEFAULT.transforms()
    else:
        model = custom_models.newborn(architecture)
        transform = create_transform(**resolve_data_config(model=model))
    return torch.stack([transform(photograph(name)) for name in NAMES])


def test_a_model_of_the_catalogue_takes_the_exam_as_it_is(taking: Exam) -> None:
    spec = catalogue.find("efficientnet:1.0.0")
    weights = catalogue.weights_path(spec, taking.folder)
    report = taking.take(spec, weights, options=IN_TORCH, safetensors=None)
    assert (report.passed, report.code) == (True, "")
    assert (report.facts["classes"], report.facts["weights_sha256"]) == (1000, spec.weights.sha256)


def test_damaged_weights_of_the_catalogue_fail(taking: Exam) -> None:
    weights = taking.folder / "mobilenet_v3_large-5c1a4163.pth"
    weights.write_bytes(b"x")
    report = taking.take(catalogue.find("mobilenet:1.0.0"), weights, safetensors=None)
    assert (report.passed, report.code) == (False, "weights_damaged")
