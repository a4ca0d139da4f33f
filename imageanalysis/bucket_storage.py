"""The storage of a bucket: django-storages' own, whose faults are those of a folder on a disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from botocore.response import StreamingBody
from django.core.files.base import File
from storages.backends.s3 import S3File, S3Storage

from analysis.failures import StorageAwayError

# A bucket that does not answer holds nobody up for the minutes that boto3 would wait.
PATIENCE = Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 3})


class Absence:
    """What a bucket did not do is a StorageAwayError.

    While it does not answer at all, one thread of a process asks it; the others are told at once, held up by nothing.
    """

    def __init__(self) -> None:
        self.is_noticed = False
        self.asking = Lock()

    @contextmanager
    def told(self) -> Iterator[None]:
        is_trial = self.is_noticed
        if is_trial and not self.asking.acquire(blocking=False):
            raise StorageAwayError("the bucket does not answer")
        is_away = False
        try:
            yield
        except (Boto3Error, BotoCoreError, ClientError) as error:
            is_away = isinstance(error, ConnectionError | HTTPClientError)
            raise StorageAwayError(f"the bucket: {error}") from error
        finally:
            self.is_noticed = is_away
            if is_trial:
                self.asking.release()


class BucketStorage(S3Storage):
    """What a bucket did not do, because it is away, full or refuses us, is a StorageAwayError.

    Whoever opens a file has it: it is fetched at once, to the disk when it is large.
    """

    client_config: Any

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.client_config = self.client_config.merge(PATIENCE)
        self.absence = Absence()

    def _open(self, name: str, mode: str = "rb") -> File:
        with self.absence.told():
            opened: File = super()._open(name, mode)
            return opened.open() if "r" in mode else opened

    def look_up(self, name: str) -> "Unfetched":
        """A file to read in part, or to know of."""
        with self.absence.told():
            return Unfetched(super()._open(name, "rb"), self.absence)

    def _save(self, name: str, content: File) -> str:
        with self.absence.told():
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with self.absence.told():
            super().delete(name)

    def exists(self, name: str) -> bool:
        with self.absence.told():
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        with self.absence.told():
            return int(super().size(name))

    def everything(self) -> Iterator[tuple[str, datetime]]:
        """Every name, and when it was last written."""
        with self.absence.told():
            for found in self.bucket.objects.all():
                yield found.key, found.last_modified


@dataclass(frozen=True)
class Unfetched:
    """A file that is there, and none of whose bytes have come from the bucket."""

    file: S3File
    absence: Absence

    @property
    def size(self) -> int:
        return int(self.file.size)

    def open(self) -> File:
        """All of it, fetched at once."""
        with self.absence.told():
            opened: File = self.file.open()
            return opened

    def part(self, part: range) -> "PartOfObject":
        """That range of it, and no other byte, fetched as it is read."""
        with self.absence.told():
            answer = self.file.obj.get(Range=f"bytes={part.start}-{part.stop - 1}")
        return PartOfObject(answer["Body"], self.absence)

    def close(self) -> None:
        self.file.close()


@dataclass(frozen=True)
class PartOfObject:
    """The bucket's answer to read; it has no descriptor that a server could send whole."""

    body: StreamingBody
    absence: Absence

    def read(self, size: int) -> bytes:
        with self.absence.told():
            return bytes(self.body.read(size))

    def close(self) -> None:
        self.body.close()
