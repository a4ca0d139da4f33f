"""A picture file as the parts that it consists of, byte for byte, and as the pieces that are left of it."""

from collections.abc import Sequence
from dataclasses import dataclass

# Bytes as they are, or from where to where they are taken over.
Piece = bytes | tuple[int, int]

KEPT, EXIF, XMP, IPTC, OTHER = "kept", "exif", "xmp", "iptc", "other"


class MalformedError(Exception):
    """The container is not built as its format says; decoders may still find a picture in it."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `start` to `end` of a file; from `payload` on they are a block of this kind. KEPT parts are the picture."""

    kind: str
    start: int
    end: int
    payload: int = 0


def assembled(content: bytes, pieces: Sequence[Piece]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else content[piece[0] : piece[1]] for piece in pieces)


def merged(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Neighbours as one: a picture may have a hundred thousand chunks."""
    result: list[Piece] = []
    for piece in pieces:
        last = result[-1] if result else None
        if isinstance(last, tuple) and isinstance(piece, tuple) and last[1] == piece[0]:
            result[-1] = (last[0], piece[1])
        else:
            result.append(piece)
    return tuple(result)
