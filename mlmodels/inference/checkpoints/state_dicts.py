"""Turns a checkpoint of torch into safetensors; imports torch, and is called in the sandbox of an exam only."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from mlmodels.inference.checkpoints import fitting
from mlmodels.inference.checkpoints.fitting import Form
from mlmodels.inference.errors import CheckpointError

# What training scripts put around a state dict, and what torch's DataParallel puts before its names.
_WRAPPINGS = ("state_dict", "model_state_dict", "model")
_PREFIX = "module."

_RAISED_ON_DAMAGED = (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, TypeError)


def convert(checkpoint: Path, target: Path, library: str, architecture: str, *, labels: int) -> None:
    """Write the parameters in `checkpoint`, which fit the network of this name, to `target` as safetensors.

    Raises CheckpointError, MisfitError, and RuntimeError when memory runs out. Nothing is copied before it fits: a
    tensor may be said to be of any size.
    """
    tensors = _named(_unwrapped(_loaded(checkpoint)))
    fitting.check(
        {name: Form.of_tensor(tensor) for name, tensor in tensors.items()}, library, architecture, labels=labels
    )
    copies = {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    save_file(copies, target, metadata={"format": "pt"})


def _loaded(checkpoint: Path) -> Any:
    try:
        return torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=False)
    except _RAISED_ON_DAMAGED as error:
        if is_shortage(error):
            raise
        raise CheckpointError("damaged", detail=str(error)[:200]) from error


def is_shortage(error: BaseException | None) -> bool:
    """Whether an error of torch, numpy or OpenVINO says that memory has run out."""
    return isinstance(error, MemoryError) or any(
        words in str(error) for words in ("can't allocate memory", "not enough memory", "bad_alloc")
    )


def _unwrapped(loaded: Any) -> Mapping[str, Any]:
    wrapping = next((name for name in _WRAPPINGS if isinstance(loaded, Mapping) and name in loaded), None)
    found = loaded[wrapping] if wrapping else loaded
    if not isinstance(found, Mapping):
        raise CheckpointError("not_a_checkpoint", detail="not a dictionary of tensors")
    if not found:
        raise CheckpointError("empty")
    return found


def _named(found: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    for name, tensor in found.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor) or not _is_plain(tensor):
            raise CheckpointError("not_a_checkpoint", detail=f"{str(name)[:100]} is not a plain tensor")
    prefix = _PREFIX if all(name.startswith(_PREFIX) for name in found) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in found.items()}


def _is_plain(tensor: torch.Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
