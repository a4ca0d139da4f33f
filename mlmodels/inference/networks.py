"""Builds a model's network in torch, with its weights, and asks its library for what the catalogue leaves to it."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.overrides import TorchFunctionMode
from torchvision.models import EfficientNet_B0_Weights, get_weight
from torchvision.transforms._presets import ImageClassification

from mlmodels.inference import checkpoint_names, zero_shot
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.errors import MisfitError, WeightsDamagedError
from mlmodels.inference.preprocessing import Preprocessing
from mlmodels.inference.weights import CheckedWeights

# Every set of ImageNet weights of torchvision carries the same thousand names in the same order.
_IMAGENET_1K: Sequence[str] = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]

_RAISED_ON_BAD_CHECKPOINTS = (
    pickle.UnpicklingError,  # more than data in it
    SafetensorError,
    EOFError,
    RuntimeError,  # not an archive; parameters that are missing, unknown or of another shape
    KeyError,
    AttributeError,  # a single tensor, or anything else that is no dictionary
    MisfitError,
)


@dataclass(frozen=True, slots=True)
class Network:
    """A module in evaluation mode that maps float32 (n, 3, h, w) to logits (n, classes), and what belongs to it."""

    module: torch.nn.Module
    preprocessing: Preprocessing
    labels: Sequence[str]


def build(spec: ModelSpec, weights: CheckedWeights, cache_dir: Path | None = None) -> Network:
    """The network of `spec` with these weights, on the CPU. Raises WeightsDamagedError when they do not fit it.

    CLIP turns its labels into embeddings here (a minute or two for a thousand) and keeps them in `cache_dir`.
    """
    try:
        if spec.library == "open_clip":
            return _zero_shot(spec, weights, cache_dir)
        module = unfilled(spec.library, spec.architecture, classes=spec.own_classes)
        module.load_state_dict(_renamed(spec, _checkpoint(weights.path), module), strict=True)
        if spec.own_classes:
            _check_finite(module)
    except _RAISED_ON_BAD_CHECKPOINTS as error:
        raise WeightsDamagedError(f"{spec.key}: {weights.path}: {error}") from error
    return Network(module.eval().requires_grad_(False), _preprocessing(spec), label_list(spec))


def label_list(spec: ModelSpec) -> Sequence[str]:
    """What the outputs of the network stand for, in their order."""
    if not isinstance(spec.labels, str):
        return spec.labels
    return zero_shot.IMAGENET_1K if spec.library == "open_clip" else _IMAGENET_1K


def _zero_shot(spec: ModelSpec, weights: CheckedWeights, cache_dir: Path | None) -> Network:
    labels = label_list(spec)
    model = zero_shot.load(spec.architecture, spec.pretrained, weights.path)
    module = zero_shot.classifier(model, spec.architecture, labels, weights_sha256=weights.sha256, cache_dir=cache_dir)
    return Network(module.eval().requires_grad_(False), spec.preprocessing or zero_shot.preprocessing(model), labels)


def unfilled(library: str, architecture: str, *, classes: int | None = None) -> torch.nn.Module:
    """The network of torchvision or timm with the parameters that it is born with, for as many classes as its
    published weights have unless it is told."""
    wish: dict[str, Any] = {} if classes is None else {"num_classes": classes}
    if library == "torchvision":
        module: torch.nn.Module = torchvision.models.get_model(architecture, weights=None, **wish)
        return module
    return timm.create_model(architecture, pretrained=False, **wish)


def without_memory(library: str, architecture: str, *, classes: int) -> torch.nn.Module:
    """The same on torch's meta device: names and shapes only."""
    try:
        with torch.device("meta"):
            return unfilled(library, architecture, classes=classes)
    except NotImplementedError:
        # RegNet computes its widths in tensors, which needs their values.
        with _ParametersWithoutMemory():
            return unfilled(library, architecture, classes=classes)


def _check_finite(module: torch.nn.Module) -> None:
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise MisfitError("not_finite", where="weights", example=name)


class _ParametersWithoutMemory(TorchFunctionMode):
    """Only what is made to be filled has no memory."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        is_made_to_be_filled = func in (torch.empty, torch.zeros, torch.ones)
        return func(*args, **{**(kwargs or {}), **({"device": "meta"} if is_made_to_be_filled else {})})


def _checkpoint(weights: Path) -> dict[str, torch.Tensor]:
    if weights.suffix == ".safetensors":
        return load_file(weights)
    # weights_only: a checkpoint is data, nothing in it may run.
    checkpoint: dict[str, torch.Tensor] = torch.load(weights, map_location="cpu", weights_only=True)
    return checkpoint


def _renamed(spec: ModelSpec, checkpoint: dict[str, torch.Tensor], module: torch.nn.Module) -> dict[str, torch.Tensor]:
    if spec.checkpoint_names == "native":
        return checkpoint
    blocks_per_stage = [len(list(stage.children())) for stage in module.get_submodule("blocks").children()]
    return checkpoint_names.efficientnet_lite_in_timm(checkpoint, blocks_per_stage)


def _preprocessing(spec: ModelSpec) -> Preprocessing:
    if spec.preprocessing is not None:
        return spec.preprocessing
    if spec.pretrained is None:
        raise ValueError(f"{spec.key} names neither its preprocessing nor upstream's weights")
    return preprocessing_of(get_weight(spec.pretrained).transforms())


def preprocessing_of(preset: ImageClassification) -> Preprocessing:
    """What torchvision does to a picture before a network."""
    return Preprocessing.on_unit_scale(
        resize_px=preset.resize_size[0],
        crop_px=preset.crop_size[0],
        interpolation=preset.interpolation.value,
        mean=preset.mean,
        std=preset.std,
    )
