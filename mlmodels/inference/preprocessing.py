"""Turns an upright RGB picture into the array that a network takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, cast, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Interpolation = Literal["bilinear", "bicubic"]
# Left, upper, right and lower edge of a part of a picture, as fractions of its width and height.
Box = tuple[float, float, float, float]

_RESAMPLING = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}

# The key in a picture's `info` under which `pictures.decode` tells the width and height that it reduced.
FULL_SIZE = "full_size_px"

# Longer strips are first cut to this many times their shorter side.
MAX_ASPECT = 4


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Shorter side to `resize_px`, centre crop of `crop_px` square, then (value - mean) / std.

    `mean` and `std` are per channel (R, G, B) on the scale of the pixels, 0 to 255.
    """

    resize_px: int
    crop_px: int
    interpolation: Interpolation
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def on_unit_scale(
        cls, *, resize_px: int, crop_px: int, interpolation: str, mean: Sequence[float], std: Sequence[float]
    ) -> Self:
        """From `mean` and `std` on the scale 0 to 1, as torchvision, timm and open_clip state them."""
        if interpolation not in get_args(Interpolation):
            raise ValueError(f"pictures cannot be resized by {interpolation!r}")
        return cls(
            resize_px, crop_px, cast("Interpolation", interpolation), _on_pixel_scale(mean), _on_pixel_scale(std)
        )

    @property
    def decode_at_least_px(self) -> int:
        """The shorter side that a reduced decode must keep so that resizing it hides the reduction.

        2.75 times what is wanted: with twice, small pictures that a full decode costs little lose the most, and with
        three times 12 megapixels (3,000 on the shorter side) could only be halved (`benchmarks/draft_agreement.py`).
        """
        return 11 * self.resize_px // 4

    def apply(self, picture: Image.Image) -> NDArray[np.float32]:
        """float32, shape (3, crop_px, crop_px), C-contiguous. `picture` is of mode RGB; it is resized to what becomes
        of its FULL_SIZE.

        Everything is resized and then cropped, although resizing the crop's box alone is 1 to 2 ms cheaper:
        Pillow keeps that box in single precision, and confidences then differ in the second decimal.
        """
        middle, size_px = self._middle(picture)
        resized = middle.resize(size_px, _RESAMPLING[self.interpolation])
        square = resized.crop(_centre_box(resized.size, self.crop_px, self.crop_px))
        pixels = np.asarray(square).transpose(2, 0, 1)
        values = np.empty(pixels.shape, np.float32)  # channels first from the first step on: a quarter of the time
        np.subtract(pixels, np.array(self.mean, np.float32)[:, None, None], out=values)
        values /= np.array(self.std, np.float32)[:, None, None]
        return values

    def seen(self, picture: Image.Image) -> Box:
        """Which part of the picture becomes the input."""
        middle, size_px = self._middle(picture)
        cut = _centre_box(picture.size, *middle.size)
        square = _centre_box(size_px, self.crop_px, self.crop_px)
        left, upper, right, lower = (
            (cut[axis] + edge / size_px[axis] * middle.size[axis]) / picture.size[axis]
            for axis, edge in zip((0, 1, 0, 1), square, strict=True)
        )
        return left, upper, right, lower

    def _middle(self, picture: Image.Image) -> tuple[Image.Image, tuple[int, int]]:
        """The picture without the far ends of a strip, and the size to resize it to."""
        middle = _without_far_ends(picture)
        full_size = picture.info.get(FULL_SIZE, picture.size) if middle is picture else middle.size
        return middle, self._resized(full_size)

    def _resized(self, size: tuple[int, int]) -> tuple[int, int]:
        """The longer side is cut to whole pixels, as torchvision does."""
        width_px, height_px = size
        shorter_px = min(size)
        return self.resize_px * width_px // shorter_px, self.resize_px * height_px // shorter_px


def _on_pixel_scale(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = (255 * value for value in values)
    return red, green, blue


def _without_far_ends(picture: Image.Image) -> Image.Image:
    """The middle of a strip: resized whole, 60,000 x 8 pixels would grow to 491 million."""
    longest_px = MAX_ASPECT * min(picture.size)
    if max(picture.size) <= longest_px:
        return picture
    return picture.crop(_centre_box(picture.size, min(picture.width, longest_px), min(picture.height, longest_px)))


def _centre_box(size: tuple[int, int], width_px: int, height_px: int) -> tuple[int, int, int, int]:
    left, upper = round((size[0] - width_px) / 2), round((size[1] - height_px) / 2)
    return left, upper, left + width_px, upper + height_px
