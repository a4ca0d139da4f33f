"""WebP files as chunks (RFC 9649)."""

import struct
from collections.abc import Iterator, Sequence

from mlmodels.inference.metadata.parts import EXIF, KEPT, OTHER, XMP, MalformedError, Part, Piece

_HEADER_BYTES = 12  # RIFF, the size of what follows it, WEBP
_KINDS = {
    b"EXIF": EXIF,
    b"XMP ": XMP,
    **dict.fromkeys((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"), KEPT),
}
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04


def parts(content: bytes) -> Iterator[Part]:
    """What follows the end is OTHER."""
    end_of_file = min(len(content), 8 + int.from_bytes(content[4:8], "little"))
    yield Part(KEPT, 0, _HEADER_BYTES)
    position = _HEADER_BYTES
    while position < end_of_file:
        length = int.from_bytes(content[position + 4 : position + 8], "little")
        end = position + 8 + length
        if end > len(content):
            raise MalformedError("a chunk is longer than the file")
        end = min(end + length % 2, len(content))
        yield Part(_KINDS.get(content[position : position + 4], OTHER), position, end, position + 8)
        position = end
    yield Part(OTHER, position, len(content))


def exif_block(tiff: bytes) -> bytes:
    return b"EXIF" + struct.pack("<I", len(tiff)) + tiff + b"\0" * (len(tiff) % 2)


def with_true_header(content: bytes, pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces behind a header that knows their size and what is among them."""
    has_exif = any(isinstance(piece, bytes) and piece.startswith(b"EXIF") for piece in pieces)
    told = [_with_true_flags(content, piece, has_exif=has_exif) for piece in pieces[1:]]
    size = 4 + sum(len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in told)
    return [b"RIFF" + struct.pack("<I", size) + b"WEBP", *told]


def _with_true_flags(content: bytes, piece: Piece, *, has_exif: bool) -> Piece:
    if isinstance(piece, bytes) or not content.startswith(b"VP8X", piece[0]) or piece[1] < piece[0] + 9:
        return piece
    flags = content[piece[0] + 8] & ~(_EXIF_FLAG | _XMP_FLAG) | (_EXIF_FLAG if has_exif else 0)
    return content[piece[0] : piece[0] + 8] + bytes([flags]) + content[piece[0] + 9 : piece[1]]
