"""Grad-CAM: which parts of a convolutional network's last feature map raise the score of a label.

R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017,
equations 1 and 2: with the feature maps A^k and the label's score y^c before the softmax,

    alpha_k^c = 1/Z sum_ij dy^c/dA^k_ij        L^c = ReLU(sum_k alpha_k^c A^k)
"""

from collections.abc import Sequence
from contextlib import ExitStack

import torch


class NoFeatureMapError(Exception):
    """Nothing on the network's way still has height and width."""


def is_convolutional(module: torch.nn.Module) -> bool:
    """Whether its last feature map lies over the picture as the picture lies under it.

    True of networks of convolutions that normalise over batches, if at all. Those that normalise each place by itself
    (transformers, ConvNeXt, mixtures of both) keep their features in other shapes, or mix the places up.
    """
    kinds = {type(part) for part in module.modules()}
    mixes_places = any("Attention" in kind.__name__ or _normalises_places(kind) for kind in kinds)
    return torch.nn.Conv2d in {base for kind in kinds for base in kind.__mro__} and not mixes_places


def _normalises_places(kind: type) -> bool:
    is_norm = "norm" in kind.__name__.lower() and not issubclass(kind, torch.nn.Sequential)
    return is_norm and not issubclass(kind, torch.nn.BatchNorm2d | torch.nn.LocalResponseNorm)


def grad_cam(module: torch.nn.Module, pixels: torch.Tensor, classes: Sequence[int]) -> torch.Tensor:
    """L^c for each of `classes`: float32, shape (classes, rows, columns), none below 0.

    `pixels` is one input, float32 of shape (1, 3, height, width). One pass forward, and for each class one back to the
    last feature map only. Raises NoFeatureMapError.
    """
    features, logits = _watched(module, pixels)
    heats = []
    for index in classes:
        (gradient,) = torch.autograd.grad(logits[0, index], features, retain_graph=True)
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        heats.append((weights * features).sum(dim=1).relu()[0])
    return torch.stack(heats).detach()


def _watched(module: torch.nn.Module, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The last output of any part that still has height and width, and the logits that were made of it."""
    seen: list[torch.Tensor] = []

    def note(_part: torch.nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 4 and min(output.shape[2:]) > 1:
            seen[:] = [output]

    with ExitStack() as hooks, torch.enable_grad():
        for part in module.modules():
            hooks.callback(part.register_forward_hook(note).remove)
        # The parameters stand still: it is the pixels that the features, and by them the logits, depend on.
        logits = module(pixels.detach().requires_grad_())
    if not seen:
        raise NoFeatureMapError
    return seen[0], logits
