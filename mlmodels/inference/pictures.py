"""Turns bytes into the one upright 8-bit RGB picture that the model, the thumbnail and the page see."""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import pi_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from mlmodels.inference import colour, picture_formats
from mlmodels.inference.preprocessing import FULL_SIZE

# Naming the plugins keeps Image.open from importing all that Pillow has when it meets one not yet there.
_PLUGINS = (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
# Pillow's own limit lies under what phones make today; every size is held against `max_pixels` here instead.
Image.MAX_IMAGE_PIXELS = None

# The shorter side of the smallest picture accepted: one block of a JPEG. Less shows nothing that has a name.
MIN_SIDE_PX = 8

# What else a file of this format may hold. The second picture of a JPEG is a smaller or a brighter first one.
_FURTHER = {"GIF": "frames", "PNG": "frames", "WEBP": "frames", "AVIF": "frames", "TIFF": "pages", "HEIF": "pictures"}

# What Pillow, libtiff, libavif and libheif raise on bytes that are not as they should be. MemoryError is
# missing on purpose: with the number of pixels limited it is the machine's trouble, not the file's.
RAISED_ON_BAD_BYTES = (
    OSError,  # truncated data, codec errors, UnidentifiedImageError; the file itself is already in memory
    SyntaxError,  # Pillow's "this is not what its signature says", broken chunks
    ValueError,  # sizes, tiles, modes and text chunks out of range; UnicodeDecodeError
    TypeError,  # tags of the wrong type
    LookupError,  # tags and palette entries that are not there
    EOFError,  # frames that are not there
    ArithmeticError,  # OverflowError and ZeroDivisionError of rational tags
    RuntimeError,  # libavif and libheif; NotImplementedError for rare variants; RecursionError
    struct.error,  # records cut short
    zlib.error,  # compressed chunks
)

_KEEPING_SIZE = {Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM}
_TRANSPOSITION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureError(Exception):
    """The bytes cannot be used, and that is the file's fault.

    `code` is stable, one of: empty, not_a_picture, format_not_accepted, damaged, too_many_pixels, too_small.
    str() is a technical detail for logs, never for people.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What the header says. Width and height are the stored ones: EXIF orientation may swap them.

    `further` says what the file holds beside its first picture, which alone counts: "" or frames, pages, pictures.
    """

    format: str
    extension: str
    media_type: str
    width_px: int
    height_px: int
    further: str

    @property
    def is_animated(self) -> bool:
        return self.further == "frames"


def read_header(file: BinaryIO, *, max_pixels: int) -> PictureHeader:
    """Recognise a picture by its content, without decoding pixels.

    Raises PictureError. A good header does not promise good pixels: only `decode` finds a truncated file.
    """
    with _bad_bytes_as_picture_errors():
        image, picture_format = _open(file, max_pixels)
        return PictureHeader(
            format=picture_format.name,
            extension=picture_format.extension,
            media_type=picture_format.media_type,
            width_px=image.width,
            height_px=image.height,
            further=_FURTHER.get(picture_format.name, "") if _has_second_frame(image) else "",
        )


def orientation(content: bytes, format_name: str) -> int:
    """The EXIF orientation that `decode` goes by, 1 to 8; decodes the picture."""
    image = Image.open(io.BytesIO(content), formats=(format_name,))
    image.load()
    transposition = _transposition(image)
    return next((number for number, each in _TRANSPOSITION.items() if each is transposition), 1)


def info(content: bytes, format_name: str) -> dict[str | int, Any]:
    """What Pillow tells about a file beside its pixels, from its header; TIFF's tags by their numbers, too."""
    with _bad_bytes_as_picture_errors():
        image = Image.open(io.BytesIO(content), formats=(format_name,))
        return {**dict(getattr(image, "tag_v2", {})), **image.info}


def decode(file: BinaryIO, *, max_pixels: int, at_least_px: int | None = None) -> Image.Image:
    """The picture as a person sees it: upright, sRGB, mode RGB, alpha on white, the first frame, no metadata.

    With `at_least_px` a JPEG may come back reduced by 2, 4 or 8 (four to seven times faster at 12 megapixels), its
    shorter side never under `at_least_px` unless it was already; `info` then tells its FULL_SIZE, upright, which
    rounding hides. Raises PictureError.
    """
    with _bad_bytes_as_picture_errors():
        image, _ = _open(file, max_pixels)
        full_size = image.size
        drafted = None if at_least_px is None else image.draft(None, (at_least_px, at_least_px))
        image.load()
        _refuse_bad_size(image.size, max_pixels)  # HEIC and GIF may turn out larger than they said
        transposition = _transposition(image)
        picture = colour.to_srgb(image)
    if drafted is not None:
        picture = _filled(picture, drafted[1])
    if transposition is not None:
        picture = picture.transpose(transposition)
        full_size = full_size if transposition in _KEEPING_SIZE else full_size[::-1]
    picture.info = {} if drafted is None or full_size == picture.size else {FULL_SIZE: full_size}
    return picture


def thumbnail(picture: Image.Image, *, max_side_px: int) -> bytes:
    """A small JPEG without metadata of a picture from `decode`; never larger than the picture itself."""
    scale = min(1.0, max_side_px / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    output = io.BytesIO()
    # Optimal Huffman tables would take as long again as everything else here, for 2 % fewer bytes.
    small.save(output, "JPEG", quality=82)
    return output.getvalue()


def _filled(picture: Image.Image, scene: tuple[float, float, float, float]) -> Image.Image:
    """A reduced picture whose scene ends within its last column or row, stretched by that fraction of a pixel: left as
    it is, everything would stand up to a third of a pixel from where a full decode has it, and labels do change."""
    if scene == (0, 0, *picture.size):
        return picture
    return picture.resize(picture.size, Image.Resampling.BICUBIC, scene)


def _open(file: BinaryIO, max_pixels: int) -> tuple[ImageFile.ImageFile, picture_formats.PictureFormat]:
    file.seek(0)
    data = file.read()
    picture_format = _accepted_format(data[: picture_formats.PREFIX_BYTES])
    image = Image.open(io.BytesIO(data), formats=(picture_format.name,))
    _refuse_bad_size(image.size, max_pixels)
    return image, picture_format


def _accepted_format(prefix: bytes) -> picture_formats.PictureFormat:
    if not prefix:
        raise PictureError("empty", "the file has no bytes")
    if accepted := picture_formats.accepted_format(prefix):
        return accepted
    if refused := picture_formats.refused_format(prefix):
        raise PictureError("format_not_accepted", refused)
    raise PictureError("not_a_picture", f"unknown signature {prefix[:8].hex()}")


def _refuse_bad_size(size: tuple[int, int], max_pixels: int) -> None:
    width_px, height_px = size
    if width_px * height_px > max_pixels:
        raise PictureError("too_many_pixels", f"{width_px} x {height_px} is over {max_pixels} pixels")
    if min(size) < MIN_SIDE_PX:
        raise PictureError("too_small", f"{width_px} x {height_px} is under {MIN_SIDE_PX} pixels a side")


def _has_second_frame(image: ImageFile.ImageFile) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except RAISED_ON_BAD_BYTES:
        return False  # a broken second frame does not spoil the first, which is all that is used


def _transposition(image: ImageFile.ImageFile) -> Image.Transpose | None:
    """How to set a loaded image upright. Loading has turned HEIC and TIFF already, and cleared their tag."""
    try:
        return _TRANSPOSITION.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except RAISED_ON_BAD_BYTES:
        return None  # phones write broken EXIF blocks around good pixels


@contextmanager
def _bad_bytes_as_picture_errors() -> Iterator[None]:
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError("too_many_pixels", str(error)) from error
    except RAISED_ON_BAD_BYTES as error:
        raise PictureError("damaged", f"{type(error).__name__}: {error}") from error
