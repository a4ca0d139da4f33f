"""Has the decoders of this process look at uploads: untrusted bytes are decoded nowhere else in the web process."""

import atexit
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from django.conf import settings
from django.core.files.base import File

from images.refusals import UploadRefusedError
from mlmodels.inference.decoding.look import Look
from mlmodels.inference.decoding.messages import Request
from mlmodels.inference.decoding.pool import Allowance, DecoderError, DecoderPool
from mlmodels.inference.metadata.parts import Piece
from mlmodels.inference.pictures import PictureError

_COPIED_BYTES = 2**20

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_pools: dict[Allowance, DecoderPool] = {}
_of_parents: list[DecoderPool] = []  # kept, for letting go of a process ends with a warning that it still runs


def look(file: File, *, user_id: int, strips_metadata: bool) -> Look:
    """Header, thumbnail and more of one upload. Raises UploadRefusedError."""
    request = Request(settings.UPLOAD_MAX_PIXELS, settings.THUMBNAIL_MAX_SIDE_PX, strips_metadata)
    try:
        with _descriptor(file) as descriptor:
            return _pool().look(descriptor, request, owner=user_id)
    except (PictureError, DecoderError) as error:
        raise UploadRefusedError(error.code) from error
    except OSError as error:  # no room for a copy
        logger.exception("an upload could not be handed to a decoder")
        raise UploadRefusedError("not_stored") from error


@contextmanager
def as_to_be_stored(file: File, pieces: tuple[Piece, ...] | None) -> Iterator[File]:
    """The file from its beginning, or a temporary one of these pieces of it."""
    if pieces is None:
        file.seek(0)
        yield file
        return
    with TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as left:
        for piece in pieces:
            _copy(file, piece, left)
        left.seek(0)
        yield File(left)


def _copy(file: File, piece: Piece, target: IO[bytes]) -> None:
    if isinstance(piece, bytes):
        target.write(piece)
        return
    start, end = piece
    file.seek(start)
    for begin in range(start, end, _COPIED_BYTES):
        target.write(file.read(min(_COPIED_BYTES, end - begin)))


def _pool() -> DecoderPool:
    allowance = Allowance(
        processes=settings.DECODER_PROCESSES,
        seconds=settings.DECODER_SECONDS,
        memory_bytes=settings.DECODER_MEMORY_BYTES,
        module=settings.DECODER_MODULE,
    )
    with _lock:
        if allowance not in _pools:
            _pools[allowance] = DecoderPool(allowance)
        return _pools[allowance]


def _leave_pools_to_parent() -> None:
    """The parent's decoders answer the parent only."""
    global _lock
    _lock = threading.Lock()
    _of_parents.extend(_pools.values())
    _pools.clear()


def _close_pools() -> None:
    for pool in _pools.values():
        pool.close()


os.register_at_fork(after_in_child=_leave_pools_to_parent)
atexit.register(_close_pools)


@contextmanager
def _descriptor(file: File) -> Iterator[int]:
    """One that only reads, with a position of its own, at the beginning of the file."""
    if path := getattr(file, "temporary_file_path", None):
        descriptor = os.open(path(), os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        return
    with TemporaryFile(dir=_place_for(file.size)) as copy:
        file.seek(0)
        for chunk in file.chunks():
            copy.write(chunk)
        copy.seek(0)
        yield copy.fileno()


def _place_for(size_bytes: int) -> str:
    """Small files are lent without touching a disk."""
    shared_memory = Path("/dev/shm")  # noqa: S108
    is_small = size_bytes <= settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    return str(shared_memory) if is_small and os.access(shared_memory, os.W_OK) else settings.FILE_UPLOAD_TEMP_DIR
