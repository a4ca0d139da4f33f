import numpy as np
import pytest
from PIL import Image, ImageCms

from mlmodels.tests.photographs import (
    decoded,
    grey_profile_for_cmyk,
    mean_difference,
    photograph,
    small,
    with_profile,
    written,
)


def test_sixteen_bit_grey_keeps_its_range() -> None:
    ramp = np.linspace(0, 65535, 256 * 16).reshape(64, 64).astype(np.uint16)
    for picture_format in ("PNG", "TIFF"):
        levels = np.asarray(decoded(written(Image.fromarray(ramp), picture_format)))[..., 0]
        np.testing.assert_allclose(levels, ramp / 257, atol=0.51)


def test_big_endian_sixteen_bit_grey_keeps_its_range() -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    big_endian = Image.frombytes("I;16B", (64, 64), ramp.astype(">u2").tobytes())
    levels = np.asarray(decoded(written(big_endian, "TIFF")))[..., 0]
    np.testing.assert_allclose(levels, ramp / 257, atol=0.51)


@pytest.mark.parametrize(
    ("dtype", "white"),
    [("float32", 1), ("float32", 255), ("float32", 65535), ("int32", 255), ("int32", 65535), ("int32", 4_000_000)],
)
def test_wide_grey_is_scaled_by_the_range_that_holds_it(dtype: str, white: int) -> None:
    ramp = (np.linspace(0, 1, 64 * 64).reshape(64, 64) * white).astype(dtype)
    levels = np.asarray(decoded(written(Image.fromarray(ramp), "TIFF")))[..., 0]
    np.testing.assert_allclose(levels, ramp.astype(float) * 255 / white, atol=0.51)


def test_floats_that_are_no_numbers_are_black() -> None:
    values = np.full((16, 16), 0.5, dtype=np.float32)
    values[0, :3] = np.nan, np.inf, -5
    levels = np.asarray(decoded(written(Image.fromarray(values), "TIFF")))[..., 0]
    assert levels[0, :4].tolist() == [0, 0, 0, 128]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_alpha_is_laid_on_white(mode: str) -> None:
    image = Image.new("RGBA", (16, 16), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 8, 16))
    picture = decoded(written(image.convert(mode), "TIFF" if mode == "PA" else "PNG"))
    assert picture.getpixel((2, 2)) == (255, 255, 255)
    assert picture.getpixel((12, 2)) == (0, 0, 0)


def test_half_transparent_black_is_grey() -> None:
    picture = decoded(written(Image.new("RGBA", (16, 16), (0, 0, 0, 128)), "PNG"))
    assert picture.getpixel((2, 2)) == (127, 127, 127)


@pytest.mark.parametrize("mode", ["P", "L", "RGB", "1"])
def test_a_transparent_colour_is_laid_on_white(mode: str) -> None:
    image = Image.new("RGB", (16, 16), "white")
    image.paste((0, 0, 0), (0, 0, 8, 16))
    stored = image.convert(mode)
    black = stored.getpixel((0, 0))
    picture = decoded(written(stored, "PNG", transparency=black))
    assert picture.getpixel((2, 2)) == (255, 255, 255)


def test_a_profile_is_obeyed() -> None:
    """Adobe RGB's full green lies outside sRGB: shown as it is, it would be pale."""
    adobe_rgb = with_profile("rocket")
    plain = Image.new("RGB", (16, 16), (120, 160, 80))
    shown = decoded(written(plain, "PNG", icc_profile=adobe_rgb)).getpixel((0, 0))
    assert isinstance(shown, tuple)
    assert shown[0] < 110
    assert shown[1] == pytest.approx(160, abs=3)


def test_a_profile_of_srgb_changes_nothing() -> None:
    file = written(photograph("astronaut"), "PNG", icc_profile=with_profile("astronaut"))
    assert decoded(file).tobytes() == photograph("astronaut").tobytes()


@pytest.mark.parametrize("profile", [b"x", bytes(200), b"\xff" * 4000])
def test_a_malformed_profile_is_ignored(profile: bytes) -> None:
    file = written(photograph("chelsea"), "PNG", icc_profile=profile)
    assert decoded(file).tobytes() == photograph("chelsea").tobytes()


@pytest.mark.parametrize("cut", [129, 200, 400, 559])
def test_a_profile_cut_short_is_never_fatal(cut: int) -> None:
    file = written(photograph("chelsea"), "PNG", icc_profile=with_profile("rocket")[:cut])
    assert mean_difference(decoded(file), photograph("chelsea")) < 20


def test_a_profile_for_other_pixels_is_ignored() -> None:
    file = written(photograph("chelsea").convert("L"), "PNG", icc_profile=with_profile("rocket"))
    assert decoded(file).tobytes() == photograph("chelsea").convert("L").convert("RGB").tobytes()


def test_cmyk_without_a_profile_looks_like_the_original() -> None:
    picture = decoded(written(photograph("chelsea").convert("CMYK"), "JPEG", quality=95))
    assert mean_difference(picture, photograph("chelsea")) < 5


@pytest.mark.parametrize("picture_format", ["JPEG", "TIFF"])
def test_cmyk_with_a_profile_is_shown_as_the_profile_says(picture_format: str) -> None:
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    plain = np.asarray(decoded(written(cyan, picture_format)))[0, 0]
    assert plain[0] < 5
    shown = np.asarray(decoded(written(cyan, picture_format, icc_profile=grey_profile_for_cmyk())))[0, 0].astype(int)
    assert shown.max() - shown.min() <= 2
    assert 140 < shown[0] < 180


def test_lab_looks_like_the_original() -> None:
    lab = ImageCms.profileToProfile(
        small(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    lab.info = {}
    assert mean_difference(decoded(written(lab, "TIFF")), small()) < 3
