"""The files of pictures on the storage."""

from collections.abc import Iterable

from django.core.files.storage import default_storage


def delete_files(names: Iterable[str]) -> None:
    """Remove stored files and the folders that they had to themselves; what is gone already does not matter."""
    names = list(names)
    for name in names:
        default_storage.delete(name)
    for folder in {name.rpartition("/")[0] for name in names} - {""}:
        default_storage.delete(folder)
