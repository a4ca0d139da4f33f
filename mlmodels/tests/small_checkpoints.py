"""Small checkpoints for tests: MobileNetV3-Small with seeded weights, as safetensors and as torch saves them."""

import io

import torch
import torchvision
from safetensors.torch import save

from mlmodels.tests.factories import LABELS
from mlmodels.tests.seeded_weights import SEED


def network(classes: int = len(LABELS)) -> torch.nn.Module:
    """torchvision's own network, in evaluation mode; its last layer is made to prefer one class clearly."""
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        made: torch.nn.Module = torchvision.models.get_model("mobilenet_v3_small", num_classes=classes).eval()
        with torch.no_grad():
            last = made.get_submodule("classifier.3")
            last.get_parameter("weight").mul_(100)
    return made


def as_safetensors(module: torch.nn.Module) -> bytes:
    return save(module.state_dict())


def as_torch(module: torch.nn.Module) -> bytes:
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    return file.getvalue()
