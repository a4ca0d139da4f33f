"""PNG files as chunks (PNG specification, third edition)."""

import struct
import zlib
from collections.abc import Iterator

from mlmodels.inference.metadata.parts import EXIF, KEPT, OTHER, XMP, MalformedError, Part

_SIGNATURE_BYTES = 8
_AROUND_DATA_BYTES = 12  # length, type and checksum
_XMP_KEYWORD = b"XML:com.adobe.xmp\0"
_OF_THE_PICTURE = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"),
    *(b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT"),
    *(b"bKGD", b"hIST", b"pHYs", b"sPLT"),
    *(b"acTL", b"fcTL", b"fdAT"),
}


def parts(content: bytes) -> Iterator[Part]:
    """What follows the end is OTHER."""
    yield Part(KEPT, 0, _SIGNATURE_BYTES)
    position, name = _SIGNATURE_BYTES, b""
    while name != b"IEND":
        length = int.from_bytes(content[position : position + 4])
        end = position + length + _AROUND_DATA_BYTES
        if end > len(content):
            raise MalformedError("a chunk is longer than the file")
        name = content[position + 4 : position + 8]
        yield Part(_kind(content, name, position + 8), position, end, position + 8)
        position = end
    yield Part(OTHER, position, len(content))


def exif_block(tiff: bytes) -> bytes:
    return struct.pack(">I", len(tiff)) + b"eXIf" + tiff + struct.pack(">I", zlib.crc32(b"eXIf" + tiff))


def _kind(content: bytes, name: bytes, payload: int) -> str:
    if name == b"eXIf":
        return EXIF
    if name == b"iTXt" and content.startswith(_XMP_KEYWORD, payload):
        return XMP
    return KEPT if name in _OF_THE_PICTURE else OTHER
