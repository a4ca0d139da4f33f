"""The networks that an uploaded checkpoint may be for, as data; cheap to import and free of torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from mlmodels.inference.errors import UnknownArchitectureError
from mlmodels.inference.preprocessing import Preprocessing

Library = Literal["torchvision", "timm"]

# Written by `python -m mlmodels.inference.list_architectures`.
PATH = Path(__file__).with_suffix(".json")


@dataclass(frozen=True, slots=True)
class Architecture:
    """An image classifier whose number of classes can be chosen.

    `key` is "torchvision/resnet50". `preprocessing` is what its library does before it with its own weights.
    """

    library: Library
    name: str
    preprocessing: Preprocessing

    @property
    def key(self) -> str:
        return f"{self.library}/{self.name}"


def _read() -> Mapping[str, Architecture]:
    written: dict[str, list[Any]] = json.loads(PATH.read_text(encoding="utf-8"))
    return MappingProxyType({key: _architecture(key, values) for key, values in written.items()})


def _architecture(key: str, values: list[Any]) -> Architecture:
    library, _, name = key.partition("/")
    resize_px, crop_px, interpolation, mean, std = values
    preprocessing = Preprocessing(resize_px, crop_px, interpolation, tuple(mean), tuple(std))
    return Architecture("timm" if library == "timm" else "torchvision", name, preprocessing)


# By their keys, in the order of these.
ARCHITECTURES = _read()


def find(key: str) -> Architecture:
    """The architecture called `library/name`. Raises UnknownArchitectureError."""
    try:
        return ARCHITECTURES[key]
    except KeyError:
        raise UnknownArchitectureError(key) from None
