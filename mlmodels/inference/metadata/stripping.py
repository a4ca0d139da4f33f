"""Removes what a file tells beside its picture, without touching a pixel: the colour profile and the way up stay."""

import struct
from collections.abc import Callable

from mlmodels.inference import pictures
from mlmodels.inference.metadata import containers, jpeg_segments, png_chunks, webp_chunks
from mlmodels.inference.metadata.parts import EXIF, KEPT, XMP, MalformedError, Part, Piece, merged

_EXIF_BLOCK: dict[str, Callable[[bytes], bytes]] = {
    "JPEG": jpeg_segments.exif_block,
    "PNG": png_chunks.exif_block,
    "WEBP": webp_chunks.exif_block,
}
_ISO_MEDIA = ("HEIF", "AVIF")
# Bytes by which the block that a decoder gives may differ from the one in the file: decoders reset the orientation.
_ALTERED_BYTES = 8


class CannotStripError(Exception):
    """This file's metadata cannot be removed without decoding the picture."""


def pieces(content: bytes, picture_format: str) -> tuple[Piece, ...] | None:
    """What is left of the file, None when it is all of it. Raises CannotStripError."""
    if picture_format in containers.PARTS:
        return _without_parts(content, picture_format)
    if picture_format in _ISO_MEDIA:
        return _blanked(content, picture_format)
    if picture_format == "TIFF" or pictures.info(content, picture_format).keys() & {"comment", "xmp", "exif"}:
        raise CannotStripError(picture_format)
    return None


def _without_parts(content: bytes, picture_format: str) -> tuple[Piece, ...] | None:
    try:
        parts = list(containers.PARTS[picture_format](content))
    except MalformedError as error:
        raise CannotStripError(str(error)) from error
    if all(part.kind == KEPT or part.start == part.end for part in parts):
        return None
    left = _left(parts, _EXIF_BLOCK[picture_format], pictures.orientation(content, picture_format))
    if picture_format == "WEBP":
        left = webp_chunks.with_true_header(content, left)
    return merged(left)


def _left(parts: list[Part], exif_block: Callable[[bytes], bytes], orientation: int) -> list[Piece]:
    """The picture's own parts; the orientation stands where the first block stood that may have told it."""
    left: list[Piece] = []
    is_told = orientation == 1
    for part in parts:
        if part.kind == KEPT:
            left.append((part.start, part.end))
        elif part.kind in (EXIF, XMP) and not is_told:
            left.append(exif_block(_tiff(orientation)))
            is_told = True
    if not is_told:
        raise CannotStripError("the orientation is told elsewhere")
    return left


def _tiff(orientation: int) -> bytes:
    """The smallest EXIF block: one directory with one entry, tag 274, a short."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)


_BLANKS = {EXIF: (_tiff(1), b"\0"), XMP: (b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>', b" ")}


def _blanked(content: bytes, picture_format: str) -> tuple[Piece, ...] | None:
    """In ISO media files offsets are everywhere: blocks keep their place and length and say nothing."""
    blanks: list[tuple[int, bytes]] = []
    for kind, block in containers.blocks(content, picture_format):
        saying_nothing, filling = _BLANKS[kind]
        blank = saying_nothing.ljust(len(block), filling)
        blanks.append((_place(content, block), blank if len(blank) == len(block) else filling * len(block)))
    left: list[Piece] = []
    position = 0
    for start, blank in sorted(blanks):
        left += [(position, start), blank]
        position = start + len(blank)
    return (*left, (position, len(content))) if blanks else None


def _place(content: bytes, block: bytes) -> int:
    start = content.find(block[:8])
    while start >= 0:
        found = content[start : start + len(block)]
        if len(found) == len(block) and _differing_bytes(found, block) <= _ALTERED_BYTES:
            return start
        start = content.find(block[:8], start + 1)
    raise CannotStripError("a block is stored in fragments")


def _differing_bytes(one: bytes, other: bytes) -> int:
    return 0 if one == other else sum(a != b for a, b in zip(one, other, strict=True))
