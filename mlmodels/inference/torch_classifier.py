"""Runs a network of the catalogue in torch; the only module of the engine that imports torch."""

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.models import EfficientNet_B0_Weights

from mlmodels.inference import checkpoint_names
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.classifier import Prediction, ranked
from mlmodels.inference.errors import WeightsDamagedError
from mlmodels.inference.preprocessing import Preprocessing

_NETWORKS: dict[str, Callable[[str], torch.nn.Module]] = {
    "timm": lambda architecture: timm.create_model(architecture, pretrained=False),
}
# Every set of ImageNet weights of torchvision carries the same thousand names in the same order.
_LABELS: dict[str, Sequence[str]] = {
    "imagenet-1k": EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"],
}


class TorchClassifier:
    """A `Classifier` for networks that map (n, 3, h, w) to logits (n, classes); float32 on the CPU."""

    def __init__(self, network: torch.nn.Module, preprocessing: Preprocessing, labels: Sequence[str]) -> None:
        # Channels last: 10 to 20 % faster than contiguous at batches 1 to 16 on a CPU with AVX-512.
        self._network = network.eval().to(memory_format=torch.channels_last)
        self._preprocessing = preprocessing
        self._labels = labels

    @property
    def decode_at_least_px(self) -> int:
        return self._preprocessing.decode_at_least_px

    def preprocess(self, picture: Image.Image) -> NDArray[np.float32]:
        return self._preprocessing.apply(picture)

    def logits(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """float32, shape (len(batch), classes)."""
        pixels = torch.from_numpy(np.stack(batch)).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            output: NDArray[np.float32] = self._network(pixels).numpy()
        return output

    def classify(self, batch: Sequence[NDArray[np.float32]], *, top_k: int = 5) -> list[list[Prediction]]:
        return ranked(self.logits(batch), self._labels, top_k=top_k) if batch else []


def build(spec: ModelSpec, weights: Path) -> TorchClassifier:
    """The network of `spec` with these weights. Raises WeightsDamagedError when they do not fit it."""
    network = _NETWORKS[spec.library](spec.architecture)
    try:
        # weights_only: a checkpoint is data, nothing in it may run.
        checkpoint = torch.load(weights, map_location="cpu", weights_only=True)
        network.load_state_dict(_renamed(spec, checkpoint, network), strict=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError, KeyError) as error:
        raise WeightsDamagedError(f"{spec.key}: {weights}: {error}") from error
    return TorchClassifier(network, spec.preprocessing, label_list(spec.labels))


def label_list(name: str) -> Sequence[str]:
    """What the outputs of a network stand for, in their order."""
    return _LABELS[name]


def _renamed(spec: ModelSpec, checkpoint: dict[str, torch.Tensor], network: torch.nn.Module) -> dict[str, torch.Tensor]:
    if spec.checkpoint_names == "native":
        return checkpoint
    blocks_per_stage = [len(list(stage.children())) for stage in network.get_submodule("blocks").children()]
    return checkpoint_names.efficientnet_lite_in_timm(checkpoint, blocks_per_stage)
