"""What a picture tells beside its picture goes to its owner with the original, and to nobody with anything else."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from accounts.models import User
from benchmarks.security import seed_files
from imageanalysis.tests.visits import Visitor, addresses, scene_of
from mlmodels.models import MLModel

pytestmark = pytest.mark.skipif(
    shutil.which("exiftool") is None,
    reason="exiftool is not installed here (Debian: apt-get install libimage-exiftool-perl)",
)
TELLTALE = "Erika Mustermann"
TOLD = [
    *(f"-EXIF:{tag}={TELLTALE}" for tag in ("Artist", "OwnerName", "SerialNumber", "UserComment", "ImageDescription")),
    *("-EXIF:GPSLatitude=35.6", "-EXIF:GPSLatitudeRef=N", "-EXIF:GPSLongitude=139.7", "-EXIF:GPSLongitudeRef=E"),
    *(f"-XMP:{tag}={TELLTALE}" for tag in ("Creator", "SerialNumber", "GPSLatitude=35.6", "City")),
    *(f"-IPTC:{tag}={TELLTALE}" for tag in ("By-line", "City")),
    f"-Comment={TELLTALE}",
]
# What exiftool says of any file, however little is in it.
HARMLESS_GROUPS = {"ExifTool", "System", "File", "JFIF", "Composite"}
# Nothing can be written beside the picture of a BMP.
TELLING_FORMATS = [name for name in seed_files.FORMATS if name != "BMP"]
ORIGINAL = "/images/<key:pk>/file/"


def told_by(content: bytes, folder: Path) -> dict[str, str]:
    """Everything that exiftool finds, also in pictures within the picture, but what it says of any file."""
    path = folder / "served"
    path.write_bytes(content)
    command = ["exiftool", "-json", "-a", "-G1", "-ee", "-U", path]
    (found,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    del found["SourceFile"]
    return {
        tag: str(value)
        for tag, value in found.items()
        if tag.partition(":")[0] not in HARMLESS_GROUPS or TELLTALE in str(value) or "GPS" in tag
    }


def telling(format_name: str, folder: Path) -> bytes:
    """A photograph of this format that tells whatever the format can tell, a small picture of its own included."""
    path, small = folder / f"telling.{format_name.lower()}", folder / "small.jpg"
    path.write_bytes(seed_files.seed_file(format_name))
    small.write_bytes(seed_files.written(seed_files.photograph().resize((80, 60)), "JPEG", comment=TELLTALE))
    write = ["exiftool", "-q", "-q", "-m", "-overwrite_original", *TOLD, f"-ThumbnailImage<={small}", path]
    subprocess.run(write, check=True, capture_output=True)
    return path.read_bytes()


@pytest.mark.parametrize("format_name", TELLING_FORMATS)
def test_only_the_original_tells_anything_beside_its_picture(
    format_name: str, owner: User, model: MLModel, tmp_path: Path
) -> None:
    content = telling(format_name, tmp_path)
    assert TELLTALE in str(told_by(content, tmp_path))
    scene = scene_of(owner, model, content=content, name=f"picture.{format_name.lower()}")

    visitor, pictures = Visitor(owner), 0
    for address in addresses():
        if not address.startswith("/images/<key:pk>/"):
            continue
        answer = visitor.visit("GET", scene.path(address))
        served = visitor.body
        if address == ORIGINAL:
            assert served == content
        elif answer.headers["Content-Type"].startswith("image/"):
            pictures += 1
            assert told_by(served, tmp_path) == {}, address
        assert address == ORIGINAL or TELLTALE.encode() not in served, address
    assert pictures


def test_no_page_of_anybody_repeats_what_an_original_tells(
    owner: User, other_user: User, staff: User, model: MLModel, tmp_path: Path
) -> None:
    scene = scene_of(owner, model, content=telling("JPEG", tmp_path))

    for person in (owner, other_user, staff):
        visitor = Visitor(person)
        for address in addresses():
            visitor.visit("GET", scene.path(address))
            if not (person is owner and address == ORIGINAL):
                assert TELLTALE.encode() not in visitor.body, (person.username, address)
