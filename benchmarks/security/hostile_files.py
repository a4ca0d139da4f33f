"""Odd, broken and malicious files, made and not collected: each under a name that says what it is.

Nothing here is drawn at random, so that a file can be asked for again by its name.
"""

import random
import struct
import zlib
from collections.abc import Callable
from functools import cache, partial

from PIL import Image

from benchmarks.security.seed_files import (
    FORMATS,
    PNG_SIGNATURE,
    chunk,
    photograph,
    png_header,
    png_with,
    seed_file,
    written,
)

_GIB = 2**30
File = Callable[[], bytes]


@cache
def inflating(size_bytes: int) -> bytes:
    """Zeros, deflated to a thousandth."""
    deflate = zlib.compressobj(9)
    packed = [deflate.compress(bytes(2**20)) for _ in range(size_bytes // 2**20)]
    return b"".join(packed) + deflate.flush()


def tiff(entries: list[tuple[int, int, int, int]], *, next_at: int = 0, rest: bytes = b"") -> bytes:
    """A little-endian TIFF of one directory; entries are tag, type, count, value."""
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", next_at) + rest


def tiff_of(width: int, height: int, *more: tuple[int, int, int, int], next_at: int = 0, rest: bytes = b"") -> bytes:
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1)]
    given = {entry[0] for entry in more}
    return tiff(sorted([*(entry for entry in entries if entry[0] not in given), *more]), next_at=next_at, rest=rest)


def exif_with_many_tags(number: int) -> bytes:
    """One directory holds 65,535 tags at most: several, chained."""
    blocks, position = [b"MM\0*\0\0\0\x08"], 8
    while number > 0:
        here = min(number, 65_535)
        number -= here
        position += 2 + 12 * here + 4
        tags = b"".join(struct.pack(">HHII", 0x9000 + n % 0x6000, 4, 1, n) for n in range(here))
        blocks.append(struct.pack(">H", here) + tags + struct.pack(">I", position if number else 0))
    return b"".join(blocks)


def plain(format_name: str, width: int, height: int) -> bytes:
    return written(Image.new("RGB", (width, height)), format_name)


def png_with_size(width: int, height: int) -> bytes:
    return png_header(width, height) + chunk(b"IDAT", zlib.compress(b""))


def tiff_with_size(width: int, height: int) -> bytes:
    return tiff_of(width, height, (273, 4, 1, 200), (279, 4, 1, 100))


def jpeg_with_size(width: int, height: int) -> bytes:
    content = bytearray(seed_file("JPEG"))
    frame = content.index(b"\xff\xc0") + 5
    content[frame : frame + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def gif_with_size(width: int, height: int) -> bytes:
    content = bytearray(seed_file("GIF"))
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


def bmp_with_size(width: int, height: int) -> bytes:
    content = bytearray(seed_file("BMP"))
    content[18:26] = struct.pack("<ii", width, height)
    return bytes(content)


def webp_with_canvas(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    inner = seed_file("WEBP")[12:]
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size + b"ANIM\x06\0\0\0" + bytes(6) + inner
    return b"RIFF" + struct.pack("<I", len(body)) + body


def animation(format_name: str, frames: int) -> bytes:
    steps = [Image.new("P", (32, 32), n % 250) for n in range(frames)]
    for step in steps:
        step.putpalette([value for n in range(256) for value in (n, 255 - n, 90)])
    options = {"save_all": True, "append_images": steps[1:], "duration": 20}
    if format_name == "WEBP":
        steps = [step.convert("RGB") for step in steps]
        options["append_images"] = steps[1:]
    return written(steps[0], format_name, **options)


def endless_gif() -> bytes:
    """Frames without an end: the same one, to the size of a large upload."""
    content = seed_file("GIF")
    first = content.index(b"\x2c")
    return content[:first] + content[first:-1] * 40


FLOODS: dict[str, File] = {
    f"flood {name} {width} x {height}": partial(make, width, height)
    for name, make, longest in (
        ("PNG", png_with_size, 2**31 - 1),
        ("JPEG", jpeg_with_size, 65_535),
        ("GIF", gif_with_size, 65_535),
        ("BMP", bmp_with_size, 2**31 - 1),
        ("TIFF", tiff_with_size, 2**31 - 1),
        ("WebP", webp_with_canvas, 2**24),
    )
    for width, height in ((20_000, 20_000), (65_535, 65_535), (1, 2**31 - 1), (2**31 - 1, 2**31 - 1))
    if max(width, height) <= longest
}
BOMBS: dict[str, File] = {
    "zTXt of a gigabyte": lambda: png_with(chunk(b"zTXt", b"a\0\0" + inflating(_GIB))),
    "iTXt of a gigabyte": lambda: png_with(chunk(b"iTXt", b"a\0\1\0\0\0" + inflating(_GIB))),
    "iCCP of a gigabyte": lambda: png_with(chunk(b"iCCP", b"a\0\0" + inflating(_GIB))),
    "IDAT of a gigabyte": lambda: png_header(64, 64) + chunk(b"IDAT", inflating(_GIB)) + chunk(b"IEND", b""),
    "100,000 tEXt chunks": lambda: png_with(*[chunk(b"tEXt", b"key%d\0value" % n) for n in range(100_000)]),
    "100,000 zTXt chunks": lambda: png_with(chunk(b"zTXt", b"k\0\0" + zlib.compress(b"v" * 900)) * 100_000),
    "100,000 IDAT chunks": lambda: png_header(64, 64) + chunk(b"IDAT", b"") * 100_000 + chunk(b"IEND", b""),
    "EXIF of a million tags in PNG": lambda: png_with(chunk(b"eXIf", exif_with_many_tags(10**6))),
    "EXIF of a million tags in WebP": lambda: written(photograph(), "WEBP", exif=exif_with_many_tags(10**6)),
    "EXIF of 5,000 tags in JPEG": lambda: written(photograph(), "JPEG", exif=b"Exif\0\0" + exif_with_many_tags(5000)),
    "a million tags in TIFF": lambda: b"II*\0" + exif_with_many_tags(10**6)[4:],
    "10,000 frames GIF": lambda: animation("GIF", 10_000),
    "2,000 frames PNG": lambda: animation("PNG", 2_000),
    "2,000 frames WebP": lambda: animation("WEBP", 2_000),
    "frames without an end": endless_gif,
    "TIFF of itself": lambda: tiff_of(64, 64, (273, 4, 1, 200), (279, 4, 1, 4096), next_at=8, rest=bytes(5000)),
    "TIFF of a billion strips": lambda: tiff_of(64, 64, (273, 4, 2**30, 8), (279, 4, 2**30, 8), rest=bytes(5000)),
    "TIFF of a giant strip": lambda: tiff_of(64, 64, (273, 4, 1, 8), (279, 4, 1, 2**32 - 1), rest=bytes(5000)),
    "TIFF tag of 4 gigabytes": lambda: tiff_of(64, 64, (273, 4, 1, 200), (700, 1, 2**32 - 1, 8), rest=bytes(5000)),
    "1,000 pages": lambda: written(
        Image.new("L", (16, 16)), "TIFF", save_all=True, append_images=[Image.new("L", (16, 16)) for _ in range(999)]
    ),
    "XMP of 50 megabytes": lambda: png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<x>" * 17_000_000)),
}
ASPECTS: dict[str, File] = {
    f"{width} x {height} {name}": partial(plain, name, width, height)
    for width, height in ((1, 60_000), (60_000, 1), (2, 30_000), (8, 60_000), (60_000, 8), (1, 1), (8, 8), (7, 500))
    for name in ("PNG", "JPEG", "BMP")
}
TINY: dict[str, File] = {
    "nothing": lambda: b"",
    "one byte": lambda: b"\xff",
    "0 x 64 PNG": lambda: png_header(0, 64) + chunk(b"IDAT", b"") + chunk(b"IEND", b""),
    "0 x 0 BMP": lambda: bmp_with_size(0, 0),
    **{
        f"signature {signature!r}": partial(bytes, signature)
        for signature in (PNG_SIGNATURE, b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0", b"RIFF\0\0\0\0WEBP")
    },
}
RUBBISH = random.Random(1).randbytes(5000)  # noqa: S311
SCRIPT = b"<script>fetch('//canary.invalid')</script>"
NEVER: dict[str, File] = {
    name: partial(bytes, content)
    for name, content in {
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "SVG with a declaration": b'<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg onload="alert(1)"/>',
        "SVG with a byte order mark": b"\xef\xbb\xbf<svg/>",
        "SVG of UTF-16": "<svg onload='alert(1)'/>".encode("utf-16"),
        "SVG packed": b"\x1f\x8b\x08\0" + bytes(20),
        "XML of a billion laughs": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><a>&c;</a>',
        "HTML": b"<!doctype html>" + SCRIPT,
        "HTML behind spaces": b" " * 500 + SCRIPT,
        "PHP": b"<?php system($_GET[0]); ?>",
        "PDF": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>\n",
        "PDF behind rubbish": b"\0" * 100 + b"%PDF-1.7\n",
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n",
        "EPS with a preview": b"\xc5\xd0\xd3\xc6" + bytes(40),
        "PSD": b"8BPS\0\1" + bytes(40),
        "ICO": b"\0\0\1\0\1\0" + bytes(40),
        "FITS": b"SIMPLE  =                    T" + bytes(2880),
        "ZIP": b"PK\3\4" + bytes(40),
        "ELF": b"\x7fELF\2\1\1" + bytes(40),
        "JPEG XL": b"\xff\x0a" + bytes(40),
        "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
        "MP4": b"\0\0\0\x18ftypmp42" + bytes(40),
        "WMF": b"\xd7\xcd\xc6\x9a" + bytes(40),
    }.items()
}
POLYGLOTS: dict[str, File] = {
    "PNG and HTML": lambda: png_with(chunk(b"tEXt", b"Comment\0" + SCRIPT)) + SCRIPT,
    "GIF and JavaScript": lambda: seed_file("GIF") + b"=1;alert(1)//",
    "JPEG and ZIP": lambda: seed_file("JPEG") + b"PK\3\4" + bytes(26) + b"PK\5\6" + bytes(18),
    "JPEG with PHP": lambda: written(photograph(), "JPEG", comment=b"<?php system($_GET[0]); ?>"),
    "JPEG and PDF": lambda: written(photograph(), "JPEG", comment=b"%PDF-1.7\n1 0 obj<<>>endobj"),
    "BMP and HTML": lambda: seed_file("BMP") + SCRIPT,
    "WebP and HTML": lambda: written(photograph(), "WEBP", xmp=SCRIPT),
    "TIFF and HTML": lambda: seed_file("TIFF") + SCRIPT,
}
ODD_BUT_GOOD: dict[str, File] = {
    "JPEG without an end": lambda: seed_file("JPEG").removesuffix(b"\xff\xd9"),
    "JPEG and rubbish": lambda: seed_file("JPEG") + RUBBISH,
    "JPEG with a broken EXIF block": lambda: written(
        photograph(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + bytes(64)
    ),
    "JPEG with a broken profile": lambda: written(photograph(), "JPEG", icc_profile=b"no profile" * 20),
    "PNG with a broken profile": lambda: written(photograph(), "PNG", icc_profile=RUBBISH),
    "progressive JPEG": lambda: written(photograph(), "JPEG", progressive=True),
    "grey JPEG": lambda: written(photograph().convert("L"), "JPEG"),
    "CMYK JPEG": lambda: written(photograph().convert("CMYK"), "JPEG"),
    "CMYK TIFF": lambda: written(photograph().convert("CMYK"), "TIFF"),
    "LAB TIFF": lambda: written(photograph().convert("LAB"), "TIFF"),
    "bilevel TIFF": lambda: written(photograph().convert("1"), "TIFF", compression="group4"),
    "TIFF of 16 bits": lambda: written(Image.new("I;16", (64, 64), 40_000), "TIFF"),
    "TIFF of floats": lambda: written(Image.new("F", (64, 64), 0.5), "TIFF"),
    "TIFF with JPEG inside": lambda: written(photograph(), "TIFF", compression="jpeg"),
    "palette PNG": lambda: written(photograph().quantize(16), "PNG", transparency=3),
    "PNG of 16 bits": lambda: written(Image.new("I;16", (64, 64), 40_000), "PNG"),
    "lossless WebP": lambda: written(photograph(), "WEBP", lossless=True),
    "transparent AVIF": lambda: written(photograph().convert("RGBA"), "AVIF"),
    **{f"good {name}": partial(seed_file, name) for name in FORMATS},
}


def all_made() -> dict[str, File]:
    """By name."""
    return {**TINY, **NEVER, **POLYGLOTS, **ASPECTS, **FLOODS, **BOMBS, **ODD_BUT_GOOD}
