"""Whether a runtime says what the reference says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlmodels.inference.classifier import percents

# What "auto" takes: 99 of 100 pictures keep their best label, whose confidence moves by a point at most.
SAME_BEST = 0.99
POINTS = 1.0
# What is taken when the precision was asked for by name: bf16 keeps 97 to 99 % and moves single ones by five points.
SAME_BEST_AS_ASKED = 0.9


@dataclass(frozen=True, slots=True)
class Agreement:
    """`same_best`: the share of pictures with the same best label; `points`: the largest difference of that label's
    confidence. Not finite outputs agree with nothing."""

    same_best: float
    points: float

    def is_close(self) -> bool:
        return self.same_best >= SAME_BEST and self.points <= POINTS

    def is_close_enough_as_asked(self) -> bool:
        return self.same_best >= SAME_BEST_AS_ASKED


def compare(found: NDArray[np.floating], reference: NDArray[np.floating]) -> Agreement:
    """Two arrays of logits, shape (n, classes)."""
    if found.shape != reference.shape or not np.isfinite(found).all():
        return Agreement(same_best=0.0, points=100.0)
    ours, theirs = percents(found), percents(reference)
    best = theirs.argmax(axis=1)
    rows = np.arange(len(best))
    # A tie in the reference may fall either way.
    is_same = theirs[rows, ours.argmax(axis=1)] >= theirs[rows, best] - 1e-3
    return Agreement(float(is_same.mean()), float(np.abs(ours - theirs)[rows, best].max()))
