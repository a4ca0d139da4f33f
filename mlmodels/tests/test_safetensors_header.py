"""A header of safetensors is believed only when everything in it fits everything else and the file."""

import io
import json
import tracemalloc
from typing import Any

import pytest
import torch
from safetensors.torch import save

from mlmodels.inference.checkpoints import checkpoint_files, safetensors_header
from mlmodels.inference.checkpoints.safetensors_header import StoredTensor
from mlmodels.inference.errors import CheckpointError

MEBIBYTE = 2**20


class Counted(io.BytesIO):
    read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.read_bytes += len(found)
        return found


def tensor(begin: int = 0, end: int = 8, **others: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [begin, end], **others}


def file(header: object, data_bytes: int = 8, *, header_bytes: int | None = None) -> bytes:
    written = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(written) if header_bytes is None else header_bytes
    return length.to_bytes(8, "little") + written + bytes(data_bytes)


TWO = {"a": tensor(0, 8), "b": tensor(8, 16)}
MALFORMED = {
    "a header of 2^63 bytes": file({"a": tensor()}, header_bytes=2**63),
    "a header of more than 100 MB": file({"a": tensor()}, header_bytes=100_000_001),
    "a header longer than the file": file({"a": tensor()}, header_bytes=10_000),
    "not JSON": file(b"{this is not JSON}"),
    "not UTF-8": file(b'{"\xff": {}}'),
    "a list, brackets deep": file(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "the same name twice": file(b'{"a": %s, "a": %s}' % ((json.dumps(tensor()).encode(),) * 2)),
    "the same field twice": file(b'{"a": {"dtype": "F32", "dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'),
    "overlapping tensors": file({**TWO, "b": tensor(4, 12)}, 12),
    "the same place twice": file({"a": tensor(), "b": tensor()}),
    "a gap": file({"a": tensor(), "b": tensor(16, 24)}, 24),
    "a gap at the beginning": file({"a": tensor(8, 16)}, 16),
    "beyond the end": file(TWO),
    "ends before it begins": file({"a": tensor(8, 0)}),
    "of no size": file({"a": tensor(0, 0, shape=[0])}, 0),
    "less than its shape": file({"a": tensor(shape=[3])}),
    "more than its shape": file({"a": tensor(shape=[1])}),
    "a shape that overflows": file({"a": tensor(shape=[2**62, 2**62])}),
    "a negative length": file({"a": tensor(shape=[-1, -2])}),
    "a fractional offset": file(b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8.0]}}'),
    "true for a length": file({"a": tensor(shape=[True, 2])}),
    "endless digits": file(b'{"a": {"dtype": "F32", "shape": [%s], "data_offsets": [0, 8]}}' % (b"9" * 10_000)),
    "nine dimensions": file({"a": tensor(shape=[1] * 8 + [2])}),
    "three offsets": file({"a": tensor(data_offsets=[0, 4, 8])}),
    "an unknown type": file({"a": tensor(dtype="F31")}),
    "complex numbers": file({"a": tensor(dtype="C64", shape=[1])}),
    "no type": file({"a": {"shape": [2], "data_offsets": [0, 8]}}),
    "one field more": file({"a": tensor(code="x")}),
    "not described": file({"a": "F32"}),
    "a name of control characters": file({"a\0b": tensor()}),
    "a name of half a character": file(b'{"\\ud800": %s}' % json.dumps(tensor()).encode()),
    "metadata that are no texts": file({"__metadata__": {"a": 1}, "a": tensor()}),
    "one byte short": save({"a": torch.ones(9)})[:-1],
    "one byte long": save({"a": torch.ones(9)}) + b"x",
}


def refusal(content: bytes) -> CheckpointError:
    with pytest.raises(CheckpointError) as refused:
        checkpoint_files.inspect(io.BytesIO(content))
    return refused.value


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_file_is_refused(kind: str) -> None:
    assert refusal(MALFORMED[kind]).code == "damaged"


def test_the_same_without_the_fault_is_let_through() -> None:
    for content in (file({"a": tensor()}), file(TWO, 16), file({"__metadata__": {"format": "pt"}, "a": tensor()})):
        assert checkpoint_files.inspect(io.BytesIO(content)) == "safetensors"


def test_what_the_library_writes_is_read_as_it_lies() -> None:
    tensors = {"half": torch.ones(2, 3).half(), "count": torch.tensor(3), "weight": torch.ones(4)}
    found = safetensors_header.read(io.BytesIO(save(tensors)))
    assert {name: one.shape for name, one in found.items()} == {"half": (2, 3), "count": (), "weight": (4,)}
    assert {name: one.is_floating for name, one in found.items()} == {"half": True, "count": False, "weight": True}
    assert found["count"] == StoredTensor("I64", (), 0, 8)


def test_a_million_tensors_are_refused_by_the_length_of_their_header() -> None:
    header = ",".join(f'"{n}":{{"dtype":"U8","shape":[1],"data_offsets":[{n},{n + 1}]}}' for n in range(1_000_000))
    content = Counted(file(f"{{{header}}}".encode(), 1_000_000))
    with pytest.raises(CheckpointError) as refused:
        checkpoint_files.inspect(content)
    assert refused.value.code == "too_many_tensors"
    assert content.read_bytes < MEBIBYTE


def test_more_tensors_than_any_network_has_are_refused_uncounted() -> None:
    header = ",".join(f'"{n}":{{"data_offsets":0}}' for n in range(20_001))
    assert refusal(file(f"{{{header}}}".encode())).code == "too_many_tensors"


@pytest.mark.parametrize("item", [b"[]", b"{}"])
def test_a_header_full_of_nonsense_costs_little_memory(item: bytes) -> None:
    """Little is 100 MB: as much as the header of three megabytes can be blown up to."""
    content = file(b'{"a":[' + b",".join([item] * (3_140_000 // (len(item) + 1))) + b"]}")
    tracemalloc.start()
    try:
        refusal(content)
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()
