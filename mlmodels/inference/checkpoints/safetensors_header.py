"""Reads the header of a safetensors file and believes none of it; the tensors are left alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO, NoReturn

from mlmodels.inference.errors import CheckpointError

# What the format itself allows (the safetensors crate); nothing that is longer is safetensors.
_FORMATS_LIMIT_BYTES = 100_000_000
# The largest network of timm has some thousands; each takes about a hundred bytes of the header.
MAX_TENSORS = 20_000
MAX_HEADER_BYTES = 3 * 1024**2
_MAX_DIMENSIONS = 8
_MAX_NAME_CHARACTERS = 500

_BYTES_OF = {"BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "I32": 4, "I64": 8, "F16": 2, "BF16": 2, "F32": 4, "F64": 8}
_FLOATING = {"F16", "BF16", "F32", "F64"}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """`start` and `end` are counted from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def size_bytes(self) -> int:
        return self.end - self.start

    @property
    def is_floating(self) -> bool:
        return self.dtype in _FLOATING


def is_likely(start: bytes) -> bool:
    """Whether a file that begins like this is meant to be safetensors: a length, then a JSON object."""
    return start[8:9] == b"{"


def read(file: BinaryIO) -> dict[str, StoredTensor]:
    """The tensors of the file by their names, in the order in which they lie there. Raises CheckpointError.

    They fill the file from the end of the header to its own end, one behind the other.
    """
    file_bytes = file.seek(0, 2)
    file.seek(0)
    header_bytes = int.from_bytes(file.read(8), "little")
    if header_bytes > min(_FORMATS_LIMIT_BYTES, file_bytes - 8):
        _refuse("the header is longer than the file or than the format allows")
    if header_bytes > MAX_HEADER_BYTES:
        raise CheckpointError("too_many_tensors", limit=MAX_TENSORS)
    tensors = _tensors(_parsed(file.read(header_bytes)))
    _check_places(tensors, file_bytes - 8 - header_bytes)
    return tensors


def _parsed(header: bytes) -> dict[str, Any]:
    try:
        # The keys of an object are compared by _without_doubles, which would be given each of them.
        if header.count(b'"data_offsets"') > MAX_TENSORS:
            raise CheckpointError("too_many_tensors", limit=MAX_TENSORS)
        found = json.loads(header, object_pairs_hook=_without_doubles, parse_constant=_refuse, parse_float=_refuse)
    except (ValueError, RecursionError):
        _refuse("the header is not JSON")
    if not isinstance(found, dict):
        _refuse("the header is no object")
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        _refuse("a name stands in the header twice")
    return found


def _tensors(header: Mapping[str, Any]) -> dict[str, StoredTensor]:
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        _refuse("the metadata are not texts")
    tensors = [(name, _tensor(name, value)) for name, value in header.items() if name != "__metadata__"]
    if not tensors:
        raise CheckpointError("empty")
    return dict(sorted(tensors, key=lambda one: one[1].start))


def _tensor(name: str, value: Any) -> StoredTensor:
    if not name.isprintable() or len(name) > _MAX_NAME_CHARACTERS:
        _refuse("a name that no parameter has")
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        _refuse(f"{name} is not described as a tensor")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BYTES_OF:
        _refuse(f"{name} is of a type that no network has")
    if not _are_counts(shape) or not _are_counts(offsets) or len(shape) > _MAX_DIMENSIONS or len(offsets) != 2:
        _refuse(f"{name} has no proper shape or place")
    tensor = StoredTensor(dtype, tuple(shape), *offsets)
    if tensor.size_bytes <= 0 or tensor.size_bytes != prod(shape) * _BYTES_OF[dtype]:
        _refuse(f"{name} does not fill its place")
    return tensor


def _are_counts(values: Any) -> bool:
    # bool is an int, but JSON's true is no length.
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**63 for value in values)


def _check_places(tensors: Mapping[str, StoredTensor], data_bytes: int) -> None:
    end = 0
    for name, tensor in tensors.items():
        if tensor.start != end:
            _refuse(f"{name} overlaps another tensor or leaves a gap")
        end = tensor.end
    if end != data_bytes:
        _refuse("the tensors end before or after the file does")


def _refuse(detail: str) -> NoReturn:
    raise CheckpointError("damaged", detail=detail)
