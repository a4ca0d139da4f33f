"""The folder of pictures: what lies in it is opened and deleted as what it was stored as, never through a link."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePath

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class PictureStorage(FileSystemStorage):
    """Walks down from MEDIA_ROOT folder by folder: one that somebody replaces by a link leads nowhere."""

    def _open(self, name: str, mode: str = "rb") -> File:
        with self._folder_of(name) as (folder, last):
            descriptor = _opened(last, folder)
        return File(os.fdopen(descriptor, mode), name=self.path(name))

    def delete(self, name: str) -> None:
        """A file, a link itself, or an empty folder; what is gone already does not matter."""
        if not name:
            raise ValueError("The name must be given to delete().")
        with suppress(FileNotFoundError), self._folder_of(name) as (folder, last):
            try:
                os.unlink(last, dir_fd=folder)
            except (IsADirectoryError, PermissionError):  # the second on macOS
                os.rmdir(last, dir_fd=folder)

    @contextmanager
    def _folder_of(self, name: str) -> Iterator[tuple[int, str]]:
        """A descriptor of the folder that the name lies in, and its last part. Raises FileNotFoundError."""
        *folders, last = PurePath(self.path(name)).relative_to(self.location).parts
        descriptor = os.open(self.location, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for folder in folders:
                below = _opened(folder, descriptor, _FOLDER)
                os.close(descriptor)
                descriptor = below
            yield descriptor, last
        finally:
            os.close(descriptor)


def _opened(name: str, folder: int, flags: int = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        if not _is_link(name, folder):
            raise
        raise FileNotFoundError(f"{name} was replaced by a link") from error


def _is_link(name: str, folder: int) -> bool:
    try:
        os.readlink(name, dir_fd=folder)
    except OSError:
        return False
    return True
