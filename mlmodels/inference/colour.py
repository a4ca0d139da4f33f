"""Brings every colour mode that Pillow can decode to 8-bit sRGB."""

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

# The colour space that a profile must describe to fit pixels of this mode.
_PROFILE_SPACE = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}


def to_srgb(image: Image.Image) -> Image.Image:
    """A loaded image of any mode as mode RGB; the same object when there is nothing to do.

    16-bit grey is scaled from its full range, alpha is laid on white, and an embedded profile is obeyed
    unless it is sRGB, malformed or made for another kind of pixels.
    """
    profile = image.info.get("icc_profile")
    return _in_srgb(_on_white(_in_eight_bits(image)), profile)


def _in_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray(_scaled(np.asarray(image, dtype=np.uint16), 65535))
    if image.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0, neginf=0)
        return Image.fromarray(_scaled(np.clip(values, 0, None), _white_level(image.mode, values)))
    return image


def _white_level(mode: str, values: NDArray[np.float32]) -> float:
    """The value of white, which no tag tells: the first usual range (0-1, 8 bits, 16 bits) that holds all."""
    highest = float(values.max())
    ranges = (1.0, 255.0, 65535.0) if mode == "F" else (255.0, 65535.0)
    return next((white for white in ranges if highest <= white), highest)


def _scaled(values: NDArray[np.float32] | NDArray[np.uint16], white: float) -> NDArray[np.uint8]:
    levels = np.multiply(values, 255 / white, dtype=np.float32)
    levels += 0.5
    return levels.astype(np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    translucent = image.convert("LA" if image.mode in ("LA", "La") else "RGBA")
    canvas = Image.new(translucent.mode[:-1], image.size, "white")
    canvas.paste(translucent.convert(canvas.mode), mask=translucent.getchannel("A"))
    return canvas


def _in_srgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    pixels = image if image.mode in (*_PROFILE_SPACE, "LAB") else image.convert("RGB")
    profile = _lab_profile() if pixels.mode == "LAB" else _profile_to_obey(pixels.mode, icc_profile)
    if profile is not None:
        try:
            return _converted(pixels, profile)
        except ImageCms.PyCMSError:
            pass  # a profile that opens and cannot be applied: the pixels are shown as they are
    return pixels if pixels.mode == "RGB" else pixels.convert("RGB")


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    transform = ImageCms.buildTransform(profile, _srgb_profile(), image.mode, "RGB")
    return transform.apply(image)


def _profile_to_obey(mode: str, icc_profile: bytes | None) -> ImageCms.ImageCmsProfile | None:
    if not icc_profile:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
    except (OSError, ValueError):
        return None
    if profile.profile.xcolor_space.strip() != _PROFILE_SPACE[mode] or _is_srgb(profile):
        return None
    return profile


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """By its name. A false "no" only costs time: sRGB converted to sRGB is what it was."""
    return "srgb" in (profile.profile.profile_description or "").lower()


@cache
def _srgb_profile() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@cache
def _lab_profile() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
