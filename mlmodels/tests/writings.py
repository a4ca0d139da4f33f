"""One scene in every colour mode, depth and coding that an upload may have."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops

from mlmodels.tests.photographs import STORED, grey_profile_for_cmyk, written


def black_or_white(scene: Image.Image) -> Image.Image:
    """Large enough that the dots of the dither melt into greys when the picture is made small."""
    return scene.resize((4 * scene.width, 4 * scene.height)).convert("1")


def sixteen_bits(scene: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(scene.convert("L")).astype(np.uint16) * 257)


def big_endian(scene: Image.Image) -> Image.Image:
    return Image.frombytes("I;16B", scene.size, np.asarray(sixteen_bits(scene)).astype(">u2").tobytes())


def floats(scene: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(scene.convert("L"), dtype=np.float32) / 255)


def with_opaque_alpha(scene: Image.Image) -> Image.Image:
    return scene.convert("RGBA")


def with_transparent_frame(scene: Image.Image) -> Image.Image:
    """Transparent around the scene, as a picture cut out on a web page; the colours under it are garbage."""
    framed = Image.new("RGBA", (scene.width + 40, scene.height + 40), (90, 0, 60, 0))
    framed.paste(scene, (20, 20))
    return framed


def with_half_alpha(scene: Image.Image) -> Image.Image:
    translucent = scene.convert("RGBA")
    translucent.putalpha(128)
    return translucent


def ycck(scene: Image.Image) -> io.BytesIO:
    """What Photoshop makes of CMYK: the three colours as luma and chroma. Pillow reads that but cannot write it, so the
    channels are written as if they were inks, and the marker is changed to tell what they are."""
    cyan, magenta, yellow, black = scene.convert("CMYK").split()
    luma_and_chroma = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr")
    inks = Image.merge("CMYK", (*ImageChops.invert(luma_and_chroma).split(), black))
    content = bytearray(written(inks, "JPEG", quality=95, subsampling=0).getvalue())
    content[content.index(b"Adobe") + 11] = 2
    return io.BytesIO(content)


def second_frame(scene: Image.Image) -> dict:
    return {"save_all": True, "append_images": [Image.new("RGB", scene.size, "green")]}


WRITINGS: dict[str, Callable[[Image.Image], io.BytesIO]] = {
    "1": lambda scene: written(black_or_white(scene), "PNG"),
    "L": lambda scene: written(scene.convert("L"), "PNG"),
    "LA": lambda scene: written(scene.convert("LA"), "PNG"),
    "P": lambda scene: written(scene.quantize(256), "PNG"),
    "P with transparency": lambda scene: written(scene.quantize(255), "PNG", transparency=255),
    "PA": lambda scene: written(scene.quantize(256).convert("PA"), "TIFF"),
    "RGBA": lambda scene: written(with_opaque_alpha(scene), "PNG"),
    "RGBA, half transparent": lambda scene: written(with_half_alpha(scene), "PNG"),
    "RGBA with a transparent frame": lambda scene: written(with_transparent_frame(scene), "PNG"),
    "CMYK": lambda scene: written(scene.convert("CMYK"), "JPEG", quality=95),
    "CMYK with a profile": lambda scene: written(
        scene.convert("CMYK"), "JPEG", quality=95, icc_profile=grey_profile_for_cmyk()
    ),
    "YCCK": ycck,
    "CMYK TIFF": lambda scene: written(scene.convert("CMYK"), "TIFF"),
    "YCbCr TIFF": lambda scene: written(scene.convert("YCbCr"), "TIFF"),
    "16 bits": lambda scene: written(sixteen_bits(scene), "PNG"),
    "16 bits, big-endian": lambda scene: written(big_endian(scene), "TIFF"),
    "float": lambda scene: written(floats(scene), "TIFF"),
    "PNG": lambda scene: written(scene, "PNG"),
    "BMP": lambda scene: written(scene, "BMP"),
    "baseline JPEG": lambda scene: written(scene, "JPEG"),
    "progressive JPEG": lambda scene: written(scene, "JPEG", progressive=True),
    "4:2:0 JPEG": lambda scene: written(scene, "JPEG", subsampling=2),
    "multi-picture JPEG": lambda scene: written(scene, "MPO", **second_frame(scene)),
    "WebP": lambda scene: written(scene, "WEBP"),
    "lossless WebP": lambda scene: written(scene, "WEBP", lossless=True),
    "AVIF": lambda scene: written(scene, "AVIF"),
    "animated GIF": lambda scene: written(scene, "GIF", **second_frame(scene)),
    "animated PNG": lambda scene: written(scene, "PNG", **second_frame(scene)),
    "animated WebP": lambda scene: written(scene, "WEBP", **second_frame(scene)),
    "animated AVIF": lambda scene: written(scene, "AVIF", **second_frame(scene)),
    "TIFF of two pages": lambda scene: written(scene, "TIFF", **second_frame(scene)),
}


def turned(scene: Image.Image, orientation: int, **options: int) -> io.BytesIO:
    """The upright scene in a JPEG as a camera writes it down that is held so: pixels turned, and EXIF says how."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    transposition = STORED[orientation]
    stored = scene if transposition is None else scene.transpose(transposition)
    return written(stored, "JPEG", exif=exif, **options)
