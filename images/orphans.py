"""What of the storage and of the rows does not fit together: files that belong to nothing, rows whose files are gone.

Uploads and deletions clean up behind themselves (`images.litter`); this is for what came about otherwise: by a storage
that was restored without its database, or by somebody's hand.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.core.files.storage import FileSystemStorage, default_storage
from django.utils import timezone

from images.models import DataExport, FileInDoubt, Image, remove_files

MODELS_FOLDER = "models/"  # of a bucket: checkpoints, which `mlmodels` looks after itself
UNTOUCHED_FOR = timedelta(hours=1)  # whatever is younger may be about to become a picture
AT_ONCE = 200


class Orphans(NamedTuple):
    """Names on the storage, in order."""

    files: list[str]  # stored, and named by no row
    missing: list[str]  # named by a picture, and not stored


def look() -> Orphans:
    """Compare what is stored with what is named; the storage is read first, because rows come after files."""
    since = timezone.now() - UNTOUCHED_FOR
    stored = dict(_stored())
    named = set(named_by_pictures())
    others = {*DataExport.objects.values_list("file", flat=True), *FileInDoubt.objects.values_list("path", flat=True)}
    files = [name for name, changed_at in stored.items() if changed_at < since and name not in named | others]
    missing = [name for name in named - stored.keys() if not default_storage.exists(name)]
    return Orphans(sorted(files), sorted(missing))


def remove(names: Sequence[str]) -> None:
    for start in range(0, len(names), AT_ONCE):
        remove_files(names[start : start + AT_ONCE])


def named_by_pictures() -> Iterator[str]:
    """Originals and thumbnails; one statement."""
    for names in Image.objects.values_list("file_path", "thumbnail_path").iterator():
        yield from filter(None, names)


def _stored() -> Iterator[tuple[str, datetime]]:
    """Every name and when it was last written, without those that begin with a point."""
    if isinstance(default_storage, FileSystemStorage):
        yield from _in_folder(Path(default_storage.location))
    else:
        yield from _in_bucket(default_storage)


def _in_folder(root: Path) -> Iterator[tuple[str, datetime]]:
    for path in root.rglob("[!.]*"):
        if path.is_file():
            yield path.relative_to(root).as_posix(), datetime.fromtimestamp(path.lstat().st_mtime, UTC)


def _in_bucket(storage: Any) -> Iterator[tuple[str, datetime]]:
    for name, changed_at in storage.everything():
        if not name.startswith(MODELS_FOLDER):
            yield name, changed_at
