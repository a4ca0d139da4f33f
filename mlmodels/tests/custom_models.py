"""Models such as staff add: networks of torchvision and timm for a few classes, with seeded weights."""

from pathlib import Path

import timm
import torch
import torchvision

from mlmodels.inference import architectures
from mlmodels.inference.catalogue import ModelSpec, StoredWeights
from mlmodels.tests import seeded_weights

LABELS = ("a cat", "a cup of coffee", "a rocket", "an astronaut")


def spec(architecture: str, labels: tuple[str, ...] = LABELS, *, version: str = "1") -> ModelSpec:
    listed = architectures.find(architecture)
    return ModelSpec(
        name="custom",
        version=version,
        library=listed.library,
        architecture=listed.name,
        weights=StoredWeights(f"custom-{version}.safetensors"),
        labels=labels,
        preprocessing=listed.preprocessing,
    )


def newborn(architecture: str, classes: int = len(LABELS)) -> torch.nn.Module:
    """The library's own network, made by the library's own means."""
    library, _, name = architecture.partition("/")
    with torch.random.fork_rng():
        torch.manual_seed(seeded_weights.SEED)
        if library == "timm":
            return timm.create_model(name, num_classes=classes)
        made: torch.nn.Module = torchvision.models.get_model(name, num_classes=classes)
        return made


def network(architecture: str) -> torch.nn.Module:
    """The same with signals and logits as large as training makes them, in evaluation mode."""
    return seeded_weights.lively(newborn(architecture))


def saved_by_training(network: torch.nn.Module, path: Path) -> Path:
    """As scripts that train on several devices write it."""
    state = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 90, "best_accuracy": 88.8, "arch": "resnet"}, path)
    return path
