"""What every runtime of a model offers, and how logits become ranked labels."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlmodels.inference.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class Prediction:
    label: str
    confidence: float  # percent, 0 to 100


@dataclass(frozen=True, slots=True)
class Execution:
    """How a model is run: "openvino" or "torch"; "fp32", "bf16" or "fp16"; "CPU" or the name of the GPU.

    `largest_batch` is None until the memory of a GPU turned out too small for a batch.
    """

    runtime: str
    precision: str
    device: str
    largest_batch: int | None = None

    def __str__(self) -> str:
        return f"{self.runtime} {self.precision} on {self.device}"


class Classifier(Protocol):
    @property
    def execution(self) -> Execution:
        """May change with a call of `classify` that ran out of memory."""

    @property
    def decode_at_least_px(self) -> int:
        """The shorter side that `pictures.decode` must keep for this model."""

    def preprocess(self, picture: Image.Image) -> NDArray[np.float32]:
        """One picture from `pictures.decode` as one input: float32, shape (3, height, width).

        May be called from several threads at once.
        """

    def classify(self, batch: Sequence[NDArray[np.float32]], *, top_k: int = 5) -> list[list[Prediction]]:
        """For each input its `top_k` labels, best first. The inputs run through the network together."""


class ImageClassifier(ABC):
    """What the runtimes share: everything but the network."""

    def __init__(self, preprocessing: Preprocessing, labels: Sequence[str]) -> None:
        self._preprocessing = preprocessing
        self._labels = labels

    @property
    @abstractmethod
    def execution(self) -> Execution: ...

    @abstractmethod
    def logits(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """float32, shape (len(batch), classes), of at least one input."""

    @property
    def decode_at_least_px(self) -> int:
        return self._preprocessing.decode_at_least_px

    def preprocess(self, picture: Image.Image) -> NDArray[np.float32]:
        return self._preprocessing.apply(picture)

    def classify(self, batch: Sequence[NDArray[np.float32]], *, top_k: int = 5) -> list[list[Prediction]]:
        return ranked(self.logits(batch), self._labels, top_k=top_k) if batch else []


def percents(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Softmax of each row in float64, from 0 to 100."""
    exponents = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = 100 * exponents / exponents.sum(axis=1, keepdims=True)
    return shares


def ranked(logits: NDArray[np.floating], labels: Sequence[str], *, top_k: int) -> list[list[Prediction]]:
    """The `top_k` best of each row with their confidences; `logits` has shape (n, len(labels)).

    Equal confidences keep the order of the labels, so the answer never depends on the machine.
    """
    confidences = percents(logits)
    best = np.argsort(-confidences, axis=1, kind="stable")[:, :top_k]
    return [
        [Prediction(labels[index], float(row[index])) for index in order]
        for row, order in zip(confidences, best, strict=True)
    ]
