"""The folders that the application writes to, and the disks that they lie on."""

import shutil
from pathlib import Path
from typing import NamedTuple

from django.conf import settings


class Disk(NamedTuple):
    """A file system, with the settings that name folders on it."""

    names: list[str]
    total_bytes: int
    free_bytes: int


def folders() -> dict[str, Path]:
    """By the setting that names it."""
    named = {"DATA_DIR": settings.DATA_DIR, "WEIGHTS_DIR": settings.WEIGHTS_DIR}
    if not settings.IS_IN_BUCKET:
        named["MEDIA_ROOT"] = settings.MEDIA_ROOT
    return {name: Path(folder) for name, folder in named.items()}


def existing_part(folder: Path) -> Path:
    """The folder, or the one above it that exists."""
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def disks() -> list[Disk]:
    """Each disk once."""
    by_device: dict[int, Disk] = {}
    for name, folder in folders().items():
        place = existing_part(folder)
        usage = shutil.disk_usage(place)
        by_device.setdefault(place.stat().st_dev, Disk([], usage.total, usage.free)).names.append(name)
    return list(by_device.values())
