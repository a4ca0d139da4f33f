"""Pickles that would run a command when they are loaded, and the wrappings that checkpoints come in."""

import io
import os
import pickle
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any


class Calling:
    """Pickled, it is an order to call `function` with `arguments`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._order = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self._order


def payloads(canary: str) -> dict[str, bytes]:
    """By name; all but "nt system" make the file `canary` on Linux when they are unpickled."""
    command = f"touch {canary}"
    code = f"open({canary!r}, 'w')"
    nested = "c__builtin__\ngetattr\n(c__builtin__\n__import__\n(Vos\ntRVsystem\ntR"
    return {
        "os.system, protocol 0": f"cos\nsystem\n(V{command}\ntR.".encode(),
        "builtins.exec, protocol 0": f"c__builtin__\nexec\n(V{code}\ntR.".encode(),
        "posix.system, protocol 1": pickle.dumps(Calling(os.system, command), 1),
        "posix.system, protocol 2": pickle.dumps(Calling(os.system, command), 2),
        "builtins.exec, protocol 2": pickle.dumps(Calling(exec, code), 2),
        "posix.system, protocol 4": pickle.dumps(Calling(os.system, command), 4),
        "nt system": f"cnt\nsystem\n(V{command}\ntR.".encode(),
        "INST": f"(V{command}\nios\nsystem\n.".encode(),
        "OBJ": f"(cos\nsystem\nV{command}\no.".encode(),
        "nested reduce": f"{nested}(V{command}\ntR.".encode(),
        "in the midst of tensors": pickle.dumps({"weight": [1.0], "bias": Calling(os.system, command)}, 2),
    }


def in_zip(
    pickled: bytes, others: Mapping[str, bytes] | None = None, *, compression: int = zipfile.ZIP_STORED
) -> bytes:
    """As torch.save has done since 1.6."""
    members = {"data.pkl": pickled, "byteorder": b"little", "data/0": bytes(64), "version": b"3\n", **(others or {})}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"archive/{name}", content)
    return file.getvalue()


def in_legacy_file(pickled: bytes) -> bytes:
    """As torch.save did before 1.6: a magic number, a protocol, the system, the object, its storages' names."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    before = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, system)]
    return b"".join([*before, pickled, pickle.dumps([], 2), bytes(64)])


def in_legacy_tar(pickled: bytes) -> bytes:
    """As torch.save did before 0.1.10."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in {"sys_info": b"", "pickle": pickled, "storages": b"", "tensors": b""}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def in_script(pickled: bytes) -> bytes:
    """As torch.jit.save does."""
    return in_zip(pickled, {"constants.pkl": pickled, "code/__torch__.py": b"def forward(self): ..."})
