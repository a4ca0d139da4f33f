"""What a picture file tells beside its picture: found, and removed without touching a pixel."""

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mlmodels.inference import pictures
from mlmodels.inference.decoding.look import Look, look
from mlmodels.inference.metadata import containers, location, stripping
from mlmodels.inference.metadata.parts import MalformedError, assembled
from mlmodels.tests.photographs import MAX_PIXELS, photograph_path, small, written

needs_exiftool = pytest.mark.skipif(
    shutil.which("exiftool") is None,
    reason="exiftool is not installed here (Debian: apt-get install libimage-exiftool-perl)",
)
EXIF_PLACE = ["-EXIF:GPSLatitude=35.6", "-EXIF:GPSLatitudeRef=N", "-EXIF:GPSLongitude=139.7", "-EXIF:GPSLongitudeRef=E"]
REST = ["-EXIF:Make=Camera", "-EXIF:SerialNumber=12345", "-XMP:CreatorTool=Phone"]
ORIENTATION_TAG, GPS_TAG = 0x0112, 0x8825
STRIPPABLE = ["JPEG", "PNG", "WEBP", "AVIF"]


def with_exif(format_name: str, orientation: int = 1, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    exif[0x010F] = "Maker of the camera"
    exif.get_ifd(GPS_TAG).update({1: "N", 2: (35.0, 36.0, 0.0), 3: "E", 4: (139.0, 42.0, 0.0)})
    return written(small(), format_name, exif=exif, **options).getvalue()


def exiftool(content: bytes, folder: Path, *arguments: str) -> str:
    path = folder / "picture"
    path.write_bytes(content)
    return subprocess.run(["exiftool", *arguments, path], capture_output=True, text=True, check=True).stdout


def tagged(content: bytes, folder: Path, *arguments: str) -> bytes:
    exiftool(content, folder, "-q", "-m", "-overwrite_original", *arguments)
    return (folder / "picture").read_bytes()


def looked_at(content: bytes, *, strips_metadata: bool = True) -> Look:
    return look(content, max_pixels=MAX_PIXELS, thumbnail_side_px=64, strips_metadata=strips_metadata)


def stripped(content: bytes) -> bytes:
    seen = looked_at(content)
    assert not seen.keeps_metadata
    assert seen.pieces is not None
    return assembled(content, seen.pieces)


def pixels(content: bytes) -> Any:
    return np.asarray(pictures.decode(io.BytesIO(content), max_pixels=MAX_PIXELS))


@pytest.mark.parametrize("format_name", STRIPPABLE)
def test_a_position_in_exif_is_found(format_name: str) -> None:
    assert looked_at(with_exif(format_name), strips_metadata=False).has_location
    assert not looked_at(written(small(), format_name).getvalue(), strips_metadata=False).has_location


@needs_exiftool
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("place", [EXIF_PLACE, ["-XMP:GPSLatitude=35.6"], ["-XMP-photoshop:City=Tokyo"]])
def test_a_place_that_a_tool_wrote_is_found(format_name: str, place: list[str], tmp_path: Path) -> None:
    content = tagged(written(small(), format_name).getvalue(), tmp_path, *REST, *place)

    assert location.is_told(content, format_name)


@needs_exiftool
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_camera_is_no_place(format_name: str, tmp_path: Path) -> None:
    content = tagged(written(small(), format_name).getvalue(), tmp_path, *REST)

    assert not location.is_told(content, format_name)


@needs_exiftool
def test_names_of_places_in_iptc_are_found(tmp_path: Path) -> None:
    content = tagged(written(small(), "JPEG").getvalue(), tmp_path, "-IPTC:City=Tokyo")

    assert location.is_told(content, "JPEG")
    assert not looked_at(content).has_location


@needs_exiftool
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_nothing_is_left_but_the_picture_its_profile_and_the_way_up(
    format_name: str, orientation: int, tmp_path: Path
) -> None:
    profile = Path("/usr/share/color/icc/ghostscript/srgb.icc")
    options = {"icc_profile": profile.read_bytes()} if profile.exists() else {}
    content = with_exif(format_name, orientation, **options)
    content = tagged(content, tmp_path, *EXIF_PLACE, *REST, "-IPTC:City=Tokyo", "-Comment=hello", "-XMP:Title=secret")

    left = stripped(content)

    assert np.array_equal(pixels(left), pixels(content))
    told = exiftool(
        left, tmp_path, "-a", "-s", "-G1", "-EXIF:all", "-XMP:all", "-IPTC:all", "-Comment", "-File:Comment"
    )
    assert [line.split()[1] for line in told.splitlines()] == (["Orientation"] if orientation != 1 else [])
    with Image.open(io.BytesIO(content)) as before, Image.open(io.BytesIO(left)) as after:
        assert after.info.get("icc_profile") == before.info.get("icc_profile")


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_way_up_stays(format_name: str, orientation: int) -> None:
    content = with_exif(format_name, orientation)

    left = stripped(content)

    assert np.array_equal(pixels(left), pixels(content))
    assert b"Maker" not in left
    assert not location.is_told(left, format_name)


def test_in_a_picture_of_a_phone_the_blocks_are_blanked_in_place(tmp_path: Path) -> None:
    content = photograph_path("located").read_bytes()
    assert location.is_told(content, "HEIF")

    left = stripped(content)

    assert len(left) == len(content)
    assert np.array_equal(pixels(left), pixels(content))
    assert not {b"Camera", b"12345", b"Phone"} & {word for word in (b"Camera", b"12345", b"Phone") if word in left}
    assert not location.is_told(left, "HEIF")


@pytest.mark.parametrize("progressive", [True, False])
def test_what_hides_behind_the_end_of_a_jpeg_goes_too(progressive: bool) -> None:
    content = with_exif("JPEG", progressive=progressive) + b"PK\3\4 and a video with a position"

    assert stripped(content).endswith(b"\xff\xd9")


def test_a_second_picture_with_a_position_of_its_own_goes_too() -> None:
    second = Image.open(io.BytesIO(with_exif("JPEG")))
    content = written(small(), "MPO", save_all=True, append_images=[second], exif=second.getexif()).getvalue()

    left = stripped(content)

    assert left.count(b"Maker") == 0
    assert np.array_equal(pixels(left), pixels(content))


@pytest.mark.parametrize("format_name", ["GIF", "BMP", "JPEG", "PNG", "WEBP", "AVIF"])
def test_a_file_that_tells_nothing_is_stored_as_it_came(format_name: str) -> None:
    content = written(small(), format_name).getvalue()
    seen = looked_at(content)

    assert (seen.pieces, seen.keeps_metadata) == (None, False)


def test_a_file_of_which_nothing_can_be_removed_says_so() -> None:
    assert looked_at(with_exif("TIFF")).keeps_metadata
    assert looked_at(written(small(), "GIF", comment=b"hello").getvalue()).keeps_metadata


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
@given(data=st.data())
def test_broken_containers_are_malformed_or_whole(format_name: str, data: st.DataObject) -> None:
    content = bytearray(with_exif(format_name))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    try:
        parts = list(containers.PARTS[format_name](bytes(content)))
    except MalformedError:
        return
    assert [part.end for part in parts[:-1]] == [part.start for part in parts[1:]]


def test_a_malformed_file_is_left_alone() -> None:
    content = with_exif("PNG")
    with pytest.raises(stripping.CannotStripError):
        stripping.pieces(content[:-4], "PNG")
