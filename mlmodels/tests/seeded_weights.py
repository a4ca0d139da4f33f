"""Weights that nobody trained, drawn from a seed and written as upstream writes its own."""

import hashlib
from pathlib import Path

import open_clip
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torchvision.models import EfficientNet_B0_Weights

from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.golden_pictures import golden_pictures
from mlmodels.inference.weights import StoredWeights, checksum_path

SEED = 3
# Standard deviation of a trained classifier's logits over its classes, roughly.
LOGIT_SPREAD = 2.0


def network(spec: ModelSpec) -> torch.nn.Module:
    """The library's own network with seeded weights, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        if spec.library == "open_clip":
            return open_clip.create_model(spec.architecture, load_weights=False).eval()
        return lively(torchvision.models.get_model(spec.architecture, weights=None))


def written(spec: ModelSpec, weights_dir: Path, network: torch.nn.Module) -> Path:
    """The network's parameters at the place of the model's weights, with their checksum."""
    assert isinstance(spec.weights, StoredWeights)
    path = weights_dir / spec.weights.file
    if path.suffix == ".safetensors":
        save_file(network.state_dict(), path)
    else:
        torch.save(network.state_dict(), path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    checksum_path(path).write_text(f"{digest}  {path.name}\n", encoding="ascii")
    return path


def seeded(key: str, weights_dir: Path) -> torch.nn.Module:
    """Write seeded weights of a model of the catalogue; the library's own network with the same weights."""
    spec = catalogue.find(key)
    made = network(spec)
    written(spec, weights_dir, made)
    return made


def lively(network: torch.nn.Module) -> torch.nn.Module:
    """Bring signals and logits to the size that training gives them: untrained ones die out or explode on their way."""
    pictures = torch.stack([_seen(picture) for picture in golden_pictures(4)])
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None  # the plain average of what was seen
    with torch.no_grad():
        if any(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.modules()):
            network.train()(pictures)
        spread = network.eval()(pictures).std(dim=1).mean()
        for parameter in _last_layer(network).parameters():
            parameter.mul_(LOGIT_SPREAD / spread)
    return network


def _last_layer(network: torch.nn.Module) -> torch.nn.Module:
    return [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)][-1]


def _seen(picture: Image.Image) -> torch.Tensor:
    pixels: torch.Tensor = EfficientNet_B0_Weights.IMAGENET1K_V1.transforms()(picture)
    return pixels
