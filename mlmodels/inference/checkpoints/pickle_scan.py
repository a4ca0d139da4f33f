"""Reads the operations of a pickle without carrying out any of them, and lets through what a plain state dict needs."""

import pickletools
from collections import deque
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from mlmodels.inference.checkpoints.safetensors_header import MAX_TENSORS
from mlmodels.inference.errors import CheckpointError

# Twenty thousand tensors take less; what is longer would also keep the reader busy for seconds.
MAX_BYTES = 4 * 1024**2
_MAX_OPERATIONS = 1_000_000
_NAME_CHARACTERS = 100

_STORAGES = ("Bool", "Byte", "Char", "Short", "Int", "Long", "Half", "BFloat16", "Float", "Double")
# Fewer than torch's own list under `weights_only`: no sparse, quantized, nested or subclassed tensors, no dtypes.
_GLOBALS = {
    "",  # most operations ask for none
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    *(f"torch {name}Storage" for name in _STORAGES),
}
# What torch.save writes. All others are refused: those that fetch or build objects in other ways (STACK_GLOBAL, INST,
# OBJ, NEWOBJ, EXT1 …), buffers and persistent names from outside, and the text operations of protocol 0.
_OPERATIONS = {
    *("PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "BUILD", "BINPERSID"),
    *("NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("EMPTY_DICT", "SETITEM", "SETITEMS", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"),
}
# Files of torch before 1.6: magic number, protocol, system, the objects, the names of the storages.
_LEGACY_PICKLES = 5
_PROTOCOL = b"\x80"

Operation = tuple[str, str]  # its name, and the global that it asks for if it does


def check(pickle: bytes) -> None:
    """Raises CheckpointError "holds_code" at the first thing that a plain state dict does not need, "damaged" when it
    is no pickle, "too_many_tensors" when it is too long. Keeps nothing of what it reads."""
    if len(pickle) > MAX_BYTES:
        raise CheckpointError("too_many_tensors", limit=MAX_TENSORS)
    try:
        for operation, name in _operations(BytesIO(pickle)):
            if operation not in _OPERATIONS or name not in _GLOBALS:
                raise CheckpointError("holds_code", name=name or operation)
    except ValueError as error:
        raise CheckpointError("damaged", detail=f"data.pkl: {error}") from error


def refuse_bare(file: BinaryIO) -> None:
    """Raises CheckpointError when the file begins with a pickle: "holds_code" when that would import anything but what
    torch writes, else "legacy_format"."""
    file.seek(0)
    start = file.read(MAX_BYTES)
    found = list(_beginning(BytesIO(start)))
    if start.startswith(_PROTOCOL) or ("STOP", "") in found:
        foreign = next((name for _operation, name in found if name not in _GLOBALS), None)
        if foreign:
            raise CheckpointError("holds_code", name=foreign)
        raise CheckpointError("legacy_format")


def _beginning(stream: BytesIO) -> Iterator[Operation]:
    try:
        for _ in range(_LEGACY_PICKLES):
            yield from _operations(stream)
    except (ValueError, CheckpointError):
        return  # tensors follow, or it was no pickle at all


def _operations(stream: BytesIO) -> Iterator[Operation]:
    """Up to and with the end of the pickle. Raises ValueError where it breaks off, CheckpointError when it is long."""
    texts: deque[str] = deque(maxlen=2)
    for number, (operation, argument, _position) in enumerate(pickletools.genops(stream)):
        if number == _MAX_OPERATIONS:
            raise CheckpointError("too_many_tensors", limit=MAX_TENSORS)
        if operation.name in ("GLOBAL", "INST"):
            yield operation.name, str(argument)[:_NAME_CHARACTERS]
        elif operation.name == "STACK_GLOBAL":
            yield operation.name, " ".join(texts)[:_NAME_CHARACTERS] or "?"
        else:
            yield operation.name, ""
        if isinstance(argument, str):
            texts.append(argument)
