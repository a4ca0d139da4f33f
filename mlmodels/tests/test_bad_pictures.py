"""What `pictures` refuses, and with which code."""

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image, UnidentifiedImageError

from mlmodels.inference import pictures
from mlmodels.inference.pictures import PictureError
from mlmodels.tests.photographs import (
    MAX_PIXELS,
    decoded,
    photograph_path,
    small,
    written,
)

# Pillow warns about broken EXIF and TIFF tags in the files that these tests break.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

WRITABLE = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"]


def refusal(file: io.BytesIO, read: Callable = pictures.decode, max_pixels: int = MAX_PIXELS) -> str:
    with pytest.raises(PictureError) as refused:
        read(file, max_pixels=max_pixels)
    assert str(refused.value)
    return refused.value.code


def test_an_empty_file_is_called_empty() -> None:
    assert refusal(io.BytesIO(b"")) == "empty"


@pytest.mark.parametrize("content", [b"x", b"hello, world", b"<html><script>", b"PK\x03\x04", b"\x7fELF", bytes(100)])
def test_other_files_are_not_pictures(content: bytes) -> None:
    assert refusal(io.BytesIO(content)) == "not_a_picture"


@pytest.mark.parametrize(
    "content", [b"8BPS\0\1", b"%PDF-1.7", b"%!PS-Adobe", b"\0\0\1\0", b"<?xml version='1.0'?><SVG>", b"\xff\x0a"]
)
def test_pictures_of_other_formats_are_told_apart(content: bytes) -> None:
    assert refusal(io.BytesIO(content)) == "format_not_accepted"
    assert refusal(io.BytesIO(content), pictures.read_header) == "format_not_accepted"


@pytest.mark.parametrize(
    "content",
    [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0", b"RIFF\0\0\0\0WEBP", b"\0\0\0\x10ftypheic"],
)
def test_a_signature_alone_is_a_damaged_picture(content: bytes) -> None:
    assert refusal(io.BytesIO(content), pictures.read_header) == "damaged"


@pytest.mark.parametrize("size", [(1, 1), (7, 500), (500, 7)])
def test_a_picture_under_the_smallest_side_is_too_small(size: tuple[int, int]) -> None:
    assert refusal(written(Image.new("RGB", size), "PNG"), pictures.read_header) == "too_small"


def test_the_smallest_picture_is_taken() -> None:
    assert decoded(written(Image.new("RGB", (8, 8)), "PNG")).size == (8, 8)


def png_flood(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def bmp_flood(width: int, height: int) -> bytes:
    content = bytearray(written(small(), "BMP").getvalue())
    content[18:26] = struct.pack("<ii", width, height)
    return bytes(content)


def jpeg_flood(width: int, height: int) -> bytes:
    content = bytearray(written(small(), "JPEG").getvalue())
    frame = content.index(b"\xff\xc0") + 5
    content[frame : frame + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def gif_flood(width: int, height: int) -> bytes:
    content = bytearray(written(small(), "GIF").getvalue())
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


def webp_flood(width: int, height: int) -> bytes:
    content = bytearray(written(small(), "WEBP", lossless=True).getvalue())
    start = content.index(b"VP8L") + 9
    content[start : start + 4] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(content)


# 9,500 x 9,500 lies where Pillow itself only warns, 1 x 2^31 - 1 where multiplying overflows.
@pytest.mark.parametrize(
    ("flood", "size"),
    [
        (flood, size)
        for flood, longest in (
            (png_flood, 2**31 - 1),
            (bmp_flood, 2**31 - 1),
            (jpeg_flood, 65535),
            (gif_flood, 65535),
            (webp_flood, 16383),
        )
        for size in ((7000, 7000), (9500, 9500), (14000, 14000), (65535, 65535), (1, 2**31 - 1))
        if max(size) <= longest
    ],
)
@pytest.mark.parametrize("read", [pictures.read_header, pictures.decode])
def test_a_flood_of_pixels_is_refused_from_the_header(
    flood: Callable[[int, int], bytes], size: tuple[int, int], read: Callable
) -> None:
    assert refusal(io.BytesIO(flood(*size)), read) == "too_many_pixels"


def test_the_limit_itself_is_allowed() -> None:
    file = written(small(), "PNG")
    assert pictures.read_header(file, max_pixels=15000).width_px == 150
    assert refusal(file, pictures.read_header, max_pixels=14999) == "too_many_pixels"


def pillow_loads(content: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, EOFError, RuntimeError, IndexError, struct.error, UnidentifiedImageError):
        return False
    return True


def outcome(content: bytes, at_least_px: int | None) -> str:
    try:
        decoded(io.BytesIO(content), at_least_px)
    except PictureError as refused:
        return refused.code
    return "decoded"


def whole_files() -> dict[str, bytes]:
    files = {name: written(small(), name).getvalue() for name in WRITABLE}
    files["progressive"] = written(small(), "JPEG", progressive=True).getvalue()
    files["animation"] = written(small(), "GIF", save_all=True, append_images=[small().rotate(20)]).getvalue()
    files["compressed TIFF"] = written(small(), "TIFF", compression="tiff_lzw").getvalue()
    files["HEIF"] = photograph_path("chelsea_rotated").read_bytes()
    return files


@pytest.mark.parametrize("name", whole_files())
@pytest.mark.parametrize("at_least_px", [None, 50])
def test_a_truncated_file_is_damaged_exactly_when_pillow_cannot_load_it(name: str, at_least_px: int | None) -> None:
    content = whole_files()[name]
    cuts = [round(len(content) * part / 40) for part in range(4, 40)] + [len(content) - cut for cut in (1, 2, 8)]
    for cut in cuts:
        assert outcome(content[:cut], at_least_px) == ("decoded" if pillow_loads(content[:cut]) else "damaged"), cut


def test_a_broken_exif_block_around_good_pixels_is_ignored() -> None:
    file = written(small(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + bytes(range(64)))
    assert decoded(file).size == (150, 100)


def test_junk_after_the_end_is_ignored() -> None:
    content = written(small(), "JPEG").getvalue()
    assert decoded(io.BytesIO(content + b"PK\x03\x04" * 100)).size == (150, 100)
