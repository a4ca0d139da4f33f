"""The photographs that the engine's tests look at, and ways to write them down."""

import io
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
    """The file that ships inside scikit-image, or a HEIC of chelsea made from it (Pillow cannot write HEIC)."""
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
