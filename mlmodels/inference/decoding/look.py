"""What there is to know about a picture before it is taken: its header, its thumbnail, what it tells beside pixels."""

import io
from dataclasses import dataclass

from mlmodels.inference import pictures
from mlmodels.inference.metadata import location, stripping
from mlmodels.inference.metadata.parts import Piece, assembled
from mlmodels.inference.pictures import PictureHeader


@dataclass(frozen=True, slots=True)
class Look:
    """`pieces`, unless it is None, is what to store instead of the file, so that it tells nothing but the picture.

    `has_location` is about what is stored then. `keeps_metadata` says that they were to be removed and could not be.
    """

    header: PictureHeader
    thumbnail: bytes
    has_location: bool
    keeps_metadata: bool = False
    pieces: tuple[Piece, ...] | None = None


def look(content: bytes, *, max_pixels: int, thumbnail_side_px: int, strips_metadata: bool) -> Look:
    """Decode the whole picture, which finds damaged files. Raises PictureError and MemoryError."""
    header, thumbnail = _seen(content, max_pixels, thumbnail_side_px)
    tells = location.is_told(content, header.format)
    if not strips_metadata:
        return Look(header, thumbnail, tells)
    try:
        pieces = stripping.pieces(content, header.format)
    except stripping.CannotStripError:
        return Look(header, thumbnail, tells, keeps_metadata=True)
    if pieces is None:
        return Look(header, thumbnail, tells)
    stripped = assembled(content, pieces)
    # Removing metadata must not change the picture: what is stored is looked at as if it had come that way.
    if _seen(stripped, max_pixels, thumbnail_side_px) != (header, thumbnail):
        return Look(header, thumbnail, tells, keeps_metadata=True)
    return Look(header, thumbnail, location.is_told(stripped, header.format), pieces=pieces)


def _seen(content: bytes, max_pixels: int, side_px: int) -> tuple[PictureHeader, bytes]:
    header = pictures.read_header(io.BytesIO(content), max_pixels=max_pixels)
    picture = pictures.decode(io.BytesIO(content), max_pixels=max_pixels, at_least_px=side_px)
    return header, pictures.thumbnail(picture, max_side_px=side_px)
