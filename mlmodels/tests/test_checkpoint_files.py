"""Uploaded checkpoints are looked into without loading them: what is more than tensors is refused, and runs nowhere."""

import io
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from mlmodels.inference.checkpoints import checkpoint_files
from mlmodels.inference.checkpoints.checkpoint_files import CheckpointError, Contents
from mlmodels.tests import malicious_pickles
from mlmodels.tests.malicious_pickles import in_zip

PAYLOADS = list(malicious_pickles.payloads(""))
WRAPPINGS = {
    "bare": bytes,
    "torch": in_zip,
    "legacy": malicious_pickles.in_legacy_file,
    "legacy tar": malicious_pickles.in_legacy_tar,
    "script": malicious_pickles.in_script,
}
TENSORS = {"layer.weight": torch.ones(3, 2), "layer.bias": torch.zeros(3), "count": torch.tensor(1)}


class Counted(io.BytesIO):
    """A file that counts what is read of it."""

    read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.read_bytes += len(found)
        return found


def saved(thing: object, **settings: object) -> bytes:
    file = io.BytesIO()
    torch.save(thing, file, **settings)
    return file.getvalue()


def refusal(content: bytes) -> CheckpointError:
    with pytest.raises(CheckpointError) as refused:
        checkpoint_files.inspect(io.BytesIO(content))
    return refused.value


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are a shell's")
def test_the_malicious_pickles_would_do_harm(tmp_path: Path) -> None:
    """Else the tests below would show nothing. Only the one for Windows does none here."""
    harmless = []
    for number, name in enumerate(PAYLOADS):
        canary, file = tmp_path / f"canary-{number}", tmp_path / f"{number}.pkl"
        file.write_bytes(malicious_pickles.payloads(str(canary))[name])
        subprocess.run([sys.executable, "-m", "pickle", file], capture_output=True, check=False)
        harmless += [] if canary.exists() else [name]
    assert harmless == ["nt system"]


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_pickle_that_calls_anything_is_refused_and_nothing_is_called(
    tmp_path: Path, payload: str, wrapping: str
) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "model.safetensors"
    path.write_bytes(WRAPPINGS[wrapping](malicious_pickles.payloads(str(canary))[payload]))
    with path.open("rb") as file, pytest.raises(CheckpointError) as refused:
        checkpoint_files.inspect(file)
    assert refused.value.code == ("legacy_format" if wrapping == "legacy tar" else "holds_code")
    assert not canary.exists()


@pytest.mark.parametrize(
    ("payload", "name"),
    [("INST", "os system"), ("posix.system, protocol 4", f"{os.name} system"), ("OBJ", "os system")],
)
def test_the_refusal_names_what_would_have_been_called(payload: str, name: str) -> None:
    content = malicious_pickles.payloads("canary")[payload]
    assert refusal(content).values == {"name": name}


def test_what_torch_saves_is_let_through() -> None:
    parameters = {name: torch.nn.Parameter(tensor) for name, tensor in TENSORS.items() if tensor.is_floating_point()}
    for thing in (TENSORS, {"state_dict": TENSORS, "epoch": 3, "lr": 0.1, "best": None, "sizes": [(1, 2)]}, parameters):
        assert checkpoint_files.inspect(io.BytesIO(saved(thing))) == "torch"


def test_a_modules_state_dict_is_let_through_with_its_size() -> None:
    module = torch.nn.BatchNorm2d(4)
    found = checkpoint_files.look_into(io.BytesIO(saved(module.state_dict())))
    assert found == Contents("torch", tensors=5, tensor_bytes=4 * 4 * 4 + 8)


def test_safetensors_are_let_through_with_their_size() -> None:
    found = checkpoint_files.look_into(io.BytesIO(save(TENSORS, metadata={"format": "pt"})))
    assert found == Contents("safetensors", tensors=3, tensor_bytes=4 * 6 + 4 * 3 + 8)


@pytest.mark.parametrize(
    "thing",
    [
        torch.eye(3).to_sparse(),
        torch.nn.Linear(2, 2),
        {"weight": torch.float32},
        {"names": {"a", "b"}},
    ],
    ids=["sparse", "a whole module", "a dtype", "a set"],
)
def test_more_than_plain_tensors_is_refused(thing: object) -> None:
    assert refusal(saved(thing)).code == "holds_code"


def test_files_of_old_torch_are_told_from_code() -> None:
    assert refusal(saved(TENSORS, _use_new_zipfile_serialization=False)).code == "legacy_format"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (saved({}), "empty"),
        (save({}), "empty"),
        (b"x", "not_a_checkpoint"),
        (b"a cat\na cup\n", "not_a_checkpoint"),
        (b"\x89PNG\r\n\x1a\n" + bytes(300), "not_a_checkpoint"),
        (b"\x08\x07\x12\x07pytorch:" + bytes(300), "not_a_checkpoint"),
        (saved(TENSORS)[:-1], "damaged"),
        (saved(TENSORS) + b"x", "damaged"),
        (saved(TENSORS)[:500], "damaged"),
        (in_zip(b"\x80\x02}q\x00"), "damaged"),
    ],
)
def test_what_is_no_checkpoint_is_told_apart(content: bytes, code: str) -> None:
    assert refusal(content).code == code


def with_member(name: str, content: bytes = b"", **properties: int) -> bytes:
    """What torch saves, and one member more."""
    file = io.BytesIO(saved(TENSORS))
    member = zipfile.ZipInfo(name)
    for key, value in properties.items():
        setattr(member, key, value)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(member, content)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        with_member("../../evil.py"),
        with_member("/etc/cron.d/evil"),
        with_member("archive/../../data/1"),
        with_member("archive\\..\\evil"),
        with_member("C:/evil"),
        with_member("../data.pkl"),
        with_member("other/data.pkl"),
        with_member("archive/data/nested.zip", in_zip(b".")),
        with_member("archive/data/99", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16),
        with_member("archive/data/99", bytes(10**6), compress_type=zipfile.ZIP_DEFLATED),
        in_zip(b"}.", compression=zipfile.ZIP_DEFLATED),
        in_zip(b"}.", {"data.pkl ": b"}."}),
    ],
    ids=range(12),
)
def test_an_archive_is_torchs_own_or_refused(content: bytes) -> None:
    assert refusal(content).code == "not_a_checkpoint"


def test_members_that_claim_to_be_larger_than_the_file_are_refused() -> None:
    content = bytearray(in_zip(b"}."))
    entry = content.rindex(b"PK\x01\x02")  # of "version", whose sizes follow its checksum
    content[entry + 20 : entry + 28] = (2**30).to_bytes(4, "little") * 2
    assert refusal(bytes(content)).code == "damaged"


def test_an_archive_of_a_hundred_thousand_members_is_refused_unread() -> None:
    file = Counted()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(100_000):
            archive.writestr(f"a/data/{number}", b"")
    file.read_bytes = 0
    with pytest.raises(CheckpointError) as refused:
        checkpoint_files.inspect(file)
    assert refused.value.code == "too_many_tensors"
    assert file.read_bytes < 5 * 2**20


@pytest.mark.parametrize("pickled", [b"\x80\x02" + b"N" * 2_000_000 + b".", b"N" * (4 * 2**20) + b"."])
def test_a_pickle_without_end_is_not_read_to_its_end(pickled: bytes) -> None:
    assert refusal(in_zip(pickled)).code == "too_many_tensors"


def test_of_a_large_checkpoint_only_what_describes_it_is_read() -> None:
    tensors = {"weight": torch.zeros(2**22)}
    for content in (saved(tensors), save(tensors)):
        file = Counted(content)
        checkpoint_files.inspect(file)
        assert file.read_bytes < 2**16
