"""Models on a real GPU: `pytest -m gpu` on a machine that has one."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mlmodels.inference.agreement import compare
from mlmodels.inference.engine import Engine, Options
from mlmodels.inference.golden_pictures import golden_pictures
from mlmodels.inference.torch_classifier import TorchClassifier

pytestmark = pytest.mark.gpu


@pytest.fixture
def on_gpu() -> TorchClassifier:
    classifier = Engine(Path(), options=Options(device="cuda", precision="fp32")).load("efficientnet:1.0.0")
    assert isinstance(classifier, TorchClassifier)
    return classifier


def golden_inputs(classifier: TorchClassifier) -> list[NDArray[np.float32]]:
    return [classifier.preprocess(picture) for picture in golden_pictures(64)]


def test_the_gpu_says_what_the_cpu_says(on_gpu: TorchClassifier, efficientnet: TorchClassifier) -> None:
    batch = golden_inputs(efficientnet)
    assert on_gpu.execution.device == torch.cuda.get_device_name()
    assert compare(on_gpu.logits(batch), efficientnet.logits(batch)).is_close()


def test_without_memory_on_the_gpu_the_answer_is_the_same(
    on_gpu: TorchClassifier, efficientnet: TorchClassifier
) -> None:
    batch = golden_inputs(efficientnet)
    before = on_gpu.execution
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.0)
    try:
        found = on_gpu.logits(batch)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)

    assert on_gpu.execution != before  # smaller batches, or the CPU
    assert compare(found, efficientnet.logits(batch)).is_close()
    assert compare(on_gpu.logits(batch), efficientnet.logits(batch)).is_close()


A_FAULT_INSIDE_A_KERNEL = """
import numpy as np, torch
from mlmodels.inference import catalogue
from mlmodels.inference.errors import DeviceLostError
from mlmodels.inference.networks import Network
from mlmodels.inference.torch_classifier import TorchClassifier

class OutOfBounds(torch.nn.Module):
    def forward(self, pixels):
        return torch.zeros(3, device=pixels.device)[torch.full((len(pixels), 3), 99, device=pixels.device)]

spec = catalogue.find("efficientnet:1.0.0")
classifier = TorchClassifier(Network(OutOfBounds(), spec.preprocessing, ["red"]), device=torch.device("cuda"))
for attempt in range(2):
    try:
        classifier.logits([np.zeros((3, 8, 8), dtype=np.float32)])
    except DeviceLostError:
        print("lost")
"""


def test_a_fault_inside_a_kernel_costs_the_process_its_gpu() -> None:
    answer = subprocess.run([sys.executable, "-c", A_FAULT_INSIDE_A_KERNEL], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == ["lost", "lost"]
