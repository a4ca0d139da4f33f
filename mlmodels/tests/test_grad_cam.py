"""Grad-CAM, number by number against other ways of computing it, and against what is in the picture."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from mlmodels.inference import catalogue, networks
from mlmodels.inference.engine import Engine
from mlmodels.inference.errors import LabelUnknownError
from mlmodels.inference.heat.explaining import Explainer
from mlmodels.inference.heat.grad_cam import grad_cam, is_convolutional
from mlmodels.inference.networks import Network
from mlmodels.tests import seeded_weights
from mlmodels.tests.photographs import photograph

SIDE_PX = 448


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return Engine(tmp_path_factory.mktemp("weights")).network("efficientnet:1.0.0")


def seen(network: Network, picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(network.preprocessing.apply(picture))[None]


def side_by_side() -> Image.Image:
    """A cup of coffee in the left half, a cat in the right one."""
    picture = Image.new("RGB", (SIDE_PX, SIDE_PX))
    half = (SIDE_PX // 2, SIDE_PX)
    picture.paste(photograph("coffee").crop((150, 0, 350, 400)).resize(half), (0, 0))
    picture.paste(photograph("chelsea").crop((95, 0, 245, 300)).resize(half), (SIDE_PX // 2, 0))
    return picture


def heat_over(network: Network, picture: Image.Image, *labels: str) -> NDArray[np.float32]:
    """One map for each label as large as the picture, 0 where the network was shown nothing."""
    explained = Explainer(network).explain(picture, labels, on_progress=never)
    assert explained.method == "grad_cam"
    assert explained.size_px == picture.size
    edges = zip(explained.seen, picture.size * 2, strict=True)
    left, upper, right, lower = (round(edge * side) for edge, side in edges)
    over = np.zeros((len(labels), picture.height, picture.width), np.float32)
    for map_, heat in zip(over, explained.heat, strict=True):
        size = (right - left, lower - upper)
        map_[upper:lower, left:right] = np.asarray(Image.fromarray(heat).resize(size, Image.Resampling.BILINEAR))
    return over


def never(_known: object, _total: int) -> None:
    raise AssertionError("Grad-CAM is one step")


@pytest.mark.parametrize("label", ["espresso", "tabby", "missile"])
def test_over_a_linear_classifier_it_is_the_class_activation_map(network: Network, label: str) -> None:
    """B. Zhou et al., CVPR 2016: pooled features times the class's weights; no gradient is needed there."""
    module, index = network.module, network.labels.index(label)
    pixels = seen(network, photograph("coffee"))
    with torch.inference_mode():
        features = module.forward_features(pixels)[0]
        weights = module.get_parameter("classifier.weight")[index] / features[0].numel()
        expected = torch.einsum("k,kyx->yx", weights, features).relu()

    (found,) = grad_cam(module, pixels, [index])

    assert found.shape == (7, 7)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_over_any_other_head_its_weights_are_the_slopes_that_small_steps_find() -> None:
    module = seeded_weights.network(catalogue.find("mobilenet:1.0.0")).double()
    pixels = torch.from_numpy(np.asarray(photograph("coffee").resize((224, 224)), np.float64) / 128 - 1)
    pixels, index, step = pixels.permute(2, 0, 1)[None], 504, 1e-4

    with torch.inference_mode():
        features = module.get_submodule("features")(pixels)
        # A step of every place of one feature map is one step of that map's mean, which is all that the head gets.
        means, steps = features.mean(dim=(2, 3)), step * torch.eye(features.shape[1], dtype=torch.float64)
        above, below = (module.get_submodule("classifier")(means + way * steps)[:, index] for way in (1, -1))
        slopes = (above - below) / (2 * step)
        expected = torch.einsum("k,kyx->yx", slopes / features[0, 0].numel(), features[0]).relu()

    (found,) = grad_cam(module, pixels, [index])

    assert expected.max() > 0
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("key", "shape"),
    [("efficientnet:b0", (7, 7)), ("resnet50:1.0.0", (7, 7)), ("mobilenet:1.0.0", (7, 7)), ("vgg16:1.0.0", (7, 7))],
)
def test_the_last_feature_map_of_each_network_is_found(key: str, shape: tuple[int, int]) -> None:
    module = networks.without_memory("torchvision", catalogue.find(key).architecture, classes=5).eval()

    assert is_convolutional(module)
    assert grad_cam(module, torch.zeros(1, 3, 224, 224, device="meta"), [3]).shape == (1, *shape)


@pytest.mark.parametrize("name", ["vit_b_32", "swin_t", "convnext_tiny", "maxvit_t"])
def test_what_mixes_the_places_up_is_not_counted_among_the_convolutional(name: str) -> None:
    assert not is_convolutional(networks.without_memory("torchvision", name, classes=5))


def test_the_parameters_are_left_as_they_were(network: Network) -> None:
    grad_cam(network.module, seen(network, photograph("coffee")), [0])

    assert not any(parameter.requires_grad for parameter in network.module.parameters())
    assert all(parameter.grad is None for parameter in network.module.parameters())
    assert not any(part._forward_hooks for part in network.module.modules())


def share_within(heat: NDArray[np.float32], box: tuple[int, int, int, int]) -> float:
    left, upper, right, lower = box
    return float(heat[upper:lower, left:right].sum() / heat.sum())


def test_espresso_is_seen_in_the_cup(network: Network) -> None:
    coffee, cup = photograph("coffee"), (170, 20, 420, 240)

    (heat,) = heat_over(network, coffee, "espresso")

    assert share_within(heat, cup) > 0.7
    assert share_within(np.ones_like(heat), cup) < 0.25


@pytest.mark.parametrize("label", ["tabby", "Egyptian cat"])
def test_a_cat_is_seen_in_its_face(network: Network, label: str) -> None:
    chelsea, face = photograph("chelsea"), (110, 30, 345, 290)

    (heat,) = heat_over(network, chelsea, label)

    assert share_within(heat, face) > 0.9
    assert share_within(np.ones_like(heat), face) < 0.5


def test_two_labels_of_one_picture_point_to_two_places(network: Network) -> None:
    espresso, cat = heat_over(network, side_by_side(), "espresso", "Egyptian cat")

    left, right = (0, 0, SIDE_PX // 2, SIDE_PX), (SIDE_PX // 2, 0, SIDE_PX, SIDE_PX)
    assert share_within(espresso, left) > 0.85
    assert share_within(cat, right) > 0.85
    assert hottest_column(espresso) < SIDE_PX // 2 < hottest_column(cat)


def hottest_column(heat: NDArray[np.float32]) -> int:
    return int(np.unravel_index(heat.argmax(), heat.shape)[1])


def test_maps_are_scaled_by_their_own_greatest_value(network: Network) -> None:
    heat = heat_over(network, photograph("coffee"), "espresso", "cup", "eggnog")

    assert [float(map_.max()) for map_ in heat] == pytest.approx([1, 1, 1], abs=0.01)
    assert heat.min() == 0


def test_a_label_that_the_network_does_not_know_is_refused(network: Network) -> None:
    with pytest.raises(LabelUnknownError):
        Explainer(network).explain(photograph("coffee"), ["tea"], on_progress=never)


@pytest.mark.parametrize("size", [(600, 400), (400, 600), (512, 512), (4000, 90)])
def test_the_square_that_is_seen_is_where_the_input_comes_from(network: Network, size: tuple[int, int]) -> None:
    """Pixels that tell their own place: the input's mean must be the middle of the square."""
    across, down = np.meshgrid(np.linspace(0, 250, size[0]), np.linspace(0, 250, size[1]))
    picture = Image.fromarray(np.stack([across, down, down], axis=2).astype(np.uint8))

    values = network.preprocessing.apply(picture) * 128 + 127
    left, upper, right, lower = network.preprocessing.seen(picture)

    assert values[0].mean() / 250 == pytest.approx((left + right) / 2, abs=0.01)
    assert values[1].mean() / 250 == pytest.approx((upper + lower) / 2, abs=0.01)
    assert np.ptp(values[0]) / 250 == pytest.approx(right - left, abs=0.02)
    assert np.ptp(values[1]) / 250 == pytest.approx(lower - upper, abs=0.02)


def test_a_network_for_a_map_is_made_anew_and_not_kept(tmp_path: Path) -> None:
    engine = Engine(tmp_path)

    assert engine.network("efficientnet:1.0.0") is not engine.network("efficientnet:1.0.0")
    assert not engine.is_loaded("efficientnet:1.0.0")
