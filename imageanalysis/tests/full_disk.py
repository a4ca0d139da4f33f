"""A disk that fills while something is written."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def a_disk_with_room_for(size_bytes: int) -> Iterator[None]:
    """No file may grow beyond this size: writing on fails in the middle, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
