"""Stored files that belong to no picture, or to none yet: noted before they can come about, removed when left behind.

A process may die between storing a file and committing its row, or between deleting a row and its files. The note in
the database outlives it: an upload takes its notes away in the transaction that inserts the picture, a deletion makes
them in the one that deletes it.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from images.models import FileInDoubt, remove_files
from images.refusals import UploadRefusedError

UPLOAD_TAKES_AT_MOST = timedelta(minutes=5)
DELETION_TAKES_AT_MOST = timedelta(minutes=1)
AT_ONCE = 200


def announce(names: Sequence[str]) -> None:
    """Note files that are about to be stored; one statement."""
    FileInDoubt.objects.bulk_create(FileInDoubt(path=name) for name in names)


def renew(names: Sequence[str]) -> None:
    """What stores the files takes long, and is still at it; one statement."""
    FileInDoubt.objects.filter(path__in=names, is_doomed=False).update(noted_at=Now())


def adopt(names: Sequence[str]) -> None:
    """The files belong to a picture once the running transaction is committed.

    Raises UploadRefusedError when the upload took so long that they were given up.
    """
    adopted, _by_table = FileInDoubt.objects.filter(path__in=names, is_doomed=False).delete()
    if adopted != len(names):
        raise UploadRefusedError("not_stored")


def drop_unless_adopted(names: Sequence[str]) -> None:
    """Remove the files of an upload that went wrong; an error may also come after the commit, and then they stay."""
    if FileInDoubt.objects.filter(path__in=names).exists():
        remove_files(names)


def sweep() -> int:
    """Remove what was left behind by processes that died; returns how many files. Harmless on many machines at once."""
    left_behind = Q(is_doomed=False, noted_at__lt=Now() - UPLOAD_TAKES_AT_MOST)
    FileInDoubt.objects.filter(left_behind).update(is_doomed=True, noted_at=Now() - DELETION_TAKES_AT_MOST)
    doomed = FileInDoubt.objects.filter(is_doomed=True, noted_at__lte=Now() - DELETION_TAKES_AT_MOST)
    names = list(doomed.values_list("path", flat=True)[:AT_ONCE])
    if names:
        remove_files(names)
    return len(names)


def sweep_unfinished_uploads() -> None:
    """Remove what a web server that died had received of uploads; whatever still grows is an upload going on."""
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > UPLOAD_TAKES_AT_MOST.total_seconds():
                path.unlink()
