"""Real networks in torch that fail as networks fail on a GPU."""

from pathlib import Path

import torch

from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.engine import Engine
from mlmodels.inference.networks import Network
from mlmodels.inference.torch_classifier import TorchClassifier

LABELS = ["red", "green", "blue"]


class Cramped(torch.nn.Module):
    """Which colour a picture has most of; there is memory for so many pictures at once."""

    def __init__(self, room_for: int) -> None:
        super().__init__()
        self.room_for = room_for

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if len(pixels) > self.room_for:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return pixels.mean(dim=(2, 3))


class Stuck(torch.nn.Module):
    """Fails for good in the first process that runs it, which leaves `trace`, and in no later one."""

    def __init__(self, trace: Path) -> None:
        super().__init__()
        self.trace = trace
        self.is_stuck = False

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if not self.trace.exists():
            self.trace.touch()
            self.is_stuck = True
        if self.is_stuck:
            raise torch.AcceleratorError("CUDA error: device-side assert triggered")
        return pixels.mean(dim=(2, 3))


def classifier(module: torch.nn.Module, spec: ModelSpec) -> TorchClassifier:
    """The module as a model that sees pictures as `spec` does."""
    assert spec.preprocessing is not None
    return TorchClassifier(Network(module, spec.preprocessing, LABELS))


def engine_of(module: torch.nn.Module) -> Engine:
    """Has the module for every model of the catalogue."""
    return Engine(Path(), build=lambda spec, weights: classifier(module, spec))
