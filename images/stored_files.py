"""The files of pictures on the storage."""

import logging
from collections.abc import Iterable

from django.core.files.storage import default_storage

from analysis import failpoints

logger = logging.getLogger(__name__)


def delete_files(names: Iterable[str]) -> None:
    """Remove stored files and the folders that they had to themselves; what is gone already does not matter."""
    names = list(names)
    folders = {name.rpartition("/")[0] for name in names} - {""}
    for name in [*names, *sorted(folders)]:
        failpoints.hit("before_file_delete")
        try:
            default_storage.delete(name)
        except OSError:  # one file that cannot be removed must not keep the others
            logger.exception("could not delete a stored file")
