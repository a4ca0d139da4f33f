"""Uploads are looked at in processes of their own: whatever a file does to one, it is that file's trouble alone."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from PIL import Image as Pillow
from pytest_django import Settings

from accounts.models import User
from accounts.tests.factories import UserFactory
from images import decoding
from images.models import Image, Original
from images.tests.factories import drawn_picture
from images.tests.uploads import codes, files_in, upload
from mlmodels.tests.photographs import photograph_path
from mlmodels.tests.test_metadata import with_exif

pytestmark = pytest.mark.usefixtures("model")
GOOD = drawn_picture("JPEG")


@pytest.fixture
def faulty(settings: Settings) -> Iterator[None]:
    """Decoders that break over files with certain words in them."""
    settings.DECODER_MODULE = "mlmodels.tests.faulty_decoder"
    settings.DECODER_SECONDS = 2
    settings.DECODER_MEMORY_BYTES = 300 * 2**20
    yield
    decoding._close_pools()
    decoding._pools.clear()


@pytest.mark.parametrize(
    ("words", "code"), [(b"please crash", "decoder_died"), (b"please spin", "too_slow"), (b"please hoard", "no_memory")]
)
def test_a_file_that_breaks_its_decoder_is_refused_and_nothing_is_left(
    words: bytes, code: str, faulty: None, owner_client: Client, media_of_its_own: Path
) -> None:
    answer = upload(owner_client, ("bad.jpg", GOOD + words))

    assert (answer.status_code, codes(answer)) == (400, [code])
    assert ". Please " in answer.json()["errors"][0]["message"]
    assert (Image.objects.count(), files_in(media_of_its_own)) == (0, [])


def test_the_other_files_of_the_same_request_are_taken(faulty: None, owner_client: Client) -> None:
    files = [(f"{n}.jpg", GOOD + (b"please crash" if n in (1, 4) else b"")) for n in range(6)]

    answer = upload(owner_client, *files)

    assert [image["filename"] for image in answer.json()["images"]] == ["0.jpg", "2.jpg", "3.jpg", "5.jpg"]
    assert [error["filename"] for error in answer.json()["errors"]] == ["1.jpg", "4.jpg"]


def test_uploads_of_the_same_moment_are_taken(
    transactional_db: None, faulty: None, owner: User, other_user: User
) -> None:
    def attempt(number: int) -> int:
        client = Client()
        client.force_login(other_user if number % 4 else owner)
        try:
            answer = upload(client, (f"{number}.jpg", GOOD + (b"" if number % 4 else b"please spin")))
        finally:
            connection.close()
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(attempt, range(8)))

    assert statuses == [201 if number % 4 else 400 for number in range(8)]


def test_the_web_process_decodes_nothing_itself(owner_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("untrusted bytes were opened in the web process")

    monkeypatch.setattr(Pillow, "open", refuse)

    assert upload(owner_client, ("a.jpg", GOOD)).status_code == 201


def test_a_fork_has_decoders_of_its_own(owner_client: Client) -> None:
    upload(owner_client, ("a.jpg", GOOD))
    child = os.fork()
    if child == 0:
        os._exit(len(decoding._pools))
    _pid, status = os.waitpid(child, 0)

    assert status == 0
    assert upload(owner_client, ("a.jpg", GOOD)).status_code == 201


def test_a_large_file_is_read_where_it_lies(owner_client: Client, settings: Settings) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000

    upload(owner_client, ("a.bmp", drawn_picture("BMP")))

    assert Original.objects.get().stored_bytes > 1000


def stored(image: Image, media: Path) -> bytes:
    return (media / image.file_path).read_bytes()


@pytest.mark.parametrize("said", ["on", "true"])
def test_an_original_is_stored_without_what_it_tells_when_asked(
    said: str, owner_client: Client, media_of_its_own: Path
) -> None:
    upload(owner_client, ("held.jpg", with_exif("JPEG", 6)), strip_metadata=said)

    image = Image.objects.get()
    assert b"Maker" not in stored(image, media_of_its_own)
    assert not image.original.has_location
    assert "place where it was taken" not in owner_client.get(image.get_absolute_url()).content.decode()


@pytest.mark.parametrize("fields", [{}, {"strip_metadata": "off"}])
def test_otherwise_it_is_kept_and_its_owner_told(
    fields: dict[str, str], owner_client: Client, media_of_its_own: Path
) -> None:
    upload(owner_client, ("held.jpg", with_exif("JPEG", 6)), **fields)

    image = Image.objects.get()
    assert stored(image, media_of_its_own) == with_exif("JPEG", 6)
    assert image.original.has_location
    assert "place where it was taken" in owner_client.get(image.get_absolute_url()).content.decode()


def test_an_installation_may_strip_unless_told_otherwise(
    owner_client: Client, settings: Settings, media_of_its_own: Path
) -> None:
    settings.UPLOAD_STRIP_METADATA = True
    page = owner_client.get("/images/upload/").content.decode()
    assert 'name="strip_metadata" value="on" checked' in page

    upload(owner_client, ("held.jpg", with_exif("JPEG")))
    assert b"Maker" not in stored(Image.objects.get(), media_of_its_own)


def test_where_it_cannot_be_removed_that_is_said(owner_client: Client, media_of_its_own: Path) -> None:
    content = with_exif("TIFF")
    answer = upload(owner_client, ("scan.tif", content), strip_metadata="on")

    assert "could not be removed" in answer.json()["images"][0]["notice"]
    assert stored(Image.objects.get(), media_of_its_own) == content
    upload(owner_client, ("scan.tif", content), as_json=False, strip_metadata="on")
    assert "could not be removed" in owner_client.get("/").content.decode()


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
def test_thumbnails_tell_nothing(format_name: str, owner_client: Client, media_of_its_own: Path) -> None:
    content = photograph_path("located").read_bytes() if format_name == "HEIC" else with_exif(format_name)
    upload(owner_client, ("held", content))

    thumbnail = (media_of_its_own / str(Image.objects.get().thumbnail_path)).read_bytes()
    assert not [word for word in (b"Exif", b"Maker", b"Camera", b"Phone", b"xap", b"Photoshop") if word in thumbnail]


def test_nobody_else_is_told_of_a_place(owner_client: Client) -> None:
    upload(owner_client, ("held.jpg", with_exif("JPEG")))
    stranger = Client()
    stranger.force_login(UserFactory.create())

    assert stranger.get(Image.objects.get().get_absolute_url()).status_code == 404
