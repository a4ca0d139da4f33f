"""Odd, broken and malicious files at the real door: a refusal with a code, or a picture; nothing else, and quickly."""

import itertools
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from PIL import Image as Pillow

from accounts.models import User
from benchmarks.security import fuzz, hostile_files, seed_files
from images import decoding, refusals
from images.models import Image
from images.tests.factories import drawn_picture, queued_image
from images.tests.uploads import BOUNDARY, JSON, UPLOAD, codes, disposition, files_in, part, upload
from mlmodels.inference.decoding.pool import Allowance, DecoderPool
from mlmodels.models import MLModel

pytestmark = pytest.mark.usefixtures("model")
MIB = 2**20
EXTENSIONS = {
    "JPEG": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
    "AVIF": "avif",
    "HEIF": "heic",
}
OTHER_TYPES = ("PostScript", "PDF", "PSD", "ICO", "FITS", "SVG", "HTML", "ZIP", "ELF")
NAMES = ("a.jpg", "a.png", "a.webp", "a.svg", "a.html", "a.jpg.php", "a")
CLAIMS = ("image/png", "image/jpeg", "text/html", "")


def decoders_peak_mib() -> int:
    """The most memory that any decoder of this process ever held."""
    pids = [pid for pool in decoding._pools.values() for pid in pool.pids]
    return max(peak_mib(pid) for pid in pids)


def peak_mib(pid: int) -> int:
    words = Path(f"/proc/{pid}/status").read_text().split()
    return int(words[words.index("VmHWM:") + 1]) // 1024


def claimed(client: Client, name: str, content: bytes, media_type: str) -> list[str]:
    """Upload under a name and a type that the sender claims; the codes of refusals."""
    header = disposition(name) + (f"\r\nContent-Type: {media_type}" if media_type else "")
    body = part(header, content) + f"--{BOUNDARY}--\r\n".encode()
    return codes(client.post(UPLOAD, body, content_type=f"multipart/form-data; boundary={BOUNDARY}", headers=JSON))


@pytest.mark.parametrize("real", [*EXTENSIONS, *OTHER_TYPES])
def test_what_a_file_is_said_to_be_changes_nothing(real: str, owner_client: Client) -> None:
    is_picture = real in EXTENSIONS
    content = drawn_picture(real) if real not in ("HEIF", *OTHER_TYPES) else b""
    content = content or (seed_files.seed_file(real) if is_picture else hostile_files.NEVER[real]())

    outcomes = {tuple(claimed(owner_client, name, content, claim)) for name, claim in itertools.product(NAMES, CLAIMS)}

    if not is_picture:
        assert len(outcomes) == 1
        assert outcomes <= {("not_a_picture",), ("format_not_accepted",)}
        return
    assert outcomes == {()}
    stored = Image.objects.values_list("file_path", flat=True)
    assert {name.rpartition(".")[2] for name in stored} == {EXTENSIONS[real]}
    served = owner_client.get(f"/images/{Image.objects.latest('pk').pk}/file/")
    assert served["Content-Type"].startswith("image/")
    b"".join(served)


@pytest.mark.parametrize("name", hostile_files.NEVER)
def test_documents_and_programs_are_never_taken(name: str, owner_client: Client, media_of_its_own: Path) -> None:
    for called in ("picture.jpg", f"{name}.svg"):
        answer = upload(owner_client, (called, hostile_files.NEVER[name]()))

        assert answer.status_code == 400
        assert codes(answer)[0] in ("not_a_picture", "format_not_accepted")
    assert files_in(media_of_its_own) == []


def test_no_plugin_beyond_those_of_the_accepted_formats_is_loaded() -> None:
    others = {"EpsImagePlugin", "PdfImagePlugin", "PsdImagePlugin", "FitsImagePlugin", "IcoImagePlugin"}

    assert not {name.rpartition(".")[2] for name in sys.modules if name.startswith("PIL.")} & others
    assert not set(Pillow.ID) & {"EPS", "PDF", "PSD", "FITS", "ICO", "WMF"}


@pytest.mark.parametrize("name", hostile_files.POLYGLOTS)
def test_a_picture_that_is_something_else_too_is_served_as_a_picture_only(
    name: str, owner_client: Client, media_of_its_own: Path
) -> None:
    upload(owner_client, ("both", hostile_files.POLYGLOTS[name]()))
    image = Image.objects.get()

    for kind in ("file", "thumbnail"):
        served = owner_client.get(f"/images/{image.pk}/{kind}/")
        b"".join(served)
        assert served["Content-Type"].startswith("image/")
        assert served["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in served["Content-Security-Policy"]
    thumbnail = (media_of_its_own / str(image.thumbnail_path)).read_bytes()
    assert not [word for word in (b"<script", b"<?php", b"%PDF", b"alert") if word in thumbnail]


@pytest.mark.parametrize("name", hostile_files.FLOODS)
def test_a_flood_is_refused_by_its_header(name: str, owner_client: Client) -> None:
    upload(owner_client, ("small.png", drawn_picture()))
    before = decoders_peak_mib()

    assert codes(upload(owner_client, ("flood", hostile_files.FLOODS[name]())))[0] in ("too_many_pixels", "damaged")
    assert decoders_peak_mib() - before < 50


# The census sends the others, too.
SMALLER_BOMBS = [name for name in hostile_files.BOMBS if not re.search("gigabyte|megabytes|10,000", name)]


@pytest.mark.parametrize("name", [*SMALLER_BOMBS, *hostile_files.ASPECTS, *hostile_files.TINY])
def test_a_bomb_is_refused_or_taken_and_costs_no_decoder(
    name: str, owner_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = upload(owner_client, ("bomb", hostile_files.all_made()[name]()))

    assert answer.status_code == 201 or codes(answer)[0] in refusals.CODES
    assert "a decoder" not in caplog.text


@pytest.mark.parametrize("name", [name for name in hostile_files.ODD_BUT_GOOD if name != "JPEG without an end"])
def test_odd_but_good_pictures_are_taken(name: str, owner_client: Client) -> None:
    assert codes(upload(owner_client, ("odd", hostile_files.ODD_BUT_GOOD[name]()))) == []


def test_a_photograph_of_two_hundred_megapixels_is_taken(owner_client: Client) -> None:
    size = (16_320, 12_240)
    content = seed_files.written(Pillow.new("L", size, 90), "JPEG", quality=30)

    assert codes(upload(owner_client, ("phone.jpg", content))) == []


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    running = DecoderPool(Allowance(processes=4, seconds=30, memory_bytes=2**32))
    yield running
    running.close()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("format_name", seed_files.FORMATS)
def test_mutated_pictures_kill_and_hold_up_no_decoder(format_name: str, pool: DecoderPool) -> None:
    assert fuzz.fuzz(pool, format_name, range(60), seed=1).broken == []


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("format_name", seed_files.FORMATS)
def test_a_cut_picture_is_refused_exactly_when_pillow_cannot_load_it(format_name: str, pool: DecoderPool) -> None:
    cut, differing = fuzz.disagreements(pool, format_name, pictures=1)

    assert (cut, differing) == (fuzz.CUTS, [])


def test_the_same_bytes_a_hundred_times_at_once_are_a_hundred_pictures(
    transactional_db: None, owner: User, model: MLModel, media_of_its_own: Path
) -> None:
    def attempt(_number: int) -> str:
        try:
            return queued_image(user=owner, model=model).file_path
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as threads:
        paths = list(threads.map(attempt, range(100)))

    assert len(set(paths)) == 100 == Image.objects.count()
    assert len([name for name in files_in(media_of_its_own) if re.search("original", name)]) == 100
