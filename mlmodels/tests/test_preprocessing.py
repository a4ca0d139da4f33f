import numpy as np
import pytest
from PIL import Image

from mlmodels.inference.preprocessing import FULL_SIZE, Preprocessing
from mlmodels.tests import by_hand
from mlmodels.tests.photographs import photograph

LITE0 = Preprocessing(
    resize_px=256,
    crop_px=224,
    interpolation="bicubic",
    mean=(127.0, 127.0, 127.0),
    std=(128.0, 128.0, 128.0),
)


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "astronaut", "hubble_deep_field", "retina"])
@pytest.mark.parametrize("turned", [False, True])
def test_the_array_is_that_of_resizing_and_cropping_by_hand(name: str, turned: bool) -> None:
    picture = photograph(name)
    if turned:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    np.testing.assert_array_equal(LITE0.apply(picture), by_hand.prepared(picture))


@pytest.mark.parametrize("size", [(8, 8), (9, 8), (223, 301), (255, 256), (1000, 251), (997, 1003), (31, 120)])
def test_odd_sizes_are_rounded_as_by_hand(size: tuple[int, int]) -> None:
    picture = photograph("coffee").resize(size)
    np.testing.assert_array_equal(LITE0.apply(picture), by_hand.prepared(picture))


def test_the_array_is_contiguous_float32_in_channel_order() -> None:
    array = LITE0.apply(Image.new("RGB", (300, 400), (255, 127, 0)))
    assert array.dtype == np.float32
    assert array.shape == (3, 224, 224)
    assert array.flags.c_contiguous
    assert [float(channel.mean()) for channel in array] == [1.0, 0.0, -127 / 128]


def test_mean_and_std_are_per_channel_on_the_scale_of_pixels() -> None:
    preprocessing = Preprocessing(
        resize_px=64, crop_px=64, interpolation="bilinear", mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 4.0)
    )
    array = preprocessing.apply(Image.new("RGB", (64, 64), (11, 24, 42)))
    assert array[:, 0, 0].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("size", [(60000, 8), (8, 60000), (30000, 9)])
def test_a_strip_costs_no_more_than_its_middle(size: tuple[int, int]) -> None:
    strip = Image.new("RGB", size, "red")
    middle = (size[0] // 2 - 16, size[1] // 2 - 16)
    strip.paste((0, 0, 255), (*middle, middle[0] + 32, middle[1] + 32))
    array = LITE0.apply(strip)
    assert array.shape == (3, 224, 224)
    assert array[2].min() == 1.0  # all of the crop is the blue middle


def test_a_reduced_picture_is_resized_to_what_becomes_of_the_full_one() -> None:
    """256 x 263; by its own size it would be 262, and everything would stand half a pixel away."""
    full = photograph("coffee").resize((2801, 2880), Image.Resampling.BICUBIC)
    reduced = full.resize((701, 720), Image.Resampling.BICUBIC)
    far_off = np.abs(LITE0.apply(reduced) - LITE0.apply(full)).mean()
    reduced.info = {FULL_SIZE: full.size}

    assert np.abs(LITE0.apply(reduced) - LITE0.apply(full)).mean() < far_off / 3


def test_the_middle_of_a_reduced_strip_is_resized_by_its_own_size() -> None:
    strip = Image.new("RGB", (6000, 750), "red")
    strip.info = {FULL_SIZE: (24000, 3000)}
    assert LITE0.apply(strip).shape == (3, 224, 224)
    assert strip.info == {FULL_SIZE: (24000, 3000)}


def test_a_reduced_decode_keeps_far_more_than_the_resized_side_and_still_quarters_twelve_megapixels() -> None:
    assert LITE0.decode_at_least_px == 704
    assert LITE0.decode_at_least_px < 3000 / 4
