"""JPEG files as segments (ITU-T T.81, annex B)."""

import re
import struct
from collections.abc import Iterator

from mlmodels.inference.metadata.parts import EXIF, IPTC, KEPT, OTHER, XMP, MalformedError, Part

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_APP0, _APP1, _APP2, _APP13, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF
_HEADERS = {
    (_APP1, b"Exif\0\0"): EXIF,
    (_APP1, b"http://ns.adobe.com/xap/1.0/\0"): XMP,
    (_APP13, b"Photoshop 3.0\0"): IPTC,
    # What decoders go by: the density, the colour profile, the colour transformation.
    (_APP0, b"JFIF\0"): KEPT,
    (_APP2, b"ICC_PROFILE\0"): KEPT,
    (_APP14, b"Adobe"): KEPT,
}
# Within coded data FF is followed by 00 or a restart marker; FF may also be repeated as padding.
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
# The same without its padding: a pattern that begins with one plain byte is searched for at the speed of memchr.
_MARKER_IN_CODED_DATA = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def parts(content: bytes) -> Iterator[Part]:
    """Of the first picture; what follows its end (further pictures, a video, rubbish) is OTHER."""
    yield Part(KEPT, 0, 2)
    position, marker = 2, _SOI
    while marker != _EOI:
        start = position
        position, marker = _marker(content, position)
        if marker == _EOI:
            yield Part(KEPT, start, position)
            break
        end = position + _length(content, position)
        if marker == _SOS:
            end = _end_of_scan(content, end)
        kind, header_bytes = _kind(content, marker, position + 2)
        yield Part(kind, start, end, position + 2 + header_bytes)
        position = end
    yield Part(OTHER, position, len(content))


def exif_block(tiff: bytes) -> bytes:
    payload = b"Exif\0\0" + tiff
    return struct.pack(">HH", 0xFF00 | _APP1, len(payload) + 2) + payload


def _marker(content: bytes, position: int) -> tuple[int, int]:
    found = _MARKER.match(content, position)
    if found is None:
        raise MalformedError("a segment does not begin with a marker")
    return found.end(), content[found.end() - 1]


def _length(content: bytes, position: int) -> int:
    length = int.from_bytes(content[position : position + 2])
    if length < 2 or position + length > len(content):
        raise MalformedError("a segment is longer than the file")
    return length


def _end_of_scan(content: bytes, position: int) -> int:
    found = _MARKER_IN_CODED_DATA.search(content, position)
    if found is None:
        raise MalformedError("the picture has no end")
    return found.start()


def _kind(content: bytes, marker: int, payload: int) -> tuple[str, int]:
    for (known, header), kind in _HEADERS.items():
        if marker == known and content.startswith(header, payload):
            return kind, len(header)
    return (OTHER if marker == _COM or _APP0 <= marker <= _APP15 else KEPT), 0
