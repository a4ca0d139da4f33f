"""Draws a heat map as a picture to lay over the one that it explains."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlmodels.inference.preprocessing import Box

LONGER_SIDE_PX = 480

# Ten steps of matplotlib's "inferno" (S. van der Walt and N. Smith, 2015, CC0): it grows evenly lighter, in every kind
# of colour vision and on paper.
COLOURS = (
    "#000004", "#1b0c41", "#4a0c6b", "#781c6d", "#a52c60", "#cf4446", "#ed6925", "#fb9b06", "#f7d13d", "#fcffa4",
)  # fmt: skip
WARMEST = 254
UNSEEN = 255  # the colour of what the model was not shown
_UNSEEN_ALPHA = 150


def draw(heat: NDArray[np.floating], *, seen: Box, size_px: tuple[int, int]) -> bytes:
    """A PNG with transparency in the proportions of the picture, for `heat` of shape (rows, columns) from 0 to 1.

    The warmer, the lighter and the less transparent; outside of `seen` it is an even shade. `size_px` is the picture's.
    """
    width_px, height_px = (max(1, round(LONGER_SIDE_PX * side / max(size_px))) for side in size_px)
    left, upper, right, lower = (round(edge * side) for edge, side in zip(seen, (width_px, height_px) * 2, strict=True))
    square = Image.fromarray(heat.astype(np.float32)).resize(
        (max(1, right - left), max(1, lower - upper)), Image.Resampling.BICUBIC
    )
    levels = np.clip(np.asarray(square), 0, 1) * WARMEST
    drawing = Image.new("P", (width_px, height_px), UNSEEN)
    drawing.paste(Image.fromarray(levels.round().astype(np.uint8)), (left, upper))
    drawing.putpalette(palette().tobytes())
    file = io.BytesIO()
    drawing.save(file, "PNG", transparency=bytes(alphas()), optimize=False)
    return file.getvalue()


def palette() -> NDArray[np.uint8]:
    """The colour of each level: shape (256, 3), 0 the coldest, WARMEST the warmest, UNSEEN outside."""
    steps = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in COLOURS], float)
    at = np.linspace(0, len(COLOURS) - 1, WARMEST + 1)
    colours = np.stack([np.interp(at, range(len(COLOURS)), channel) for channel in steps.T], axis=1)
    return np.vstack([colours.round(), np.zeros((1, 3))]).astype(np.uint8)


def alphas() -> list[int]:
    """How opaque each level is, 0 to 255."""
    return [round(255 * (level / WARMEST) ** 0.6) for level in range(WARMEST + 1)] + [_UNSEEN_ALPHA]
