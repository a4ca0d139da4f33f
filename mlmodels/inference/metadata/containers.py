"""Where each picture format keeps its blocks of metadata."""

from collections.abc import Callable, Iterator

from mlmodels.inference import pictures
from mlmodels.inference.metadata import jpeg_segments, png_chunks, webp_chunks
from mlmodels.inference.metadata.parts import EXIF, IPTC, XMP, MalformedError, Part

# Their parts can be left out one by one.
PARTS: dict[str, Callable[[bytes], Iterator[Part]]] = {
    "JPEG": jpeg_segments.parts,
    "PNG": png_chunks.parts,
    "WEBP": webp_chunks.parts,
}
_IPTC_TAG = 33723


def blocks(content: bytes, picture_format: str) -> Iterator[tuple[str, bytes]]:
    """Kind and content of blocks of EXIF (from the TIFF header on), XMP and IPTC, as far as the file is well built."""
    if picture_format in PARTS:
        yield from _of_parts(content, PARTS[picture_format](content))
    else:
        yield from _known_to_decoder(content, picture_format)


def _of_parts(content: bytes, parts: Iterator[Part]) -> Iterator[tuple[str, bytes]]:
    try:
        for part in parts:
            if part.kind in (EXIF, XMP, IPTC):
                yield part.kind, content[part.payload : part.end]
    except MalformedError:
        return


def _known_to_decoder(content: bytes, picture_format: str) -> Iterator[tuple[str, bytes]]:
    info = pictures.info(content, picture_format)
    for kind, name in ((EXIF, "exif"), (XMP, "xmp"), (IPTC, _IPTC_TAG)):
        block = info.get(name)
        if isinstance(block, bytes) and block:
            yield kind, block.removeprefix(b"Exif\0\0")
