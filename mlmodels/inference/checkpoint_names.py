"""Translates the parameter names of checkpoints into those of the networks that run them."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

Tensor = TypeVar("Tensor")

_OUTER = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
# The first stage has no expansion, and timm numbers the layers that are there.
_FIRST_STAGE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_OTHER_STAGES = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def efficientnet_lite_in_timm(checkpoint: Mapping[str, Tensor], blocks_per_stage: Sequence[int]) -> dict[str, Tensor]:
    """The checkpoint of efficientnet-lite-pytorch (blocks numbered through) under timm's names (by stage).

    Raises KeyError for a name that such a checkpoint does not have.
    """
    places = [(stage, block) for stage, count in enumerate(blocks_per_stage) for block in range(count)]
    return {_timm_name(name, places): tensor for name, tensor in checkpoint.items()}


def _timm_name(name: str, places: Sequence[tuple[int, int]]) -> str:
    head, _, rest = name.partition(".")
    if head != "_blocks":
        return f"{_OUTER[head]}.{rest}"
    number, layer, parameter = rest.split(".")
    stage, block = places[int(number)]
    layers = _OTHER_STAGES if stage else _FIRST_STAGE
    return f"blocks.{stage}.{block}.{layers[layer]}.{parameter}"
