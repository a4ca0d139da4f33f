"""Keeps loaded models: checks their weights, loads them on first use, lets the least recently used go."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlmodels.inference import catalogue, loading
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.classifier import Classifier
from mlmodels.inference.errors import UnknownModelError, WeightsDamagedError, WeightsMissingError
from mlmodels.inference.options import Options
from mlmodels.inference.weights import CheckedWeights, checked

if TYPE_CHECKING:
    from mlmodels.inference.heat.explaining import Explainer
    from mlmodels.inference.networks import Network

__all__ = ["Engine", "Options", "UnknownModelError", "WeightsDamagedError", "WeightsMissingError"]

FindSpec = Callable[[str], ModelSpec]
BuildClassifier = Callable[[ModelSpec, CheckedWeights], Classifier]

DEFAULT_MEMORY_BUDGET_BYTES = 2 * 1024**3
DEFAULT_OPTIONS = Options()


def needed_bytes(weights_bytes: int) -> int:
    """About what a process grows by for a model with so large weights: two copies of them, one laid out for the CPU,
    and what a batch of eight leaves behind. Measured in OpenVINO with 18 to 528 MiB: within a third."""
    return 2 * weights_bytes + 100 * 1024**2


@dataclass(frozen=True, slots=True)
class _Loaded:
    spec: ModelSpec
    classifier: Classifier
    size_bytes: int
    sha256: str


class Engine:
    """The models of one process. Not for use from several threads at once.

    A model's share of `memory_budget_bytes` is what `needed_bytes` says; a model larger than the whole
    budget is still loaded, alone. `find` knows the models by their keys and raises UnknownModelError; it is asked
    every time, so that a model which is deleted or replaced is not run any more. `cache_dir` keeps what is made from
    weights once and for all: converted models and embedded labels; without it everything runs in torch. `build` turns
    checked weights into a classifier.
    """

    def __init__(
        self,
        weights_dir: Path,
        *,
        find: FindSpec = catalogue.find,
        cache_dir: Path | None = None,
        options: Options = DEFAULT_OPTIONS,
        memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
        build: BuildClassifier | None = None,
    ) -> None:
        self._weights_dir = weights_dir
        self._find = find
        self._cache_dir = cache_dir
        self._memory_budget_bytes = memory_budget_bytes
        self._build = build or partial(loading.build, cache_dir=cache_dir, options=options)
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()  # least recently used first

    def is_loaded(self, key: str) -> bool:
        """Whether `load` would answer at once, so that loading can be shown as a stage of its own."""
        return key in self._loaded

    def weights_sha256(self, key: str) -> str:
        """Of the file that a loaded model was built from."""
        return self._loaded[key].sha256

    def load(self, key: str) -> Classifier:
        """The classifier of `name:version`, ready to run.

        Raises UnknownModelError, WeightsMissingError or WeightsDamagedError. Takes a fraction of a second when
        the model lies converted in `cache_dir`; else torch is imported and the model converted (seconds), and the
        labels of CLIP are embedded (a minute or two).
        """
        spec = self._current(key)
        if key not in self._loaded:
            self._loaded[key] = self._load_new(spec)
        self._loaded.move_to_end(key)
        return self._loaded[key].classifier

    def network(self, key: str) -> "Network":
        """The model in plain torch on the CPU, whatever it runs in here: made anew, and not kept.

        Raises what `load` raises. Imports torch.
        """
        spec = self._find(key)
        weights, _size_bytes = self._checked(spec)
        return loading.network_of(spec, weights, self._cache_dir)

    def explainer(self, key: str) -> "Explainer":
        """The same, to be asked why it says what it says."""
        network = self.network(key)
        from mlmodels.inference.heat.explaining import Explainer

        return Explainer(network)

    def _current(self, key: str) -> ModelSpec:
        """What the model is now; what was loaded as another one goes."""
        before = self._loaded.pop(key, None)
        spec = self._find(key)
        if before and before.spec == spec:
            self._loaded[key] = before
        return spec

    def _load_new(self, spec: ModelSpec) -> _Loaded:
        weights, file_bytes = self._checked(spec)
        size_bytes = needed_bytes(file_bytes)
        self._make_room(size_bytes)
        return _Loaded(spec, self._build(spec, weights), size_bytes, weights.sha256)

    def _checked(self, spec: ModelSpec) -> tuple[CheckedWeights, int]:
        """The weights on this machine, and how large their file is."""
        path = catalogue.weights_path(spec, self._weights_dir)
        if path is None:
            raise WeightsMissingError(spec.key)
        return checked(spec.weights, path), path.stat().st_size

    def _make_room(self, size_bytes: int) -> None:
        """Before loading, so that the old and the new model are never both in memory beyond the budget."""
        while self._loaded and self._used_bytes() + size_bytes > self._memory_budget_bytes:
            self._loaded.popitem(last=False)

    def _used_bytes(self) -> int:
        return sum(loaded.size_bytes for loaded in self._loaded.values())
