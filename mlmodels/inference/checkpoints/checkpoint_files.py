"""Looks into a checkpoint that somebody uploaded: what kind of file it is, and whether it is tensors and nothing else.

Nothing is unpickled and no tensor is read: of a file of gigabytes a few megabytes are looked at, at most.
"""

from dataclasses import dataclass
from typing import BinaryIO, Literal

from mlmodels.inference.checkpoints import pickle_scan, safetensors_header, torch_archive
from mlmodels.inference.errors import CheckpointError

__all__ = ["CheckpointError", "Contents", "Format", "inspect", "look_into"]

Format = Literal["safetensors", "torch"]

_ZIP = b"PK\x03\x04"
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257


@dataclass(frozen=True, slots=True)
class Contents:
    """`tensor_bytes` is what the tensors take in memory as they lie in the file."""

    format: Format
    tensors: int
    tensor_bytes: int


def inspect(file: BinaryIO) -> Format:
    """Which of the two formats the file is in, by its content. Raises CheckpointError, OSError. `file` can seek."""
    return look_into(file).format


def look_into(file: BinaryIO) -> Contents:
    """The same with the size of what it holds."""
    file.seek(0)
    start = file.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
    if not start:
        raise CheckpointError("empty")
    if start.startswith(_ZIP):
        storages = torch_archive.storage_sizes(file)
        return Contents("torch", len(storages), sum(storages))
    if safetensors_header.is_likely(start):
        tensors = safetensors_header.read(file)
        return Contents("safetensors", len(tensors), sum(tensor.size_bytes for tensor in tensors.values()))
    if start[_TAR_MAGIC_AT:] == _TAR_MAGIC:
        raise CheckpointError("legacy_format")
    pickle_scan.refuse_bare(file)
    raise CheckpointError("not_a_checkpoint", detail="neither safetensors nor an archive of torch")
