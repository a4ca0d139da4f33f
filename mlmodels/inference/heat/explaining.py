"""Explains labels of a picture by heat maps, in the way that suits the network; needs torch."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mlmodels.inference.errors import LabelUnknownError
from mlmodels.inference.heat import grad_cam, occlusion
from mlmodels.inference.heat.explanation import Explanation, OnProgress, Scores
from mlmodels.inference.heat.grad_cam import NoFeatureMapError
from mlmodels.inference.networks import Network
from mlmodels.inference.preprocessing import FULL_SIZE


class Explainer:
    """A network that can be asked why."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @property
    def decode_at_least_px(self) -> int:
        """The shorter side that `pictures.decode` must keep for this model."""
        return self._network.preprocessing.decode_at_least_px

    def explain(
        self, picture: Image.Image, labels: Sequence[str], *, on_progress: OnProgress, known: Sequence[Scores] = ()
    ) -> Explanation:
        """Where the network sees each of `labels` in a picture from `pictures.decode`.

        Grad-CAM takes about two passes of the network, occlusion one for each of its places; `known` is what an earlier
        call for the same picture and labels had told when it was ended. Raises LabelUnknownError.
        """
        classes = [self._class_of(label) for label in labels]
        pixels = torch.from_numpy(self._network.preprocessing.apply(picture))[None]
        method, heat = self._heat(pixels, classes, list(known), on_progress)
        seen, size_px = self._network.preprocessing.seen(picture), picture.info.get(FULL_SIZE, picture.size)
        return Explanation(method, labels, _scaled(heat), seen, size_px)

    def _class_of(self, label: str) -> int:
        try:
            return self._network.labels.index(label)
        except ValueError:
            raise LabelUnknownError(label) from None

    def _heat(
        self, pixels: torch.Tensor, classes: Sequence[int], known: list[Scores], on_progress: OnProgress
    ) -> tuple[Literal["grad_cam", "occlusion"], torch.Tensor]:
        module = self._network.module
        if grad_cam.is_convolutional(module):
            try:
                return "grad_cam", grad_cam.grad_cam(module, pixels, classes)
            except NoFeatureMapError:
                """Its features have lost height and width before it ends: then from outside."""
        for scores in occlusion.scores(module, pixels, classes, start=len(known)):
            known += scores
            on_progress(known, occlusion.PLACES + 1)
        return "occlusion", occlusion.heat(known)


def _scaled(heat: torch.Tensor) -> NDArray[np.float32]:
    greatest = heat.amax(dim=(1, 2), keepdim=True)
    scaled: NDArray[np.float32] = torch.where(greatest > 0, heat / greatest, torch.zeros(())).numpy()
    return scaled
