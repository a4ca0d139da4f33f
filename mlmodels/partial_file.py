"""A file on its way into the weights folder: a `.part` that survives a kill, then the whole file at once."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from mlmodels.inference.weights import checksum_path

# The disk may be the database's, too: fetching never takes its last bytes.
SPARE_BYTES = 64 * 1024**2
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FetchError(Exception):
    """Why a file is not here: a stable `code`, one sentence for people, and whether trying again may help."""

    def __init__(self, code: str, sentence: str, *, may_pass: bool = False, retry_after_seconds: float = 0) -> None:
        super().__init__(sentence)
        self.code = code
        self.may_pass = may_pass
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Origin:
    """What the server said about the file that is being fetched.

    `validator` is a strong ETag or a Last-Modified date, `sha256` the whole digest where the server names it.
    """

    url: str = ""
    validator: str = ""
    total_bytes: int | None = None
    sha256: str = ""


class PartialFile:
    """The bytes of `target` that are here so far, their running SHA-256, and where they came from.

    Used as a context manager, by one process at a time (see `exclusive`). Unbuffered, so that whatever was
    counted is in the file even when the process is killed.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self._origin_path = target.with_name(f"{target.name}.part.json")

    def __enter__(self) -> Self:
        with refused_by_disk(self.target):
            self._file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
            self._digest = hashlib.file_digest(self._file, "sha256")
            self.size_bytes = self._file.seek(0, os.SEEK_END)
        self.origin = self._read_origin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self.size_bytes == 0:
            self._remove()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def start_anew(self, origin: Origin) -> None:
        """Forget the bytes that are here; the next ones are the first ones of `origin`."""
        with refused_by_disk(self.target):
            self._file.seek(0)
            self._file.truncate()
            self._digest, self.size_bytes, self.origin = hashlib.sha256(), 0, origin
            self._origin_path.write_text(json.dumps(asdict(origin)), encoding="utf-8")

    def reserve(self, total_bytes: int | None) -> None:
        """Refuse a file that the disk has no room for."""
        missing_bytes = (total_bytes or 0) - self.size_bytes
        free_bytes = shutil.disk_usage(self.path.parent).free
        if missing_bytes + SPARE_BYTES > free_bytes:
            raise FetchError(
                "disk_full",
                f"{self.target.name} needs {as_megabytes(missing_bytes)} more, but only {as_megabytes(free_bytes)} "
                f"are free in {self.target.parent}.",
            )

    def append(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            with refused_by_disk(self.target):
                written = self._file.write(rest) or 0
            self._digest.update(rest[:written])
            self.size_bytes += written
            rest = rest[written:]

    def check(self, *beginnings: str) -> None:
        """Compare the SHA-256 with what is known of it. Raises FetchError and forgets the bytes when it differs."""
        expected = max(beginnings, key=len)
        if all(self.sha256.startswith(beginning) for beginning in beginnings):
            return
        found = self.sha256
        self.start_anew(Origin())
        raise FetchError(
            "wrong_hash",
            f"{self.target.name} is damaged or is not the published file: "
            f"its SHA-256 begins with {found[:16]}, not with {expected[:16]}.",
        )

    def move_into_place(self) -> None:
        """The target and its `.sha256` appear, whole and on the disk; nothing else stays."""
        with refused_by_disk(self.target):
            os.fsync(self._file.fileno())
            # The digest first: who finds the weights finds what they are checked against.
            record_sha256(self.target, self.sha256)
            self.path.replace(self.target)
            self._origin_path.unlink(missing_ok=True)
            _sync_folder(self.target.parent)

    def _read_origin(self) -> Origin:
        with suppress(OSError, ValueError, TypeError):
            return Origin(**json.loads(self._origin_path.read_text(encoding="utf-8")))
        return Origin()

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._origin_path.unlink(missing_ok=True)


@contextmanager
def exclusive(target: Path, *, on_wait: Callable[[], None] | None) -> Iterator[None]:
    """Be the only process that fetches `target`: call `on_wait` and wait for another one, or raise when it is None."""
    path = target.with_name(f"{target.name}.lock")
    descriptor = _locked(path, on_wait)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(path: Path, on_wait: Callable[[], None] | None) -> int:
    while True:
        with refused_by_disk(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is None:
                os.close(descriptor)
                raise FetchError("busy", f"{path.stem} is being fetched already.") from None
            on_wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # The one before us removed its lock file when it had finished: what we hold may have no name any more.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)


def record_sha256(target: Path, sha256: str) -> None:
    """Write what `target` will be checked against, in the format of `sha256sum`."""
    record = checksum_path(target)
    new = record.with_name(f"{record.name}.new")
    with new.open("w", encoding="utf-8") as file:
        file.write(f"{sha256}  {target.name}\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(record)


@contextmanager
def refused_by_disk(path: Path) -> Iterator[None]:
    """Say in one sentence what the operating system refused."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise FetchError("disk_full", f"There is no room for {path.name} in {path.parent}.") from error
        raise FetchError("not_writable", f"{path} cannot be written: {error.strerror or error}.") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def as_megabytes(size_bytes: float) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
