import io

import numpy as np
import pytest
from PIL import Image

from mlmodels.inference import picture_formats, pictures
from mlmodels.inference.preprocessing import FULL_SIZE
from mlmodels.tests.photographs import (
    MAX_PIXELS,
    STORED,
    decoded,
    mean_difference,
    photograph,
    photograph_path,
    small,
    with_profile,
    written,
)


@pytest.mark.parametrize("picture_format", picture_formats.ACCEPTED, ids=lambda accepted: accepted.name)
def test_a_header_tells_format_size_and_names(picture_format: picture_formats.PictureFormat) -> None:
    if picture_format.name == "HEIF":
        file = io.BytesIO(photograph_path("chelsea_rotated").read_bytes())
    else:
        file = written(photograph("chelsea").resize((450, 300)), picture_format.name)
    header = pictures.read_header(file, max_pixels=MAX_PIXELS)
    assert (header.format, header.extension, header.media_type) == (
        picture_format.name,
        picture_format.extension,
        picture_format.media_type,
    )
    assert (header.width_px, header.height_px) == (450, 300)
    assert not header.is_animated


@pytest.mark.parametrize("picture_format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_animations_are_known_from_the_header(picture_format: str) -> None:
    file = written(small(), picture_format, save_all=True, append_images=[small().rotate(20)])
    assert pictures.read_header(file, max_pixels=MAX_PIXELS).is_animated


def test_a_multi_picture_jpeg_of_a_phone_is_a_jpeg_that_does_not_move() -> None:
    file = written(small(), "MPO", save_all=True, append_images=[small().rotate(20)])
    header = pictures.read_header(file, max_pixels=MAX_PIXELS)
    assert header.format == "JPEG"
    assert not header.is_animated


def test_avif_under_the_brand_of_the_container_is_still_avif() -> None:
    content = written(small(), "AVIF").getvalue()
    assert content[4:12] == b"ftypavif"
    file = io.BytesIO(content[:8] + b"mif1" + content[12:])
    assert pictures.read_header(file, max_pixels=MAX_PIXELS).format == "AVIF"


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("at_least_px", [None, 75])
@pytest.mark.parametrize("scene_size", [(300, 200), (200, 300)])
def test_every_orientation_comes_out_upright(
    orientation: int, at_least_px: int | None, scene_size: tuple[int, int]
) -> None:
    scene = photograph("coffee").resize(scene_size)
    transposition = STORED[orientation]
    stored = scene if transposition is None else scene.transpose(transposition)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decoded(written(stored, "JPEG", quality=95, exif=exif), at_least_px)
    upright = scene if at_least_px is None else scene.reduce(2)
    assert mean_difference(picture, upright) < 3


@pytest.mark.parametrize("picture_format", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_other_formats_come_out_upright_too(picture_format: str) -> None:
    scene = photograph("coffee")
    exif = Image.Exif()
    exif[0x0112] = 6
    file = written(scene.transpose(Image.Transpose.ROTATE_90), picture_format, exif=exif)
    assert mean_difference(decoded(file), scene) < 4


@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_of_a_heic_comes_out_upright(orientation: int) -> None:
    content = photograph_path(f"coffee_as_{orientation}").read_bytes()
    with Image.open(io.BytesIO(content)) as opened:
        assert (opened.info["original_orientation"] or 1) == orientation
    scene = photograph("coffee").resize((300, 200), Image.Resampling.BICUBIC)
    assert mean_difference(decoded(io.BytesIO(content)), scene) < 7


def test_a_heic_is_not_turned_twice() -> None:
    straight, turned = (
        decoded(io.BytesIO(photograph_path(name).read_bytes())) for name in ("chelsea_straight", "chelsea_rotated")
    )
    assert mean_difference(turned, straight) < 4
    assert mean_difference(straight, photograph("chelsea").crop((0, 0, 450, 300))) < 4


@pytest.mark.parametrize("at_least_px", [None, 60])
def test_a_decoded_picture_carries_no_metadata(at_least_px: int | None) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    file = written(small(), "JPEG", exif=exif, comment="where I live", icc_profile=with_profile("rocket"))
    picture = decoded(file, at_least_px)
    assert picture.info == {}
    assert picture.mode == "RGB"
    content = pictures.thumbnail(picture, max_side_px=64)
    for secret in (b"a camera", b"where I live", b"Adobe RGB", b"Exif"):
        assert secret not in content


def test_the_first_frame_of_an_animation_is_the_picture() -> None:
    first, second = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
    for picture_format in ("GIF", "PNG", "WEBP", "TIFF"):
        file = written(first, picture_format, save_all=True, append_images=[second])
        red, _, blue = np.asarray(decoded(file)).mean(axis=(0, 1))
        assert red > 240 > 15 > blue, picture_format


def test_all_but_the_first_two_frames_may_be_missing() -> None:
    """Nobody seeks through ten thousand of them to learn that a picture moves."""
    turned = [small().rotate(20 * turn) for turn in range(1, 5)]
    file = written(small(), "GIF", save_all=True, append_images=turned, duration=100)
    content = file.getvalue()
    third_frame = [at for at in range(len(content)) if content[at : at + 3] == b"\x21\xf9\x04"][2]
    cut = io.BytesIO(content[:third_frame])
    assert pictures.read_header(cut, max_pixels=MAX_PIXELS).is_animated
    assert decoded(cut).tobytes() == decoded(file).tobytes()


@pytest.mark.parametrize(
    ("size", "expected"), [((4000, 3000), (1000, 750)), ((1023, 1023), (1023, 1023)), ((1024, 2000), (512, 1000))]
)
def test_a_reduced_decode_keeps_the_shorter_side(size: tuple[int, int], expected: tuple[int, int]) -> None:
    file = written(photograph("coffee").resize(size), "JPEG")
    assert decoded(file, at_least_px=512).size == expected


@pytest.mark.parametrize("orientation", [1, 3, 5, 6, 8])
@pytest.mark.parametrize("size", [(2401, 1601), (1601, 2402)])
def test_what_a_reduced_decode_shows_stands_where_it_stood(orientation: int, size: tuple[int, int]) -> None:
    """Neither side can be divided: the last column and row of the reduced picture are a fraction of a pixel wide."""
    scene = photograph("coffee").resize(size, Image.Resampling.BICUBIC)
    transposition = STORED[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = scene if transposition is None else scene.transpose(transposition)
    file = written(stored, "JPEG", quality=95, exif=exif)
    reduced = decoded(file, at_least_px=400)

    assert min(reduced.size) == 401
    assert reduced.info == {FULL_SIZE: size}
    small_size = (size[0] // 8, size[1] // 8)
    expected = decoded(file).resize(small_size, Image.Resampling.BICUBIC)
    assert mean_difference(reduced.resize(small_size, Image.Resampling.BICUBIC), expected) < 0.7


@pytest.mark.parametrize(
    ("size", "expected"),
    [((600, 400), (200, 133)), ((400, 600), (133, 200)), ((100, 50), (100, 50)), ((30000, 8), (200, 1))],
)
def test_a_thumbnail_fits_and_never_grows(size: tuple[int, int], expected: tuple[int, int]) -> None:
    content = pictures.thumbnail(Image.new("RGB", size), max_side_px=200)
    with Image.open(io.BytesIO(content)) as small_picture:
        assert (small_picture.format, small_picture.size) == ("JPEG", expected)


def test_the_file_may_stand_anywhere_when_it_is_handed_over() -> None:
    file = written(small(), "PNG")
    file.seek(1000)
    assert decoded(file).size == decoded(file).size == (150, 100)
