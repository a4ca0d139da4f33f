"""Takes a backup: rows of one moment, then the files that they name, as one tar archive."""

import gzip
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from django.apps import apps
from django.core.files.storage import Storage, default_storage
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from imageanalysis.backups import rows
from images.orphans import named_by_pictures
from mlmodels import model_files
from mlmodels.models import AddedModel

FORMAT = 1
MANIFEST, END = "manifest.json", "end.json"
TABLES, PICTURES, CHECKPOINTS = "tables/", "pictures/", "checkpoints/"

Tell = Callable[[str], None]


def take(path: Path, tell: Tell) -> dict[str, int]:
    """Write the backup to `path`, which appears once it is whole, for its owner alone; returns what is in it."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w|") as archive:
                counts = _fill(archive, tell)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return counts


def _fill(archive: tarfile.TarFile, tell: Tell) -> dict[str, int]:
    with rows.one_moment():
        _add_json(archive, MANIFEST, manifest())
        counted = sum(_add_table(archive, table, model) for table, model in rows.tables(apps).items())
        pictures = list(named_by_pictures())
        checkpoints = list(AddedModel.objects.exclude(file="").values_list("file", flat=True))
    tell(f"{counted} rows; copying {len(pictures)} files of pictures ...")
    counts = {
        "rows": counted,
        "files": _add_files(archive, PICTURES, default_storage, pictures),
        "checkpoints": _add_files(archive, CHECKPOINTS, model_files.storage(), checkpoints),
    }
    _add_json(archive, END, counts)
    return counts


def manifest() -> dict[str, object]:
    """What is needed to read the rows: which migrations they have behind them."""
    loader = MigrationLoader(connection)
    newest = {app: name for app, name in loader.graph.leaf_nodes() if (app, name) in loader.applied_migrations}
    return {"format": FORMAT, "taken_at": timezone.now().isoformat(), "migrations": newest}


def _add_table(archive: tarfile.TarFile, table: str, model: type) -> int:
    count = 0
    with tempfile.TemporaryFile() as spool:
        with gzip.open(spool, "wb", compresslevel=3) as packed:
            for count, line in enumerate(rows.lines(model), start=1):  # noqa: B007  the last number is their count
                packed.write(line)
        _add(archive, f"{TABLES}{table}.jsonl.gz", spool, spool.tell())
    return count


def _add_files(archive: tarfile.TarFile, folder: str, storage: Storage, names: Iterable[str]) -> int:
    """Copy those that are still there; whatever is gone was deleted since the rows were read."""
    return sum(_add_file(archive, f"{folder}{name}", storage, name) for name in names)


def _add_file(archive: tarfile.TarFile, member: str, storage: Storage, name: str) -> bool:
    try:
        with storage.open(name) as stored:
            _add(archive, member, stored, stored.size)
    except FileNotFoundError:
        return False
    return True


def _add(archive: tarfile.TarFile, member: str, content: IO[bytes], size: int) -> None:
    info = tarfile.TarInfo(member)
    info.size, info.mode = size, 0o600
    content.seek(0)
    archive.addfile(info, content)


def _add_json(archive: tarfile.TarFile, member: str, said: object) -> None:
    text = json.dumps(said, indent=1).encode()
    _add(archive, member, io.BytesIO(text), len(text))
