"""A person's data as one file: asked for, made by one worker, kept for a while, gone with the account.

    waiting ── claim ──> running ──> ready | failed        these two may be asked for anew, and so may what was lost

Nobody but this module writes the table. A worker owns what its conditional update turned from `waiting` to `running`;
while it writes the file it looks again and again whether it still does, so one whose person has left stops at once and
takes away what it wrote. A message only says "look at the table".
"""

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet
from kombu.exceptions import OperationalError

from accounts import clock
from accounts.models import User
from images import litter
from images.models import DataExport, Image, doom_files
from images.my_data_archive import Archive
from images.refusals import UploadRefusedError

MAKE_EXPORT = "images.make_export"
WORKER_LOST, INTERNAL_ERROR, NOT_STORED = "worker_lost", "internal_error", "not_stored"
LOOK_AGAIN_SECONDS = 0.5

State = DataExport.State

logger = logging.getLogger(__name__)


class ExportLostError(Exception):
    """The export is not this worker's any more: the person has left, or it was given up."""


def of(user: User) -> DataExport | None:
    """The person's export, if there is one that is not too old."""
    return DataExport.objects.filter(user=user).exclude(_too_old()).first()


@transaction.atomic
def request(user: User) -> bool:
    """Have a worker make the export once this is committed; False while one is being made. An older one goes."""
    is_still_here = bool(User.objects.select_for_update().filter(pk=user.pk).values_list("pk"))
    before = DataExport.objects.filter(user=user).first()
    if not is_still_here or (before and before.is_under_way):
        return False
    if before:
        before.delete()
    DataExport.objects.create(user=user)
    transaction.on_commit(ring, robust=True)
    return True


def ring() -> None:
    """Tell the workers. Should the broker not answer, the export waits until a worker looks by itself."""
    try:
        current_app.send_task(MAKE_EXPORT)
    except OperationalError as error:
        logger.warning("nobody was told of an export: %s", error)


def is_something_waiting() -> bool:
    return DataExport.objects.filter(state=State.WAITING).exists()


def make_next(*, task_id: str) -> bool:
    """Make the export that waits longest; minutes. Whether there was one to make.

    One at a time: it is the disk that it takes time of, and the other worker processes are for pictures.
    """
    give_up_lost()
    if DataExport.objects.filter(state=State.RUNNING).exists():
        return False
    export = DataExport.objects.filter(state=State.WAITING).select_related("user").order_by("requested_at").first()
    if export is None:
        return False
    now, name = clock.now(), f"{uuid.uuid4()}/my-data.zip"
    claimed = DataExport.objects.filter(pk=export.pk, state=State.WAITING).update(
        state=State.RUNNING,
        started_at=now,
        heard_at=now,
        task_id=task_id,
        file=name,
        total_pictures=Image.objects.visible_to(export.user).count(),
    )
    if claimed:
        _Making(export, DataExport.objects.filter(pk=export.pk, state=State.RUNNING, started_at=now), name).run()
    return bool(claimed)


def lose(task_id: str, code: str) -> int:
    """The task ended without a result: the export that it was making has failed."""
    return _fail(DataExport.objects.filter(task_id=task_id, state=State.RUNNING), code)


def give_up_lost() -> int:
    """Exports whose worker has been silent for too long have failed; how many."""
    silent_since = clock.now() - DataExport.LOST_AFTER
    return _fail(DataExport.objects.filter(state=State.RUNNING, heard_at__lt=silent_since), WORKER_LOST)


def remove_old() -> int:
    """Remove exports that were kept long enough, with their files; how many."""
    return sum(export.delete()[0] for export in DataExport.objects.filter(_too_old()))


def _too_old() -> Q:
    return Q(ended_at__lt=clock.now() - timedelta(hours=settings.EXPORT_RETENTION_HOURS))


@transaction.atomic
def _fail(exports: QuerySet[DataExport], code: str) -> int:
    """What was written of their files goes, too."""
    names = dict(exports.select_for_update().values_list("pk", "file"))
    doom_files([name for name in names.values() if name])
    failed = DataExport.objects.filter(pk__in=list(names))
    return failed.update(state=State.FAILED, code=code, ended_at=clock.now(), file="")


class _Making:
    """One export in the hands of the worker that claimed it; `held` finds it for as long as that is so."""

    def __init__(self, export: DataExport, held: QuerySet[DataExport], name: str) -> None:
        self.held = held
        self.name = name
        self.archive = Archive(export.user)
        self.next_look_at = 0.0

    def run(self) -> None:
        litter.announce([self.name])
        with ExitStack() as undo:
            undo.callback(litter.drop_unless_adopted, [self.name])
            try:
                default_storage.save(self.name, StreamedFile(self._pieces()))
                self._end()
            except ExportLostError:
                logger.info("an export was called off")
            except (OSError, UploadRefusedError):  # the disk is full, or the note about the file was given up
                logger.exception("an export could not be stored")
                _fail(self.held, NOT_STORED)

    def _pieces(self) -> Iterator[bytes]:
        for piece in self.archive.pieces():
            self._look_again()
            yield piece

    def _look_again(self) -> None:
        """Say how far it is, and see whether it is still wanted; two statements now and then."""
        if time.monotonic() < self.next_look_at:
            return
        if not self.held.update(done_pictures=self.archive.done_pictures, heard_at=clock.now()):
            raise ExportLostError
        litter.renew([self.name])
        self.next_look_at = time.monotonic() + LOOK_AGAIN_SECONDS

    @transaction.atomic
    def _end(self) -> None:
        size_bytes = default_storage.size(self.name)
        made = {"size_bytes": size_bytes, "done_pictures": self.archive.done_pictures}
        if not self.held.update(state=State.READY, ended_at=clock.now(), **made):
            raise ExportLostError
        litter.adopt([self.name])


class StreamedFile(File):
    """What a storage saves while it is still being made: pieces on demand, read once and in order."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__(None)
        self.pieces = pieces
        self.rest = b""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return self.pieces

    def seek(self, offset: int, whence: int = 0) -> int:
        """To its beginning only, where storages go before they read."""
        if (offset, whence) != (0, 0):
            raise OSError("a stream is read once and in order")
        return 0

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        """For storages that read: at most `size` bytes, all that is left for -1, nothing at the end."""
        while size < 0 or len(self.rest) < size:
            piece = next(self.pieces, None)
            if piece is None:
                break
            self.rest += piece
        cut = len(self.rest) if size < 0 else size
        data, self.rest = self.rest[:cut], self.rest[cut:]
        return data
