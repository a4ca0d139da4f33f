"""Says in one of a few words where a heat map is warm."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from mlmodels.inference.preprocessing import Box

WARM = 0.5
ALL_OVER = 0.45


class Place(StrEnum):
    """A ninth of the picture, or none in particular."""

    UPPER_LEFT = "upper_left"
    UPPER = "upper_middle"
    UPPER_RIGHT = "upper_right"
    LEFT = "middle_left"
    MIDDLE = "middle_middle"
    RIGHT = "middle_right"
    LOWER_LEFT = "lower_left"
    LOWER = "lower_middle"
    LOWER_RIGHT = "lower_right"
    ALL_OVER = "all_over"
    NOWHERE = "nowhere"


def place_of(heat: NDArray[np.floating], seen: Box) -> Place:
    """The ninth of the picture that the middle of the warm part lies in; `heat` of shape (rows, columns), 0 to 1."""
    warm = np.where(heat >= WARM, heat, 0)
    if not warm.any():
        return Place.NOWHERE
    if (warm > 0).mean() >= ALL_OVER:
        return Place.ALL_OVER
    left, upper, right, lower = seen
    across = _middle(warm.sum(axis=0)) * (right - left) + left
    down = _middle(warm.sum(axis=1)) * (lower - upper) + upper
    return Place(f"{_third(down, 'upper', 'middle', 'lower')}_{_third(across, 'left', 'middle', 'right')}")


def _middle(weights: NDArray[np.floating]) -> float:
    """The centre of mass of a row of cells, from 0 to 1."""
    centres = (np.arange(len(weights)) + 0.5) / len(weights)
    return float(np.average(centres, weights=weights))


def _third(at: float, first: str, second: str, third: str) -> str:
    return first if at < 1 / 3 else second if at <= 2 / 3 else third
