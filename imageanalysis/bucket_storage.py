"""The storage of a bucket: django-storages' own, whose faults are those of a folder on a disk."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from threading import Lock
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from botocore.response import StreamingBody
from django.core.files.base import File
from storages.backends.s3 import S3File, S3Storage
from storages.utils import clean_name

from analysis.failures import NoBucketError, StorageAwayError

# A bucket that does not answer holds nobody up for the minutes that boto3 would wait.
PATIENCE = Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 3})


NO_BUCKET = "NoSuchBucket"


def _code(error: Exception) -> str:
    """What S3 calls it; a HEAD, whose answer has no body, brings the status only."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


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
            kind = NoBucketError if _code(error) == NO_BUCKET else StorageAwayError
            raise kind(f"the bucket: {error}") from error
        finally:
            self.is_noticed = is_away
            if is_trial:
                self.asking.release()


@cache
def absence_of(endpoint: str | None, bucket: str) -> Absence:
    """Pictures and checkpoints lie in one bucket, which is away for both."""
    return Absence()


class BucketStorage(S3Storage):
    """What a bucket did not do, because it is away, gone, full or refuses us, is a StorageAwayError.

    Only a file that is missing in a bucket that is there is a FileNotFoundError. Whoever opens a file has it: it is
    fetched at once, to the disk when it is large.
    """

    client_config: Any

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.client_config = self.client_config.merge(PATIENCE)
        self.absence = absence_of(self.endpoint_url, self.bucket_name)

    def _open(self, name: str, mode: str = "rb") -> File:
        with self._told():
            opened: File = super()._open(name, mode)
            return opened.open() if "r" in mode else opened

    def look_up(self, name: str) -> "Unfetched":
        """A file to read in part, or to know of."""
        with self._told():
            return Unfetched(super()._open(name, "rb"), self.absence)

    def _save(self, name: str, content: File) -> str:
        with self.absence.told():
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        """Django-storages would take a missing bucket for a file that is deleted."""
        with self.absence.told(), suppress(self.connection.meta.client.exceptions.NoSuchKey):
            self.bucket.Object(self._normalize_name(clean_name(name))).delete()

    def exists(self, name: str) -> bool:
        with self.absence.told():
            is_there = bool(super().exists(name))
            if not is_there:
                self._see_bucket()
            return is_there

    def is_name_available(self, name: str, max_length: int | None = None) -> bool:
        """Without a look at the bucket: the writing that follows says whether it is there."""
        with self.absence.told():
            return not super().exists(name) and (max_length is None or len(name) <= max_length)

    def size(self, name: str) -> int:
        with self._told():
            return int(super().size(name))

    def everything(self) -> Iterator[tuple[str, datetime]]:
        """Every name, and when it was last written."""
        with self.absence.told():
            for found in self.bucket.objects.all():
                yield found.key, found.last_modified

    @contextmanager
    def _told(self) -> Iterator[None]:
        with self.absence.told():
            try:
                yield
            except FileNotFoundError:
                self._see_bucket()
                raise

    def _see_bucket(self) -> None:
        """Whether a file is missing or the whole bucket, to which a HEAD answers 404 alike."""
        try:
            self.connection.meta.client.head_bucket(Bucket=self.bucket_name)
        except ClientError as error:
            if _code(error) in ("404", NO_BUCKET):
                raise NoBucketError(f"the bucket: there is none of the name {self.bucket_name}") from error
            if _code(error) != "403":  # keys that open files and no more
                raise


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
