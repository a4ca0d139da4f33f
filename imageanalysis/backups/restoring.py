"""Restores a backup into an empty installation: rows as they were, files to the storage, then up to this release."""

import gzip
import json
import tarfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import Storage, default_storage
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from accounts.models import User
from imageanalysis.backups import rows
from imageanalysis.backups.archive import CHECKPOINTS, END, FORMAT, MANIFEST, PICTURES, TABLES
from images.models import Image
from mlmodels import model_files

Tell = Callable[[str], None]


class RestoreError(Exception):
    """Why a backup cannot be restored here, in a sentence; nothing was changed."""


def restore(path: Path, tell: Tell) -> dict[str, int]:
    """Returns how many rows and files were restored, and how many pictures had lost their files."""
    manifest, end = _looked_through(path)
    _refuse_unless_empty()
    _migrate_to(manifest["migrations"])
    tell("Restoring the rows ...")
    with tarfile.open(path, "r:") as archive:
        count = _load_rows(archive, manifest["migrations"])
        tell(f"{count} rows; restoring {end['files']} files of pictures ...")
        stored = _store_files(archive)
    call_command("migrate", interactive=False, verbosity=0)
    return {"rows": count, "files": len(stored), "without_file": _remove_pictures_without_files(stored)}


def _looked_through(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What stands at the backup's beginning and at its end."""
    try:
        with tarfile.open(path, "r:") as archive:
            manifest, end = (json.load(_opened(archive, name)) for name in (MANIFEST, END))
    except (tarfile.TarError, KeyError, OSError, ValueError) as error:
        raise RestoreError(f"{path} is no whole backup of this application: {error}") from error
    if manifest["format"] != FORMAT:
        raise RestoreError("The backup was made by a newer version: restore it with that version.")
    return manifest, end


def _opened(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> Any:
    return archive.extractfile(member)


def _refuse_unless_empty() -> None:
    call_command("migrate", interactive=False, verbosity=0)
    if User.objects.exists() or Image.objects.exists():
        raise RestoreError(
            "There are accounts in this database already. Restore into a new one: another DATABASE_URL or DATA_DIR, "
            "and an empty MEDIA_ROOT."
        )


def _migrate_to(newest: dict[str, str]) -> None:
    """Take the empty tables back to the release that the rows are of."""
    executor = MigrationExecutor(connection)
    targets = list(newest.items())
    unknown = [f"{app}.{name}" for app, name in targets if (app, name) not in executor.loader.graph.nodes]
    if unknown:
        raise RestoreError(f"The backup was made by a newer version ({', '.join(unknown)} is not known here).")
    executor.migrate(targets)


def _load_rows(archive: tarfile.TarFile, newest: dict[str, str]) -> int:
    loader = MigrationExecutor(connection).loader
    known = rows.tables(loader.project_state(list(newest.items())).apps)
    with transaction.atomic():
        rows.clear(known)
        count = sum(rows.load(model, _lines(archive, table)) for table, model in known.items())
        rows.continue_numbering(known)
    return count


def _lines(archive: tarfile.TarFile, table: str) -> Iterator[bytes]:
    with gzip.open(_opened(archive, f"{TABLES}{table}.jsonl.gz")) as unpacked:
        yield from unpacked


def _store_files(archive: tarfile.TarFile) -> Collection[str]:
    """The names of the pictures' files that the backup holds."""
    stored = set()
    for member in archive:
        for folder, storage in ((PICTURES, default_storage), (CHECKPOINTS, model_files.storage())):
            if member.name.startswith(folder):
                name = member.name.removeprefix(folder)
                _store(archive, member, storage, name)
                stored |= {name} if folder == PICTURES else set()
    return stored


def _store(archive: tarfile.TarFile, member: tarfile.TarInfo, storage: Storage, name: str) -> None:
    if storage.exists(name):  # a restore that broke off has brought it, or a part of it
        if storage.size(name) == member.size:
            return
        storage.delete(name)
    storage.save(name, File(_opened(archive, member), name=name))


def _remove_pictures_without_files(stored: Collection[str]) -> int:
    """Their owners deleted them while the backup was taken."""
    names = Image.objects.values_list("pk", "file_path").iterator()
    lost = [pk for pk, name in names if name not in stored]
    for start in range(0, len(lost), rows.AT_ONCE):
        Image.objects.filter(pk__in=lost[start : start + rows.AT_ONCE]).delete()
    return len(lost)
