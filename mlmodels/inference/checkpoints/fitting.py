"""Whether parameters are exactly those of a network, found out before anything is allocated; imports torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch

from mlmodels.inference import networks
from mlmodels.inference.checkpoints.safetensors_header import StoredTensor
from mlmodels.inference.errors import MisfitError


@dataclass(frozen=True, slots=True)
class Form:
    """What a parameter looks like. The precision of its numbers is free, their kind is not."""

    shape: tuple[int, ...]
    is_floating: bool

    @classmethod
    def of_tensor(cls, tensor: torch.Tensor) -> Self:
        return cls(tuple(tensor.shape), tensor.is_floating_point())

    @classmethod
    def of_stored(cls, stored: StoredTensor) -> Self:
        return cls(stored.shape, stored.is_floating)


Forms = Mapping[str, Form]


def check(found: Forms, library: str, architecture: str, *, labels: int) -> None:
    """Raises MisfitError unless the names and forms found are exactly those that the network of this name has in its
    state dict, with as many classes as there are labels."""
    expected = _forms(library, architecture, labels)
    if found != expected:
        classes = _classes(found, expected, _forms(library, architecture, labels + 1))
        if classes and found == _forms(library, architecture, classes):
            raise MisfitError("other_classes", classes=classes, labels=labels)
        raise _misfit(found, expected)


def _forms(library: str, architecture: str, classes: int) -> Forms:
    module = networks.without_memory(library, architecture, classes=classes)
    return {name: Form.of_tensor(tensor) for name, tensor in module.state_dict().items()}


def _classes(found: Forms, expected: Forms, with_one_more: Forms) -> int | None:
    """The length found where the network grows with the number of classes."""
    for name, form in expected.items():
        grown = with_one_more[name]
        if grown != form and name in found and len(found[name].shape) == len(form.shape):
            lengths = zip(found[name].shape, form.shape, grown.shape, strict=True)
            return next(length for length, now, then in lengths if now != then)
    return None


def _misfit(found: Forms, expected: Forms) -> MisfitError:
    missing, unknown = expected.keys() - found.keys(), found.keys() - expected.keys()
    misshapen = {name for name in expected.keys() & found.keys() if expected[name] != found[name]}
    return MisfitError(
        "other_parameters",
        missing=len(missing),
        unknown=len(unknown),
        misshapen=len(misshapen),
        example=min(missing or misshapen or unknown),
    )
