"""Networks for the labels of staff: as many outputs as labels, and only weights that are exactly theirs."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mlmodels.inference import networks
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.errors import WeightsDamagedError
from mlmodels.inference.networks import Network
from mlmodels.inference.weights import CheckedWeights
from mlmodels.tests import custom_models

IN_TIMM, IN_TORCHVISION = "timm/test_resnet", "torchvision/mobilenet_v3_small"


def built(spec: ModelSpec, state: dict[str, torch.Tensor], folder: Path) -> Network:
    path = folder / "custom.safetensors"
    save_file(state, path)
    return networks.build(spec, CheckedWeights(path, sha256=""))


@pytest.mark.parametrize("architecture", [IN_TIMM, IN_TORCHVISION])
def test_a_network_has_as_many_outputs_as_there_are_labels(tmp_path: Path, architecture: str) -> None:
    spec = custom_models.spec(architecture)
    network = built(spec, custom_models.newborn(architecture).state_dict(), tmp_path)
    assert (network.labels, network.preprocessing) == (custom_models.LABELS, spec.preprocessing)
    with torch.inference_mode():
        assert network.module(torch.zeros(2, 3, 160, 160)).shape == (2, len(custom_models.LABELS))


def test_half_precision_is_widened(tmp_path: Path) -> None:
    state = custom_models.newborn(IN_TIMM).state_dict()
    halves = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    network = built(custom_models.spec(IN_TIMM), halves, tmp_path)
    assert {parameter.dtype for parameter in network.module.parameters()} == {torch.float32}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_at_every_load(tmp_path: Path, value: float) -> None:
    state = custom_models.newborn(IN_TIMM).state_dict()
    state["fc.bias"][0] = value
    with pytest.raises(WeightsDamagedError):
        built(custom_models.spec(IN_TIMM), state, tmp_path)


def test_weights_for_other_labels_are_refused_at_every_load(tmp_path: Path) -> None:
    spec = replace(custom_models.spec(IN_TIMM), labels=("one", "two"))
    with pytest.raises(WeightsDamagedError):
        built(spec, custom_models.newborn(IN_TIMM).state_dict(), tmp_path)


@pytest.mark.parametrize("architecture", ["torchvision/regnet_y_128gf", "timm/vit_giant_patch14_224"])
def test_the_form_of_a_network_is_known_without_memory_for_it(architecture: str) -> None:
    library, _, name = architecture.partition("/")
    parameters = list(networks.without_memory(library, name, classes=3).parameters())
    assert sum(parameter.numel() for parameter in parameters) > 5e8
    assert {parameter.device.type for parameter in parameters} == {"meta"}
