"""Explains labels of one picture by heat maps, in the way that suits the network; needs torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mlmodels.inference.errors import LabelUnknownError
from mlmodels.inference.heat import grad_cam, occlusion
from mlmodels.inference.heat.grad_cam import NoFeatureMapError
from mlmodels.inference.networks import Network

GRAD_CAM, OCCLUSION = "grad_cam", "occlusion"

# What is known so far, and how much of it there will be. May raise to end the work.
OnProgress = Callable[[list[occlusion.Scores], int], None]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`heat` has shape (labels, rows, columns), float32 from 0 to 1: each map by its own greatest value, and 0 all over
    where nothing speaks for the label. It lies over the square that the network was given."""

    method: str
    heat: NDArray[np.float32]


def explain(
    network: Network,
    pixels: NDArray[np.float32],
    labels: Sequence[str],
    *,
    on_progress: OnProgress,
    known: Sequence[occlusion.Scores] = (),
) -> Explanation:
    """Where the network sees each of `labels` in `pixels`, which is one input of shape (3, height, width).

    Grad-CAM takes about two passes of the network, occlusion one for each of its places; `known` is what an earlier
    call for the same picture and labels had found out when it was ended. Raises LabelUnknownError.
    """
    classes = [_class_of(label, network) for label in labels]
    batch = torch.from_numpy(pixels)[None]
    if grad_cam.is_convolutional(network.module):
        try:
            return Explanation(GRAD_CAM, _scaled(grad_cam.grad_cam(network.module, batch, classes)))
        except NoFeatureMapError:
            """Its features are gone before it ends: then from outside."""
    found = list(known)
    for scores in occlusion.scores(network.module, batch, classes, start=len(found)):
        found += scores
        on_progress(found, occlusion.PLACES + 1)
    return Explanation(OCCLUSION, _scaled(occlusion.heat(found)))


def _class_of(label: str, network: Network) -> int:
    try:
        return network.labels.index(label)
    except ValueError:
        raise LabelUnknownError(label) from None


def _scaled(heat: torch.Tensor) -> NDArray[np.float32]:
    greatest = heat.amax(dim=(1, 2), keepdim=True)
    scaled: NDArray[np.float32] = torch.where(greatest > 0, heat / greatest, torch.zeros(())).numpy()
    return scaled
