"""Builds a model's network in torch, with its weights, and asks its library for what the catalogue leaves to it."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file
from torchvision.models import EfficientNet_B0_Weights, get_weight

from mlmodels.inference import checkpoint_names, zero_shot
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.errors import WeightsDamagedError
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
        module = _without_weights(spec)
        module.load_state_dict(_renamed(spec, _checkpoint(weights.path), module), strict=True)
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


def _without_weights(spec: ModelSpec) -> torch.nn.Module:
    if spec.library == "torchvision":
        module: torch.nn.Module = torchvision.models.get_model(spec.architecture, weights=None)
        return module
    return timm.create_model(spec.architecture, pretrained=False)


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
    preset = get_weight(spec.pretrained).transforms()
    return Preprocessing.on_unit_scale(
        resize_px=preset.resize_size[0],
        crop_px=preset.crop_size[0],
        interpolation=preset.interpolation.value,
        mean=preset.mean,
        std=preset.std,
    )
