"""The photographs that the engine's tests look at, and ways to write them down."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from PIL import Image

from mlmodels.inference import pictures

_SKIMAGE = Path(skimage.data.__file__).parent
_HERE = Path(__file__).parent / "data"

MAX_PIXELS = 40_000_000

# EXIF orientation -> what a camera does to the upright scene before it stores it.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def photograph(name: str) -> Image.Image:
    """An 8-bit RGB picture without metadata: "coffee", "chelsea", "rocket", …"""
    with Image.open(photograph_path(name)) as image:
        picture = image.convert("RGB")
    picture.info = {}
    return picture


def photograph_path(name: str) -> Path:
    """The file that ships inside scikit-image, or a HEIC made from one (Pillow cannot write HEIC).

    `coffee_as_1` to `coffee_as_8` are one upright scene as phones write it down when they are held that way: turned,
    and both the container and its EXIF block say how.
    """
    folders = (_SKIMAGE, _HERE)
    return next(path for folder in folders for path in folder.glob(f"{name}.*"))


def written(picture: Image.Image, picture_format: str, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    picture.save(file, picture_format, **options)
    return file


def decoded(file: io.BytesIO, at_least_px: int | None = None) -> Image.Image:
    return pictures.decode(file, max_pixels=MAX_PIXELS, at_least_px=at_least_px)


def mean_difference(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).mean())


def small() -> Image.Image:
    return photograph("chelsea").resize((150, 100))


def with_profile(name: str) -> bytes:
    with Image.open(photograph_path(name)) as image:
        profile: bytes = image.info["icc_profile"]
    return profile


def grey_profile_for_cmyk() -> bytes:
    """A printer's profile (ICC version 2, lut8) under which every ink is the same grey."""
    ramp = bytes(range(256))
    corners = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    lightness = [round(255 * (1 - k) * (1 - (c + m + y) / 3)) for c, m, y, k in corners]
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    colours = b"".join(bytes((level, 128, 128)) for level in lightness)
    lut = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + identity + 4 * ramp + colours + 3 * ramp
    tags = struct.pack(">I4sII", 1, b"A2B0", 144, len(lut))
    d50 = struct.pack(">3i", 63190, 65536, 54061)
    header = struct.pack(">I4sI4s4s4s12x4s", 144 + len(lut), b"", 0x02400000, b"prtr", b"CMYK", b"Lab ", b"acsp")
    return header + bytes(68 - len(header)) + d50 + bytes(48) + tags + lut
