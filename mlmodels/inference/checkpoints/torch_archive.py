"""Looks into the zip archive that torch.save writes: its list of members and its pickle, unpickling nothing."""

import io
import re
import stat
import zipfile
from typing import IO, BinaryIO, NoReturn, cast

from mlmodels.inference.checkpoints import pickle_scan
from mlmodels.inference.checkpoints.safetensors_header import MAX_TENSORS
from mlmodels.inference.errors import CheckpointError

# Twenty thousand members with names of usual length take about two.
_MAX_READ_BYTES = 4 * 1024**2

# The members of one folder, as torch has written them since 1.6.
_MEMBER = re.compile(
    r"(?P<folder>[^/\\\0]+)/"
    r"(?:(?P<pickle>data\.pkl)|data/(?P<storage>[0-9]{1,9})|byteorder|version"
    r"|\.format_version|\.storage_alignment|\.data/serialization_id)"
)
# What TorchScript and torch.export add.
_PROGRAM = re.compile(r"[^/]+/(?:code/.*|constants\.pkl|archive_format|models/.*)", re.DOTALL)
_END = b"PK\x05\x06"
_END_BYTES = 22
_ENCRYPTED = 0x1


def storage_sizes(file: BinaryIO) -> list[int]:
    """How many bytes each of the storages takes that the tensors lie in. Raises CheckpointError."""
    file_bytes = file.seek(0, io.SEEK_END)
    try:
        # A comment or anything else behind the directory would let two readers see two archives.
        file.seek(max(0, file_bytes - _END_BYTES))
        if not file.read().startswith(_END):
            _refuse("there is no end of archive where the file ends")
        with zipfile.ZipFile(cast("IO[bytes]", _SmallReads(file))) as archive:
            return _storage_sizes(archive, file_bytes)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise CheckpointError("damaged", detail=str(error)) from error


def _storage_sizes(archive: zipfile.ZipFile, file_bytes: int) -> list[int]:
    members = archive.infolist()
    _check_members(members, file_bytes)
    matches = [_matched(member) for member in members]
    if len({match["folder"] for match in matches}) > 1 or len({match[0] for match in matches}) < len(matches):
        _not_torchs("members of several folders, or two of one name")
    pickles = [member for member, match in zip(members, matches, strict=True) if match["pickle"]]
    if not pickles:
        _not_torchs("no data.pkl in it")
    if pickles[0].file_size > pickle_scan.MAX_BYTES:
        raise CheckpointError("too_many_tensors", limit=MAX_TENSORS)
    pickle_scan.check(archive.read(pickles[0]))
    storages = [member.file_size for member, match in zip(members, matches, strict=True) if match["storage"]]
    if not storages:
        raise CheckpointError("empty")
    return storages


def _check_members(members: list[zipfile.ZipInfo], file_bytes: int) -> None:
    """torch compresses nothing, so that no archive can hold more than its own size."""
    if len(members) > MAX_TENSORS:
        raise CheckpointError("too_many_tensors", limit=MAX_TENSORS)
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            _not_torchs("members are compressed")
        if member.flag_bits & _ENCRYPTED or stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            _not_torchs("members are encrypted, or no plain files")
    if sum(member.file_size for member in members) > file_bytes:
        _refuse("the members are larger than the file")


def _matched(member: zipfile.ZipInfo) -> re.Match[str]:
    name = member.orig_filename  # filename is cut at a zero byte
    match = _MEMBER.fullmatch(name)
    if _PROGRAM.fullmatch(name):
        raise CheckpointError("holds_code", name="TorchScript")
    if not match or match["folder"] in (".", ".."):
        _not_torchs("a member that torch.save does not write")
    return match


class _SmallReads:
    """A file of which nobody takes more than a few megabytes at once, as the list of a million members would."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(_MAX_READ_BYTES + 1 if size < 0 else min(size, _MAX_READ_BYTES + 1))
        if len(found) > _MAX_READ_BYTES:
            raise CheckpointError("too_many_tensors", limit=MAX_TENSORS)
        return found


def _refuse(detail: str) -> NoReturn:
    raise CheckpointError("damaged", detail=detail)


def _not_torchs(detail: str) -> NoReturn:
    raise CheckpointError("not_a_checkpoint", detail=f"an archive, but not torch's: {detail}")
