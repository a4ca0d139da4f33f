"""What a process and its decoder say to each other; the process believes nothing but what has the right form."""

import base64
import json
import os
import socket
import struct
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any, Self

from mlmodels.inference import picture_formats
from mlmodels.inference.decoding.look import Look
from mlmodels.inference.metadata.parts import Piece
from mlmodels.inference.pictures import PictureError, PictureHeader

_LENGTHS = struct.Struct("!II")  # of the words, JSON, and of the thumbnail
_LONGEST_REQUEST_BYTES = 1000
_LONGEST_WORDS_BYTES = 2**20
_LONGEST_THUMBNAIL_BYTES = 4 * 2**20
_LONGEST_DETAIL = 300
_PICTURE_CODES = {"empty", "not_a_picture", "format_not_accepted", "damaged", "too_many_pixels", "too_small"}
_FORMATS = {each.name: each for each in picture_formats.ACCEPTED}
_FURTHER = {"", "frames", "pages", "pictures"}


class NonsenseError(ValueError):
    """A decoder said what no decoder says."""


@dataclass(frozen=True, slots=True)
class Request:
    max_pixels: int
    thumbnail_side_px: int
    strips_metadata: bool = False

    def send(self, channel: socket.socket, file: int) -> None:
        """With the file's descriptor."""
        socket.send_fds(channel, [json.dumps(asdict(self)).encode()], [file])

    @classmethod
    def receive(cls, channel: socket.socket) -> tuple[Self, int] | None:
        """None at the end of the conversation."""
        words, files, _flags, _address = socket.recv_fds(channel, _LONGEST_REQUEST_BYTES, 1)
        return (cls(**json.loads(words)), files[0]) if words else None


def send(channel: socket.socket, thumbnail: bytes = b"", **words: Any) -> None:
    """By plain writes: a decoder may not use its socket as one."""
    said = json.dumps(words).encode()
    left = memoryview(_LENGTHS.pack(len(said), len(thumbnail)) + said + thumbnail)
    while left:
        left = left[os.write(channel.fileno(), left) :]


def look_in_words(look: Look) -> dict[str, Any]:
    header = look.header
    return {
        "format": header.format,
        "size": [header.width_px, header.height_px],
        "further": header.further,
        "has_location": look.has_location,
        "keeps_metadata": look.keeps_metadata,
        "pieces": None if look.pieces is None else [_piece_in_words(piece) for piece in look.pieces],
    }


def _piece_in_words(piece: Piece) -> Any:
    return base64.b64encode(piece).decode() if isinstance(piece, bytes) else list(piece)


def receive(channel: socket.socket, until: float) -> tuple[dict[str, Any], bytes]:
    """Words and thumbnail. Raises TimeoutError, EOFError, NonsenseError."""
    words_bytes, thumbnail_bytes = _LENGTHS.unpack(_read(channel, _LENGTHS.size, until))
    if words_bytes > _LONGEST_WORDS_BYTES or thumbnail_bytes > _LONGEST_THUMBNAIL_BYTES:
        raise NonsenseError("too long")
    said = _read(channel, words_bytes, until)
    try:
        words = json.loads(said)
    except (ValueError, RecursionError) as error:
        raise NonsenseError("not JSON") from error
    if not isinstance(words, dict):
        raise NonsenseError("not an object")
    return words, _read(channel, thumbnail_bytes, until)


def _read(channel: socket.socket, length: int, until: float) -> bytes:
    content = bytearray()
    while len(content) < length:
        channel.settimeout(max(0.001, until - monotonic()))
        chunk = channel.recv(length - len(content))
        if not chunk:
            raise EOFError
        content += chunk
    return bytes(content)


def understood(words: dict[str, Any], thumbnail: bytes, request: Request, file_bytes: int) -> Look:
    """Raises PictureError where the decoder says so, MemoryError, NonsenseError."""
    code = words.get("code")
    if code == "no_memory":
        raise MemoryError
    if code in _PICTURE_CODES:
        raise PictureError(code, str(words.get("detail"))[:_LONGEST_DETAIL])
    has_location, keeps_metadata = words.get("has_location"), words.get("keeps_metadata")
    if not (isinstance(has_location, bool) and isinstance(keeps_metadata, bool)):
        raise NonsenseError("not an answer")
    if code is not None or not _is_jpeg(thumbnail):
        raise NonsenseError("not a thumbnail")
    header = _header(words, request.max_pixels)
    return Look(header, thumbnail, has_location, keeps_metadata, _pieces(words.get("pieces"), file_bytes))


def _is_jpeg(thumbnail: bytes) -> bool:
    return thumbnail.startswith(b"\xff\xd8\xff") and thumbnail.endswith(b"\xff\xd9")


def _header(words: dict[str, Any], max_pixels: int) -> PictureHeader:
    name, size, further = (words.get(key) for key in ("format", "size", "further"))
    if not (isinstance(name, str) and name in _FORMATS and isinstance(further, str) and further in _FURTHER):
        raise NonsenseError("not a format")
    if not (isinstance(size, list) and [type(side) for side in size] == [int, int] and min(size) > 0):
        raise NonsenseError("not a size")
    width_px, height_px = size
    if width_px * height_px > max_pixels:
        raise NonsenseError("not an allowed size")
    known = _FORMATS[name]
    return PictureHeader(known.name, known.extension, known.media_type, width_px, height_px, further)


def _pieces(said: Any, file_bytes: int) -> tuple[Piece, ...] | None:
    if said is None:
        return None
    if not isinstance(said, list):
        raise NonsenseError("not pieces")
    pieces = tuple(_piece(each) for each in said)
    position = 0
    for piece in pieces:
        if isinstance(piece, tuple):
            if not position <= piece[0] <= piece[1] <= file_bytes:
                raise NonsenseError("pieces of another file")
            position = piece[1]
    return pieces


def _piece(said: Any) -> Piece:
    if isinstance(said, str):
        try:
            return base64.b64decode(said, validate=True)
        except ValueError as error:
            raise NonsenseError("not a piece") from error
    if isinstance(said, list) and [type(end) for end in said] == [int, int]:
        return said[0], said[1]
    raise NonsenseError("not a piece")
