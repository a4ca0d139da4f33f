"""What all peers run: the same weights in eager torch, with the library's own preprocessing."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torchvision import transforms

from mlmodels.inference import catalogue, networks
from mlmodels.inference.weights import checked

MODEL = "efficientnet:1.0.0"
IS_TUNED = os.environ.get("TUNED") == "1"
BATCH_SIZE = 16


class Eager:
    """Tuned: one thread for each of two workers, and channels last, which CPUs convolve faster."""

    def __init__(self) -> None:
        if IS_TUNED:
            torch.set_num_threads(1)
        spec = catalogue.find(MODEL)
        path = catalogue.weights_path(spec, Path())
        assert path is not None
        network = networks.build(spec, checked(spec.weights, path))
        self.labels = network.labels
        self.module = network.module.eval()
        if IS_TUNED:
            self.module = self.module.to(memory_format=torch.channels_last)
        bicubic = transforms.InterpolationMode.BICUBIC
        steps = (transforms.Resize(256, bicubic), transforms.CenterCrop(224), transforms.ToTensor())
        self.preprocess = transforms.Compose([*steps, transforms.Normalize([127 / 255] * 3, [128 / 255] * 3)])

    def prepared(self, content: bytes) -> torch.Tensor:
        """(3, 224, 224), float32."""
        pixels: torch.Tensor = self.preprocess(Image.open(io.BytesIO(content)).convert("RGB"))
        return pixels

    def classified(self, pixels: Sequence[torch.Tensor]) -> list[list[dict[str, Any]]]:
        """The five best labels of each picture."""
        batch = torch.stack(list(pixels))
        if IS_TUNED:
            batch = batch.to(memory_format=torch.channels_last)
        with torch.inference_mode():
            best = self.module(batch).softmax(dim=1).topk(5)
        pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
        return [
            [{"label": self.labels[index], "confidence": value} for value, index in zip(values, indices, strict=True)]
            for values, indices in pairs
        ]
