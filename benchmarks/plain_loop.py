"""What the engine is measured against: a library's eager fp32 network and its own preprocessing, nothing else."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import open_clip
import torch
from PIL import Image
from torchvision import transforms
from torchvision.models import get_weight

from mlmodels.inference import catalogue, networks
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.weights import checked
from mlmodels.tests import seeded_weights


class PlainLoop:
    def __init__(self, key: str, weights_dir: Path, *, device: str) -> None:
        spec = catalogue.find(key)
        path = catalogue.weights_path(spec, weights_dir)
        assert path is not None
        self._device = device
        self._module = networks.build(spec, checked(spec.weights, path)).module.to(device)
        self._preprocess = preprocess_of(spec)

    def inputs(self, pictures: Sequence[Image.Image]) -> list[torch.Tensor]:
        return [self._preprocess(picture) for picture in pictures]

    def run(self, inputs: Sequence[torch.Tensor], size: int) -> None:
        """The network alone, `size` pictures at a time."""
        with torch.inference_mode():
            for start in range(0, len(inputs), size):
                pixels = torch.stack(list(inputs[start : start + size])).to(self._device)
                self._module(pixels).softmax(dim=1).topk(5).values.tolist()

    def whole(self, files: Sequence[bytes], size: int) -> None:
        """From bytes to labels."""
        for start in range(0, len(files), size):
            opened = [Image.open(io.BytesIO(content)).convert("RGB") for content in files[start : start + size]]
            self.run(self.inputs(opened), size)


def preprocess_of(spec: ModelSpec) -> Callable[[Image.Image], torch.Tensor]:
    if spec.library == "torchvision":
        preset: Callable[[Image.Image], torch.Tensor] = get_weight(spec.pretrained).transforms()
        return preset
    if spec.library == "open_clip":
        transform: Callable[[Image.Image], torch.Tensor] = open_clip.image_transform(224, is_train=False)
        return transform
    bicubic = transforms.InterpolationMode.BICUBIC
    steps = (transforms.Resize(256, bicubic), transforms.CenterCrop(224), transforms.ToTensor())
    return transforms.Compose([*steps, transforms.Normalize([127 / 255] * 3, [128 / 255] * 3)])


def draw_missing_weights(keys: Sequence[str], weights_dir: Path) -> None:
    """Untrained weights are as fast as trained ones."""
    for key in keys:
        if catalogue.weights_path(catalogue.find(key), weights_dir) is None:
            seeded_weights.seeded(key, weights_dir)


def device(wish: str) -> str:
    return "cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu"
