"""The files of pictures on the storage."""

import logging
from collections.abc import Iterable

from django.core.files.storage import default_storage

from analysis import failpoints

logger = logging.getLogger(__name__)


def delete_files(names: Iterable[str]) -> set[str]:
    """Remove stored files and the folders that they had to themselves; what is gone already does not matter.

    Returns those that could not be removed: one of them must not keep the others.
    """
    names = list(names)
    left = {name for name in names if not _delete(name)}
    for folder in sorted({name.rpartition("/")[0] for name in names if name not in left} - {""}):
        _delete(folder)
    return left


def _delete(name: str) -> bool:
    failpoints.hit("before_file_delete")
    try:
        default_storage.delete(name)
    except OSError:
        logger.exception("could not delete a stored file")
        return False
    return True
