"""Whether a picture file tells where it was taken."""

import re
from collections.abc import Iterator

from PIL import ExifTags, Image

from mlmodels.inference import pictures
from mlmodels.inference.metadata import containers
from mlmodels.inference.metadata.parts import EXIF, IPTC, XMP

_IN_XMP = re.compile(
    rb"GPSLatitude|GPSLongitude|photoshop:City|Iptc4xmp(?:Core|Ext):(?:Location|Sublocation|City)", re.IGNORECASE
)
# Datasets of IPTC-IIM 4.2: content location code and name, city, sublocation, state, country code and name.
_IN_IPTC = re.compile(rb"\x1c\x02[\x1a\x1b\x5a\x5c\x5f\x64\x65]")
_GPS_POSITION = {ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSDestLatitude}


def is_told(content: bytes, picture_format: str) -> bool:
    """Coordinates or names of places in EXIF, XMP or IPTC; broken blocks tell nothing."""
    return any(_TELLS[kind](block) for kind, block in _blocks(content, picture_format))


def _blocks(content: bytes, picture_format: str) -> Iterator[tuple[str, bytes]]:
    if picture_format == "TIFF":  # is such a block itself
        yield EXIF, content
    yield from containers.blocks(content, picture_format)


def _in_exif(block: bytes) -> bool:
    exif = Image.Exif()
    try:
        exif.load(block)
        return bool(_GPS_POSITION & exif.get_ifd(ExifTags.IFD.GPSInfo).keys())
    except pictures.RAISED_ON_BAD_BYTES:
        return False


_TELLS = {
    EXIF: _in_exif,
    XMP: lambda block: bool(_IN_XMP.search(block)),
    IPTC: lambda block: bool(_IN_IPTC.search(block)),
}
