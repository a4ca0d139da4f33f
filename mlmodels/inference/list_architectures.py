"""Writes `architectures.json` from the installed libraries: `python -m mlmodels.inference.list_architectures`.

Every network is built and run without memory for it, so that one that does not take another number of classes, or
another picture than its metadata says, is left out (about a quarter of an hour).
"""

import dataclasses
import json
import logging
import math
import warnings
from collections.abc import Iterator
from typing import Any

import timm
import torch
import torchvision
from timm.models import get_pretrained_cfg

from mlmodels.inference import architectures, networks
from mlmodels.inference.architectures import Architecture
from mlmodels.inference.preprocessing import Preprocessing

logger = logging.getLogger(__name__)

# No network comes with so odd a number by itself.
_CLASSES = 7

# Published weights of these run with `transform_input`, others without it, and a checkpoint does not tell which:
# the same parameters give two answers.
_AMBIGUOUS = {"googlenet", "inception_v3"}

# What libraries raise while a network is built or run without memory: operations that need values, keyword arguments
# that a network does not take, optional packages.
_RAISED_BY_UNSUITABLE = (
    RuntimeError,
    TypeError,
    ValueError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    KeyError,
)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    warnings.simplefilter("ignore")
    found = sorted(
        (found for found in (*stated_by_torchvision(), *_timm()) if _is_classifier(found)), key=lambda a: a.key
    )
    lines = [f"{json.dumps(one.key)}: {json.dumps(_values(one.preprocessing))}" for one in found]
    architectures.PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    logger.info("%d architectures", len(found))


def stated_by_torchvision() -> Iterator[Architecture]:
    """Its classifiers with what their newest weights want done to a picture."""
    for name in torchvision.models.list_models(module=torchvision.models):
        if name not in _AMBIGUOUS:
            preset = torchvision.models.get_model_weights(name).DEFAULT.transforms()
            yield Architecture("torchvision", name, networks.preprocessing_of(preset))


def _timm() -> Iterator[Architecture]:
    for name in timm.list_models():
        config = get_pretrained_cfg(name)
        if config and _can_be_prepared_for(config):
            yield Architecture("timm", name, stated_by_timm(config))


def _can_be_prepared_for(config: Any) -> bool:
    """Whether `Preprocessing` can do what timm does before this network."""
    channels, height_px, width_px = config.input_size
    return (
        channels == 3
        and height_px == width_px
        and config.crop_mode == "center"
        and config.interpolation in ("bilinear", "bicubic")
    )


def stated_by_timm(config: Any) -> Preprocessing:
    """As in timm.data.transforms_factory.transforms_imagenet_eval."""
    size_px = config.input_size[1]
    return Preprocessing.on_unit_scale(
        resize_px=math.floor(size_px / config.crop_pct),
        crop_px=size_px,
        interpolation=config.interpolation,
        mean=config.mean,
        std=config.std,
    )


def _is_classifier(architecture: Architecture) -> bool:
    size_px = architecture.preprocessing.crop_px
    try:
        network = networks.without_memory(architecture.library, architecture.name, classes=_CLASSES).eval()
        with torch.inference_mode(), torch.device("meta"):
            output = network(torch.zeros(2, 3, size_px, size_px))
    except _RAISED_BY_UNSUITABLE as error:
        logger.info("%s: %s", architecture.key, str(error).partition("\n")[0])
        return False
    if isinstance(output, torch.Tensor) and output.shape == (2, _CLASSES):
        return True
    logger.info("%s: answers otherwise", architecture.key)
    return False


def _values(preprocessing: Preprocessing) -> list[Any]:
    values = dataclasses.asdict(preprocessing)
    rounded = ([round(value, 6) for value in values[name]] for name in ("mean", "std"))
    return [values["resize_px"], values["crop_px"], values["interpolation"], *rounded]


if __name__ == "__main__":
    main()
