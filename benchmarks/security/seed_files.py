"""Good pictures of every accepted format, and the pieces that bad ones are made of."""

import io
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.photographs import photographs
from mlmodels import tests as model_tests

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEIC = Path(model_tests.__file__).parent / "data" / "chelsea_straight.heic"


@cache
def photograph() -> Image.Image:
    with Image.open(io.BytesIO(photographs(1)[0])) as image:
        return image.convert("RGB").resize((320, 240))


def written(picture: Image.Image, format_name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format_name, **options)
    return file.getvalue()


@cache
def seed_file(format_name: str) -> bytes:
    """A small good photograph of each format."""
    if format_name == "HEIF":
        return _HEIC.read_bytes()
    options = {"save_all": True, "append_images": [photograph().rotate(5)]} if format_name in ("MPO", "GIF") else {}
    return written(photograph(), format_name, **options)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_with(*chunks: bytes) -> bytes:
    """A good PNG with these chunks behind its header."""
    content = seed_file("PNG")
    return content[:33] + b"".join(chunks) + content[33:]


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
