"""Whatever a file's colours, orientation or coding: the model sees the same scene and says the same first label."""

import io

import pytest

from mlmodels.inference import pictures
from mlmodels.inference.classifier import Prediction
from mlmodels.inference.torch_classifier import TorchClassifier
from mlmodels.tests.photographs import MAX_PIXELS, STORED, decoded, photograph, photograph_path
from mlmodels.tests.writings import WRITINGS, turned

# Each has a first label that stands well above its second. The cat is left out: any JPEG exchanges its three kinds.
WHAT_IS_ON_THEM = {"coffee": "espresso", "rocket": "missile", "motorcycle_left": "moped"}


def first(classifier: TorchClassifier, file: io.BytesIO) -> Prediction:
    picture = pictures.decode(file, max_pixels=MAX_PIXELS, at_least_px=classifier.decode_at_least_px)
    return classifier.classify([classifier.preprocess(picture)])[0][0]


LOSSLESS = ["RGBA", "BMP", "lossless WebP", "animated PNG", "TIFF of two pages"]


@pytest.mark.parametrize("name", WRITINGS)
@pytest.mark.parametrize("scene", WHAT_IS_ON_THEM)
def test_a_scene_is_what_it_is_however_it_is_written_down(efficientnet: TorchClassifier, scene: str, name: str) -> None:
    assert first(efficientnet, WRITINGS[name](photograph(scene))).label == WHAT_IS_ON_THEM[scene]


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("scene", ["coffee", "chelsea", "rocket", "astronaut", "hubble_deep_field"])
def test_what_loses_nothing_brings_the_very_pixels_back(scene: str, name: str) -> None:
    assert decoded(WRITINGS[name](photograph(scene))).tobytes() == photograph(scene).tobytes()


def test_the_orientation_of_a_heic_does_not_change_what_is_on_it(efficientnet: TorchClassifier) -> None:
    files = [photograph_path(f"coffee_as_{orientation}").read_bytes() for orientation in STORED]
    assert {first(efficientnet, io.BytesIO(content)).label for content in files} == {"espresso"}


@pytest.mark.parametrize("portrait", [False, True])
def test_the_orientation_of_a_jpeg_does_not_change_what_is_on_it(efficientnet: TorchClassifier, portrait: bool) -> None:
    scene = photograph("coffee").crop((100, 0, 400, 400)) if portrait else photograph("coffee")
    seen = [first(efficientnet, turned(scene, orientation, quality=95)) for orientation in STORED]
    assert {found.label for found in seen} == {seen[0].label}
    assert [found.confidence for found in seen] == pytest.approx([seen[0].confidence] * 8, abs=2)
