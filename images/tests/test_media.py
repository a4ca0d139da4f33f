"""The bytes of a picture: for its owner, under its own name, inert."""

import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from images.models import Image
from images.tests.factories import drawn_picture, queued_image

TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
}
HEIC = Path(__file__).resolve().parents[2] / "mlmodels/tests/data/chelsea_straight.heic"
KINDS = ["file", "thumbnail"]


@pytest.fixture
def image(owner: User) -> Image:
    return queued_image(user=owner)


@pytest.mark.parametrize(("format_name", "media_type"), TYPES.items())
def test_the_owner_gets_the_bytes_as_what_they_are(
    format_name: str, media_type: str, owner_client: Client, owner: User
) -> None:
    content = drawn_picture(format_name)
    image = queued_image(user=owner, content=content, name="picture.html")

    answer = owner_client.get(f"/images/{image.pk}/file/")

    assert b"".join(answer) == content
    assert answer["Content-Type"] == media_type
    assert answer["Content-Length"] == str(len(content))


def test_a_picture_of_a_phone_is_served_as_heic(owner_client: Client, owner: User) -> None:
    image = queued_image(user=owner, content=HEIC.read_bytes(), name="IMG_0001.HEIC")

    answer = owner_client.get(f"/images/{image.pk}/file/")

    assert b"".join(answer) == HEIC.read_bytes()
    assert answer["Content-Type"] == "image/heic"


@pytest.mark.parametrize("kind", KINDS)
def test_the_bytes_come_in_headers_that_keep_them_private_and_inert(
    kind: str, owner_client: Client, image: Image
) -> None:
    answer = owner_client.get(f"/images/{image.pk}/{kind}/")
    b"".join(answer)

    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Content-Disposition"].startswith("inline; filename=")
    assert not {"ETag", "Last-Modified"} & set(answer.headers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ["other_user", "staff", None])
def test_nobody_else_gets_a_byte(kind: str, role: str | None, image: Image, request: pytest.FixtureRequest) -> None:
    client = Client()
    if role:
        client.force_login(request.getfixturevalue(role))

    tricks = {"Range": "bytes=0-9", "If-None-Match": "*", "X-Accel-Redirect": f"/media/{image.file_path}"}
    answer = client.get(f"/images/{image.pk}/{kind}/", headers=tricks)

    assert answer.status_code == (404 if role else 302)
    assert not answer.streaming
    assert not {"ETag", "Last-Modified", "X-Accel-Redirect"} & set(answer.headers)


@pytest.mark.parametrize(
    "prefix", ["/media/", "/static/../media/", "/media/../media/", "/static/%2e%2e/media/", "//media/"]
)
def test_files_have_no_address_of_their_own(prefix: str, owner_client: Client, image: Image) -> None:
    assert owner_client.get(prefix + image.file_path).status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_gone_is_not_found(
    kind: str, owner_client: Client, image: Image, media_of_its_own: Path
) -> None:
    shutil.rmtree(media_of_its_own / image.file_path.partition("/")[0])

    assert owner_client.get(f"/images/{image.pk}/{kind}/").status_code == 404


def test_a_picture_without_a_thumbnail_has_none_to_show(owner_client: Client, image: Image) -> None:
    Image.objects.update(thumbnail_path=None)

    assert owner_client.get(f"/images/{image.pk}/thumbnail/").status_code == 404


@pytest.mark.parametrize("path", ["../outside.png", "/etc/passwd", "folder/../../outside.png"])
def test_a_stored_path_never_leads_out_of_the_media_folder(
    path: str, owner_client: Client, image: Image, media_of_its_own: Path
) -> None:
    (media_of_its_own.parent / "outside.png").write_bytes(b"secret")
    Image.objects.update(file_path=path)

    assert owner_client.get(f"/images/{image.pk}/file/").status_code in (400, 404)


@pytest.mark.parametrize(
    "name", ["日本語の写真.png", 'say "cheese".png', "a\\b.png", "it's 100 %; really.png", "é.png"]
)
def test_the_name_survives_the_header(name: str, owner_client: Client, image: Image) -> None:
    Image.objects.update(filename=name)

    answer = owner_client.get(f"/images/{image.pk}/file/")
    b"".join(answer)

    parameter = answer["Content-Disposition"].removeprefix("inline; filename")
    sent = unquote(parameter.removeprefix("*=utf-8''")) if parameter.startswith("*") else parameter[2:-1]
    assert sent.replace('\\"', '"').replace("\\\\", "\\") == name


def test_a_name_with_line_ends_splits_no_header(owner_client: Client, image: Image) -> None:
    Image.objects.update(filename="a\r\nX-Evil: 1\r\n\r\n<script>")

    answer = owner_client.get(f"/images/{image.pk}/file/")
    b"".join(answer)

    assert "X-Evil" not in answer.headers
    assert "\n" not in answer["Content-Disposition"]


@pytest.mark.parametrize("kind", KINDS)
def test_serving_asks_for_the_session_the_person_and_the_picture_only(
    kind: str, owner_client: Client, image: Image, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):
        b"".join(owner_client.get(f"/images/{image.pk}/{kind}/"))
