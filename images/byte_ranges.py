"""One range of a file's bytes, as HTTP asks for it (RFC 9110, section 14): what a player or a broken download wants."""

import re

from django.core.files.base import File

ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)


class UnsatisfiableRangeError(Exception):
    """The file has no byte in the range."""


def wanted(header: str, size_bytes: int) -> range | None:
    """The bytes that the header Range asks for; None for all of them.

    What is no single range of bytes is left out of account, as the standard allows: several would cost a new kind of
    answer, and made up by the thousand much more. Raises UnsatisfiableRangeError.
    """
    match = ONE_RANGE.fullmatch(header.strip())
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first and last and int(first) > int(last):
        return None
    start = int(first) if first else max(size_bytes - int(last), 0)
    stop = min(int(last) + 1, size_bytes) if first and last else size_bytes
    if start >= stop:
        raise UnsatisfiableRangeError
    return range(start, stop)


class Part:
    """An open file to read that begins and ends where the range does, without a descriptor that a server could send."""

    def __init__(self, file: File, part: range) -> None:
        file.seek(part.start)
        self.file = file
        self.left_bytes = len(part)

    def read(self, size: int) -> bytes:
        chunk: bytes = self.file.read(min(size, self.left_bytes))
        self.left_bytes -= len(chunk)
        return chunk

    def close(self) -> None:
        self.file.close()
