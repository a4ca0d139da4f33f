"""The checkpoints that staff uploaded: on the storage that all machines share, and the copies on this machine."""

import hashlib
import logging
import os
import re
import uuid
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from shutil import copyfileobj, rmtree

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.utils import timezone

from mlmodels.inference.weights import checksum_path
from mlmodels.partial_file import exclusive, record_sha256

ALIAS = "models"
INCOMING, FINAL = "incoming", "custom"
DIGITS = 16
CHUNK_BYTES = 1024**2
LEFT_BEHIND = timedelta(days=1)
STALLED = timedelta(hours=1)

logger = logging.getLogger(__name__)


def storage() -> Storage:
    return storages[ALIAS]


def local_name(version: str, sha256: str) -> str:
    """What a custom model's weights are called among a machine's weights: a replaced model never meets stale ones."""
    return f"custom-{version}-{sha256[:DIGITS]}.safetensors"


def arriving_dir() -> Path:
    """Where uploads are written while they arrive: on the disk where they will stay, not in a small /tmp."""
    folder: Path = settings.WEIGHTS_DIR / "arriving"
    return folder


def save_upload(file: File, *, version: str, sha256: str, is_safetensors: bool) -> str:
    """Store an uploaded checkpoint; its name on the storage. What is still to be converted waits in `incoming`."""
    file.seek(0)
    if is_safetensors:
        return storage().save(_final_name(version, sha256), file)
    return storage().save(f"{INCOMING}/{uuid.uuid4()}.pth", file)


def save_converted(path: Path, *, version: str, sha256: str) -> str:
    """Store the safetensors that an exam made of a checkpoint; their name on the storage."""
    with path.open("rb") as file:
        return storage().save(_final_name(version, sha256), File(file))


def _final_name(version: str, sha256: str) -> str:
    return f"{FINAL}/{version}/{sha256[:DIGITS]}.safetensors"


def fetch_to(name: str, target: Path) -> None:
    """Bring a stored checkpoint to `target` on this machine: a link where both are on one disk, else a copy.

    Raises FileNotFoundError when the storage does not have it.
    """
    with suppress(OSError, NotImplementedError):
        return os.link(storage().path(name), target)
    with storage().open(name) as stored, target.open("wb") as copy:
        copyfileobj(stored, copy)
    return None


def bring_local_copy(name: str, *, local: str, sha256: str) -> Path:
    """The local copy of a stored checkpoint, brought here if need be; loading it compares its SHA-256.

    Raises FileNotFoundError when the storage does not have it.
    """
    target: Path = settings.WEIGHTS_DIR / local
    if _is_here(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with exclusive(target, on_wait=lambda: None):
        if not _is_here(target):  # another process may have brought it meanwhile
            part.unlink(missing_ok=True)
            fetch_to(name, part)
            record_sha256(target, sha256)
            part.replace(target)
    return target


def _is_here(target: Path) -> bool:
    return target.is_file() and checksum_path(target).is_file()


def delete(name: str, *, local: str, key: str) -> None:
    """Remove a model's checkpoint from the storage, and from this machine its copy and what was made of it.

    What is gone already does not matter.
    """
    if name:
        delete_stored(name)
        _delete_local(settings.WEIGHTS_DIR / local)
    _delete_converted(key.replace(":", "-"))


def _delete_local(copy: Path) -> None:
    for path in (copy, checksum_path(copy)):
        try:
            path.unlink(missing_ok=True)
        except OSError:  # one file that cannot be removed must not keep the others
            logger.exception("could not delete %s", path)


def _delete_converted(name: str) -> None:
    """`converted_models` calls its folders after name and version, with digits behind."""
    place = re.compile(re.escape(name) + r"-[0-9a-f]{16}")
    for folder in settings.CONVERTED_DIR.glob("*"):
        if place.fullmatch(folder.name):
            rmtree(folder, ignore_errors=True)


def delete_stored(name: str) -> None:
    """Remove a checkpoint from the storage, with the folder that it had to itself."""
    for entry in (name, name.rpartition("/")[0]):
        try:
            if entry != INCOMING:
                storage().delete(entry)
        except OSError:  # also a folder that still holds something
            logger.info("could not delete %s from the storage of models", entry)


def tidy_up(*, stored: Collection[str], local: Collection[str]) -> None:
    """Remove what no model needs: checkpoints that are not among `stored`, this machine's copies not among `local`.

    Copies are left by a model that was deleted on another machine, the rest by processes that were killed.
    """
    for path in settings.WEIGHTS_DIR.glob("custom-*.safetensors"):
        if path.name not in local:
            _delete_local(path)
    long_ago = timezone.now() - LEFT_BEHIND
    for name in set(_stored_names()) - set(stored):
        if storage().get_modified_time(name) < long_ago:
            delete_stored(name)
    for folder in settings.WEIGHTS_DIR.glob("exam-*"):
        if folder.stat().st_mtime < long_ago.timestamp():
            rmtree(folder, ignore_errors=True)


def _stored_names() -> Iterator[str]:
    for folder in (INCOMING, *(f"{FINAL}/{version}" for version in _listed(FINAL)[0])):
        yield from (f"{folder}/{name}" for name in _listed(folder)[1])


def _listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        return storage().listdir(folder)
    except FileNotFoundError:  # nothing was ever stored there
        return [], []


def tidy_arriving() -> None:
    """Remove uploads that a killed process never finished: a living one is written to all the time."""
    for path in arriving_dir().glob("*"):
        if path.stat().st_mtime < (timezone.now() - STALLED).timestamp():
            path.unlink(missing_ok=True)


def sha256_of(file: File) -> str:
    """Of the whole file; its position is anywhere afterwards."""
    digest = hashlib.sha256()
    for chunk in file.chunks(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
