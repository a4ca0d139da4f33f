"""Which picture formats are accepted, and how a file's first bytes tell its format."""

from dataclasses import dataclass

# Enough for every signature below and for the brands of an ISO media file.
PREFIX_BYTES = 256


@dataclass(frozen=True, slots=True)
class PictureFormat:
    name: str  # as Pillow calls it
    extension: str
    media_type: str


JPEG = PictureFormat("JPEG", "jpg", "image/jpeg")
PNG = PictureFormat("PNG", "png", "image/png")
WEBP = PictureFormat("WEBP", "webp", "image/webp")
GIF = PictureFormat("GIF", "gif", "image/gif")
BMP = PictureFormat("BMP", "bmp", "image/bmp")
TIFF = PictureFormat("TIFF", "tif", "image/tiff")
HEIF = PictureFormat("HEIF", "heic", "image/heic")
AVIF = PictureFormat("AVIF", "avif", "image/avif")

ACCEPTED = (JPEG, PNG, WEBP, GIF, BMP, TIFF, HEIF, AVIF)

_SIGNATURES = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"BM", BMP),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
)

_BRANDS = (
    ({b"avif", b"avis"}, AVIF),
    ({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}, HEIF),
)

# Pictures all the same, so the refusal can say what the file is instead of "not a picture".
_NOT_ACCEPTED = (
    (b"8BPS", "PSD"),
    (b"%PDF-", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"\0\0\1\0", "ICO"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"SIMPLE  =", "FITS"),
    (b"gimp xcf", "XCF"),
)


def accepted_format(prefix: bytes) -> PictureFormat | None:
    """The accepted format that a file starting with `prefix` (PREFIX_BYTES of it) claims to be, else None."""
    for signature, picture_format in _SIGNATURES:
        if prefix.startswith(signature):
            return picture_format
    if prefix[:4] == b"RIFF" and prefix[8:12] == b"WEBP":
        return WEBP
    brands = _iso_brands(prefix)
    return next((picture_format for known, picture_format in _BRANDS if brands & known), None)


def refused_format(prefix: bytes) -> str | None:
    """The name of a picture format that is known but not accepted, else None."""
    if b"<svg" in prefix.lower():
        return "SVG"
    return next((name for signature, name in _NOT_ACCEPTED if prefix.startswith(signature)), None)


def _iso_brands(prefix: bytes) -> set[bytes]:
    """The major and compatible brands: only all of them tell HEIC from AVIF when the major one is `mif1`."""
    if prefix[4:8] != b"ftyp":
        return set()
    ftyp = prefix[8 : int.from_bytes(prefix[:4])]
    return {ftyp[:4]} | {ftyp[start : start + 4] for start in range(8, len(ftyp), 4)}
