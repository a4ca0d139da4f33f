"""What every runtime of a model offers, and how logits become ranked labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True, slots=True)
class Prediction:
    label: str
    confidence: float  # percent, 0 to 100


class Classifier(Protocol):
    @property
    def decode_at_least_px(self) -> int:
        """The shorter side that `pictures.decode` must keep for this model."""

    def preprocess(self, picture: Image.Image) -> NDArray[np.float32]:
        """One picture from `pictures.decode` as one input: float32, shape (3, height, width)."""

    def classify(self, batch: Sequence[NDArray[np.float32]], *, top_k: int = 5) -> list[list[Prediction]]:
        """For each input its `top_k` labels, best first. The inputs run through the network together."""


def ranked(logits: NDArray[np.floating], labels: Sequence[str], *, top_k: int) -> list[list[Prediction]]:
    """Softmax in float64 and the `top_k` best of each row; `logits` has shape (n, len(labels)).

    Equal confidences keep the order of the labels, so the answer never depends on the machine.
    """
    exponents = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    percents = 100 * exponents / exponents.sum(axis=1, keepdims=True)
    best = np.argsort(-percents, axis=1, kind="stable")[:, :top_k]
    return [
        [Prediction(labels[index], float(row[index])) for index in order]
        for row, order in zip(percents, best, strict=True)
    ]
