"""What is found out about labels of a picture; free of torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlmodels.inference.preprocessing import Box

# One number for each label: see `occlusion.scores`.
Scores = Sequence[float]
# What is known so far, and how much of it there will be. May raise to end the work.
OnProgress = Callable[[Sequence[Scores], int], None]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`heat` has shape (labels, rows, columns), float32 from 0 to 1: each map by its own greatest value, and 0 all over
    where nothing speaks for the label. It lies over `seen`, the part of the picture that the network was given;
    `size_px` is the whole picture's."""

    method: Literal["grad_cam", "occlusion"]
    labels: Sequence[str]
    heat: NDArray[np.float32]
    seen: Box
    size_px: tuple[int, int]
