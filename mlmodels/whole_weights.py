"""Whether the weights on this machine are whole; a file that did not change is read once by each process."""

from functools import lru_cache
from pathlib import Path

from mlmodels.inference.weights import PackagedWeights, StoredWeights, checked


def sha256_of(weights: PackagedWeights | StoredWeights, path: Path) -> str:
    """The SHA-256 of a file that is what it should be (about a second for a gigabyte).

    Raises WeightsDamagedError when it is another one, OSError when it cannot be read.
    """
    seen = path.stat()
    return _checked(weights, path, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=64)
def _checked(weights: PackagedWeights | StoredWeights, path: Path, _changed_at_ns: int, _size_bytes: int) -> str:
    return checked(weights, path).sha256
