"""Keeps loaded models: checks their weights, loads them on first use, lets the least recently used go."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.classifier import Classifier
from mlmodels.inference.errors import UnknownModelError, WeightsDamagedError, WeightsMissingError

__all__ = ["Engine", "UnknownModelError", "WeightsDamagedError", "WeightsMissingError"]

BuildClassifier = Callable[[ModelSpec, Path], Classifier]

DEFAULT_MEMORY_BUDGET_BYTES = 2 * 1024**3


def _build_in_torch(spec: ModelSpec, weights: Path) -> Classifier:
    # Imported here and nowhere earlier: a process that only forks or answers pages must never hold torch,
    # and a child forked from one that used torch hangs.
    from mlmodels.inference import torch_classifier

    return torch_classifier.build(spec, weights)


@dataclass(frozen=True, slots=True)
class _Loaded:
    classifier: Classifier
    size_bytes: int


class Engine:
    """The models of one process. Not for use from several threads at once.

    A model's share of `memory_budget_bytes` is the size of its weights file; a model larger than the whole
    budget is still loaded, alone. `build` turns checked weights into a classifier (torch unless told).
    """

    def __init__(
        self,
        weights_dir: Path,
        *,
        memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
        build: BuildClassifier = _build_in_torch,
    ) -> None:
        self._weights_dir = weights_dir
        self._memory_budget_bytes = memory_budget_bytes
        self._build = build
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()  # least recently used first

    def is_loaded(self, key: str) -> bool:
        """Whether `load` would answer at once, so that loading can be shown as a stage of its own."""
        return key in self._loaded

    def load(self, key: str) -> Classifier:
        """The classifier of `name:version`, ready to run.

        Raises UnknownModelError, WeightsMissingError or WeightsDamagedError. The first load of a process
        also imports torch (seconds).
        """
        if key not in self._loaded:
            self._loaded[key] = self._load_new(catalogue.find(key))
        self._loaded.move_to_end(key)
        return self._loaded[key].classifier

    def _load_new(self, spec: ModelSpec) -> _Loaded:
        path = catalogue.weights_path(spec, self._weights_dir)
        if path is None:
            raise WeightsMissingError(spec.key)
        _refuse_damaged(spec, path)
        size_bytes = path.stat().st_size
        self._make_room(size_bytes)
        return _Loaded(self._build(spec, path), size_bytes)

    def _make_room(self, size_bytes: int) -> None:
        """Before loading, so that the old and the new model are never both in memory beyond the budget."""
        while self._loaded and self._used_bytes() + size_bytes > self._memory_budget_bytes:
            self._loaded.popitem(last=False)

    def _used_bytes(self) -> int:
        return sum(loaded.size_bytes for loaded in self._loaded.values())


def _refuse_damaged(spec: ModelSpec, path: Path) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != spec.weights.sha256:
        raise WeightsDamagedError(f"{spec.key}: {path} has SHA-256 {found}, not {spec.weights.sha256}")
