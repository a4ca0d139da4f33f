"""How a heat map looks, to every kind of eye, and what is said about it in words."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mlmodels.inference.heat import overlay
from mlmodels.inference.heat.overlay import UNSEEN, WARMEST
from mlmodels.inference.heat.place import Place, place_of

# G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, 2009: linear RGB as it looks without one kind of cone.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
WHOLE = (0.0, 0.0, 1.0, 1.0)


def lightness(colours: NDArray[np.uint8], seen_as: object) -> NDArray[np.float64]:
    """CIE L* of sRGB colours."""
    unit = colours / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4) @ np.array(seen_as).T
    luminance = linear.clip(0, 1) @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > (6 / 29) ** 3, 116 * np.cbrt(luminance) - 16, luminance * (29 / 3) ** 3)


def drawn(heat: NDArray[np.floating], **options: object) -> Image.Image:
    picture = Image.open(io.BytesIO(overlay.draw(heat, **({"seen": WHOLE, "size_px": (600, 400)} | options))))
    assert picture.format == "PNG"
    return picture


@pytest.mark.parametrize("kind", BLINDNESS)
def test_warmer_is_lighter_in_even_steps_for_every_kind_of_eye(kind: str) -> None:
    found = lightness(overlay.palette()[: WARMEST + 1], BLINDNESS[kind])

    steps = np.diff(found[::16])
    assert (steps > 0).all()
    assert steps.max() < 3 * np.median(steps)
    assert found[-1] - found[0] > 90


def test_warmer_is_more_opaque() -> None:
    assert overlay.alphas()[0] == 0
    assert overlay.alphas()[WARMEST] == 255
    assert overlay.alphas()[: WARMEST + 1] == sorted(overlay.alphas()[: WARMEST + 1])


def test_the_drawing_has_the_pictures_proportions_and_lies_over_what_was_seen() -> None:
    heat = np.zeros((7, 7))
    heat[0, 6] = 1

    drawing = drawn(heat, seen=(0.25, 0.0, 0.75, 1.0), size_px=(4000, 2000))

    levels = np.asarray(drawing)
    assert drawing.size == (480, 240)
    assert (levels[:, :120] == UNSEEN).all()
    assert (levels[:, 360:] == UNSEEN).all()
    assert (levels[:, 120:360] <= WARMEST).all()
    assert levels[5, 355] > 0.8 * WARMEST
    assert levels[200, 130] == 0
    colours = np.asarray(drawing.convert("RGBA"))
    assert colours[200, 130, 3] == 0
    assert colours[10, 10].tolist() == [0, 0, 0, overlay.alphas()[UNSEEN]]


@pytest.mark.parametrize("size_px", [(3000, 8), (8, 3000), (1, 1)])
def test_pictures_of_odd_shapes_have_drawings_too(size_px: tuple[int, int]) -> None:
    seen = (0.4999, 0.0, 0.5001, 1.0)

    assert min(drawn(np.ones((7, 7)), seen=seen, size_px=size_px).size) >= 1


@pytest.mark.parametrize(
    ("row", "column", "place"),
    [
        (0, 0, Place.UPPER_LEFT),
        (0, 3, Place.UPPER),
        (0, 6, Place.UPPER_RIGHT),
        (3, 0, Place.LEFT),
        (3, 3, Place.MIDDLE),
        (3, 6, Place.RIGHT),
        (6, 0, Place.LOWER_LEFT),
        (6, 3, Place.LOWER),
        (6, 6, Place.LOWER_RIGHT),
    ],
)
def test_the_place_is_the_ninth_of_the_picture_that_is_warm(row: int, column: int, place: Place) -> None:
    heat = np.full((7, 7), 0.2)
    heat[row, column] = 1

    assert place_of(heat, WHOLE) is place


def test_the_place_is_one_in_the_picture_not_in_what_was_seen_of_it() -> None:
    heat = np.zeros((7, 7))
    heat[3, 0] = 1

    assert place_of(heat, WHOLE) is Place.LEFT
    assert place_of(heat, (0.4, 0.0, 0.6, 1.0)) is Place.MIDDLE


def test_a_map_that_is_warm_all_over_or_cold_all_over_says_so() -> None:
    assert place_of(np.ones((7, 7)), WHOLE) is Place.ALL_OVER
    assert place_of(np.zeros((7, 7)), WHOLE) is Place.NOWHERE
