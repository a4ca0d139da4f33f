"""The converted model against the reference, and how fast a process starts with it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mlmodels.inference import catalogue, conversion
from mlmodels.inference.choice import chosen
from mlmodels.inference.classifier import Execution
from mlmodels.inference.converted_models import ConvertedModels, Record
from mlmodels.inference.engine import Engine, Options
from mlmodels.inference.networks import Network
from mlmodels.inference.openvino_classifier import OpenVinoClassifier
from mlmodels.inference.options import cpu_precisions
from mlmodels.inference.torch_classifier import TorchClassifier
from mlmodels.inference.weights import CheckedWeights
from mlmodels.tests import seeded_weights
from mlmodels.tests.photographs import photograph
from mlmodels.tests.test_preprocessing import LITE0
from mlmodels.tests.test_torch_classifier import PHOTOGRAPHS, seen


def test_logits_are_those_of_torch(converted: OpenVinoClassifier, efficientnet: TorchClassifier) -> None:
    batch = [seen(efficientnet, name) for name in PHOTOGRAPHS]
    np.testing.assert_allclose(converted.logits(batch), efficientnet.logits(batch), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_labels_are_those_of_torch_and_confidences_to_the_second_decimal(
    converted: OpenVinoClassifier, efficientnet: TorchClassifier, name: str
) -> None:
    (ours,) = converted.classify([seen(converted, name)])
    (theirs,) = efficientnet.classify([seen(efficientnet, name)])
    assert [found.label for found in ours] == [found.label for found in theirs]
    assert [found.confidence for found in ours] == pytest.approx([found.confidence for found in theirs], abs=1e-3)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 17])
def test_a_batch_of_any_size_says_the_same_as_one_picture_at_a_time(converted: OpenVinoClassifier, size: int) -> None:
    batch = [seen(converted, PHOTOGRAPHS[number % len(PHOTOGRAPHS)]) for number in range(size)]
    alone = np.concatenate([converted.logits([pixels]) for pixels in batch])
    np.testing.assert_allclose(converted.logits(batch), alone, rtol=0, atol=1e-4)


def test_answers_are_not_overwritten_by_the_next_batch(converted: OpenVinoClassifier) -> None:
    first = converted.logits([seen(converted, "coffee")])
    kept = first.copy()
    converted.logits([seen(converted, "chelsea")])
    np.testing.assert_array_equal(first, kept)


def test_an_empty_batch_has_no_answers(converted: OpenVinoClassifier) -> None:
    assert converted.classify([]) == []


def test_it_says_how_it_runs(converted: OpenVinoClassifier) -> None:
    assert converted.execution == Execution("openvino", "fp32", "CPU")


@pytest.mark.usefixtures("converted")
def test_bf16_is_used_when_asked_for(cache_dir: Path, tmp_path: Path) -> None:
    wish = Options(precision="bf16")
    classifier = Engine(tmp_path, cache_dir=cache_dir, options=wish).load("efficientnet:1.0.0")
    assert classifier.execution == Execution("openvino", wish.cpu_precision(), "CPU")
    assert classifier.classify([seen(classifier, "coffee")])[0][0].label == "espresso"


def test_another_network_converts_without_a_difference(tmp_path: Path) -> None:
    reference = seeded_weights.seeded("mobilenet:1.0.0", tmp_path)
    classifier = Engine(tmp_path, cache_dir=tmp_path / "converted").load("mobilenet:1.0.0")
    assert isinstance(classifier, OpenVinoClassifier)
    inputs = [classifier.preprocess(photograph(name)) for name in ("coffee", "chelsea", "rocket")]
    with torch.inference_mode():
        expected = reference(torch.from_numpy(np.stack(inputs))).numpy()
    np.testing.assert_allclose(classifier.logits(inputs), expected, rtol=0, atol=1e-4)


A_WORKER = """
import sys
from pathlib import Path
from mlmodels.inference.engine import Engine
from mlmodels.inference.pictures import decode
classifier = Engine(Path("."), cache_dir=Path(sys.argv[1])).load("efficientnet:1.0.0")
with open(sys.argv[2], "rb") as file:
    picture = decode(file, max_pixels=10**8, at_least_px=classifier.decode_at_least_px)
print(classifier.classify([classifier.preprocess(picture)])[0][0].label)
print(sorted({"torch", "torchvision", "timm", "open_clip"} & set(sys.modules)))
print(sys.modules.get("openvino_telemetry"), "openvino" in sys.modules)
"""


def test_a_worker_whose_model_lies_converted_imports_no_torch_and_reports_to_nobody(
    converted: OpenVinoClassifier, cache_dir: Path
) -> None:
    coffee = str(Path(__file__).parents[1] / "inference" / "golden" / "coffee.jpg")
    argv = [sys.executable, "-c", A_WORKER, str(cache_dir), coffee]
    answer = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == ["espresso", "[]", "None True"]


class OnlyAsTraced(torch.nn.Module):
    """Answers otherwise than when it was traced: a branch in Python does not survive conversion."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        levels = pixels.mean(dim=(2, 3)) * 9
        return levels if not pixels.any() else -levels


class Unconvertible(torch.nn.Module):
    """Draws on an operation that OpenVINO has not."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.linalg.eigvals(pixels[:, :, :3, :3]).real.mean(dim=2)


@pytest.mark.parametrize("module", [OnlyAsTraced(), Unconvertible()])
def test_a_network_that_does_not_survive_conversion_runs_in_torch(module: torch.nn.Module, tmp_path: Path) -> None:
    store = ConvertedModels(tmp_path)
    record = converted_record(module, store)

    assert chosen(record.trials, Options(runtime="openvino")).runtime == "torch"
    assert record.files == {}
    assert store.find("here") == record
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["record.json"]


class MeanColour(torch.nn.Module):
    """What both runtimes can do."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return 9 * pixels.mean(dim=(2, 3))


def test_every_way_to_run_a_model_is_timed_on_the_machine(tmp_path: Path) -> None:
    record = converted_record(MeanColour(), ConvertedModels(tmp_path))

    assert {(trial.runtime, trial.precision) for trial in record.trials} >= {("openvino", "fp32"), ("torch", "fp32")}
    assert all(trial.ms > 0 for trial in record.trials)
    assert record.trials[0].is_sound()
    assert set(record.files) == {"model.xml", "model.bin"}


def converted_record(module: torch.nn.Module, store: ConvertedModels) -> Record:
    return conversion.convert(
        catalogue.find("efficientnet:1.0.0"),
        CheckedWeights(Path("none"), "0" * 64),
        Network(module, LITE0, ["red", "green", "blue"]),
        precisions=cpu_precisions(),
        threads=1,
        store=store,
        place="here",
    )
