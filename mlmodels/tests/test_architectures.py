"""The list of architectures against the libraries that it was written from."""

import random

import pytest
import timm
import torch
import torchvision
from timm.data.config import resolve_data_config
from timm.data.transforms_factory import create_transform
from timm.models import get_pretrained_cfg

from mlmodels.inference import architectures, list_architectures, networks
from mlmodels.inference.architectures import ARCHITECTURES
from mlmodels.inference.errors import UnknownArchitectureError
from mlmodels.tests.photographs import photograph

CLASSES = 7
FAMILIES = [
    "torchvision/resnet18",
    "torchvision/mobilenet_v3_small",
    "torchvision/regnet_y_400mf",
    "torchvision/squeezenet1_1",
    "torchvision/vit_b_32",
    "timm/resnet18",
    "timm/tf_efficientnet_lite0",
    "timm/convnext_atto",
    "timm/vit_tiny_patch16_224",
    "timm/deit_tiny_distilled_patch16_224",
]


def names(library: str) -> set[str]:
    return {architecture.name for architecture in ARCHITECTURES.values() if architecture.library == library}


def test_every_name_is_known_to_its_library() -> None:
    assert names("timm") <= set(timm.list_models())
    assert names("torchvision") <= set(torchvision.models.list_models(module=torchvision.models))


def test_most_classifiers_of_both_libraries_are_listed() -> None:
    assert len(names("timm")) > 1000
    assert len(names("torchvision")) > 70
    assert {"resnet50", "vgg16", "efficientnet_b0", "mobilenet_v3_large", "regnet_y_400mf"} <= names("torchvision")


@pytest.mark.parametrize(
    "name", ["retinanet_resnet50_fpn", "fcn_resnet50", "r3d_18", "quantized_resnet18", "googlenet"]
)
def test_other_networks_are_not_listed(name: str) -> None:
    with pytest.raises(UnknownArchitectureError) as unknown:
        architectures.find(f"torchvision/{name}")
    assert unknown.value.code == "unknown_architecture"


@pytest.mark.parametrize(
    "key", ["", "resnet50", "torchvision/", "os/system", "../torchvision/resnet50", "timm/resnet50 "]
)
def test_a_name_is_looked_up_and_never_imported(key: str) -> None:
    with pytest.raises(UnknownArchitectureError):
        architectures.find(key)


@pytest.mark.parametrize("key", FAMILIES)
def test_the_number_of_classes_can_be_chosen(key: str) -> None:
    architecture = architectures.find(key)
    assert architecture.key == key
    network = networks.without_memory(architecture.library, architecture.name, classes=CLASSES).eval()
    size_px = architecture.preprocessing.crop_px
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, size_px, size_px, device="meta")).shape == (2, CLASSES)


def test_the_list_is_what_the_libraries_metadata_say() -> None:
    """All of torchvision's and every twentieth of timm's."""
    chosen = random.Random(5).sample(sorted(names("timm")), len(names("timm")) // 20)
    stated = {one.key: one.preprocessing for one in list_architectures.stated_by_torchvision()}
    for name in chosen:
        stated[f"timm/{name}"] = list_architectures.stated_by_timm(get_pretrained_cfg(name))
    for key in ARCHITECTURES.keys() & stated.keys():
        listed, expected = ARCHITECTURES[key].preprocessing, stated[key]
        assert (listed.resize_px, listed.crop_px) == (expected.resize_px, expected.crop_px)
        assert listed.interpolation == expected.interpolation
        assert listed.mean == pytest.approx(expected.mean, abs=1e-6)
        assert listed.std == pytest.approx(expected.std, abs=1e-6)
    assert len(ARCHITECTURES.keys() & stated.keys()) > 110


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224", "tf_efficientnet_lite0", "test_resnet"])
def test_pictures_are_prepared_as_timm_does(name: str) -> None:
    config = resolve_data_config(pretrained_cfg=get_pretrained_cfg(name).to_dict())
    expected = create_transform(**config)(photograph("coffee"))
    found = torch.from_numpy(architectures.find(f"timm/{name}").preprocessing.apply(photograph("coffee")))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
