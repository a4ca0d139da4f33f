"""The bytes of a picture: for its owner, under its own name, inert."""

import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from images.media import INERT
from images.models import Image
from images.tests.factories import drawn_picture, queued_image
from mlmodels.models import MLModel

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
    assert answer["Cache-Control"] == {"file": "private, no-store", "thumbnail": "private, no-cache"}[kind]
    assert answer["Content-Security-Policy"] == INERT
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Content-Disposition"].startswith("inline; filename=")
    assert "Last-Modified" not in answer.headers


@pytest.mark.parametrize("kind", KINDS)
def test_who_has_the_bytes_already_is_sent_none(kind: str, owner_client: Client, image: Image) -> None:
    first = owner_client.get(f"/images/{image.pk}/{kind}/")
    b"".join(first)

    again = owner_client.get(f"/images/{image.pk}/{kind}/", headers={"if-none-match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert {name: again.headers[name] for name in ("ETag", "Cache-Control")} == {
        name: first.headers[name] for name in ("ETag", "Cache-Control")
    }
    assert "Cookie" in again.headers["Vary"]


def test_tags_of_equal_pictures_tell_nothing(owner_client: Client, owner: User, model: MLModel) -> None:
    tags = set()
    for _ in range(2):
        answer = owner_client.get(f"/images/{queued_image(user=owner, model=model).pk}/file/")
        b"".join(answer)
        tags.add(answer["ETag"])

    assert len(tags) == 2
    assert all(len(tag) == 34 for tag in tags)


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, None),
        ("bytes=-5", 206, -5, None),
        ("bytes=0-999999", 206, 0, None),
        ("bytes=-999999", 206, 0, None),
        ("BYTES=3-3", 206, 3, 4),
        ("bytes=5-2", 200, 0, None),
        ("bytes=-", 200, 0, None),
        ("bytes=0-1,3-4", 200, 0, None),
        ("bytes=" + ",".join(["0-"] * 1000), 200, 0, None),
        ("lines=0-1", 200, 0, None),
        ("bytes=\u0661-2", 200, 0, None),
    ],
)
def test_one_range_is_sent_and_whatever_is_none_is_left_out_of_account(
    asked: str, status: int, start: int, stop: int | None, owner_client: Client, owner: User
) -> None:
    content = drawn_picture()
    image = queued_image(user=owner, content=content)

    answer = owner_client.get(f"/images/{image.pk}/file/", headers={"range": asked})
    got = b"".join(answer)

    assert (answer.status_code, got) == (status, content[start:stop])
    assert int(answer["Content-Length"]) == len(got)
    if status == 206:
        first = start % len(content)
        assert answer["Content-Range"] == f"bytes {first}-{first + len(got) - 1}/{len(content)}"


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=-0"])
def test_a_range_beyond_the_end_cannot_be_satisfied(asked: str, owner_client: Client, owner: User) -> None:
    content = drawn_picture()
    image = queued_image(user=owner, content=content)

    answer = owner_client.get(f"/images/{image.pk}/file/", headers={"range": asked})

    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(content)}")
    assert answer["Content-Security-Policy"] == INERT


def test_a_range_of_another_file_is_answered_with_the_whole_one(owner_client: Client, image: Image) -> None:
    address = f"/images/{image.pk}/file/"
    whole = owner_client.get(address)
    size_bytes = len(b"".join(whole))
    met = {}
    for tag in (whole["ETag"], '"another"'):
        answer = owner_client.get(address, headers={"range": "bytes=0-4", "if-range": tag})
        met[tag] = (answer.status_code, len(b"".join(answer)))

    assert met == {whole["ETag"]: (206, 5), '"another"': (200, size_bytes)}


@pytest.mark.parametrize("kind", KINDS)
def test_head_says_what_get_would_without_a_byte(kind: str, owner_client: Client, image: Image) -> None:
    address = f"/images/{image.pk}/{kind}/"
    whole = owner_client.get(address)
    b"".join(whole)

    answer = owner_client.head(address)

    assert b"".join(answer) == b""
    assert dict(answer.headers) == dict(whole.headers)


@pytest.mark.parametrize("kind", KINDS)
def test_the_proxy_sends_the_bytes_where_the_settings_say_so(
    kind: str, owner_client: Client, image: Image, settings: Settings
) -> None:
    settings.MEDIA_ACCEL_PREFIX = "/internal-media/"

    answer = owner_client.get(f"/images/{image.pk}/{kind}/")

    stored = {"file": image.file_path, "thumbnail": image.thumbnail_path}[kind]
    assert (answer["X-Accel-Redirect"], answer.content) == (f"/internal-media/{stored}", b"")
    assert answer["Content-Type"] in ("image/png", "image/jpeg")
    assert answer["Content-Disposition"].startswith("inline")
    Image.objects.update(file_path="gone/x.png", thumbnail_path="gone/x.jpg")
    assert owner_client.get(f"/images/{image.pk}/{kind}/").status_code == 404
    assert "X-Accel-Redirect" not in Client().get(f"/images/{image.pk}/{kind}/").headers


@pytest.mark.parametrize("header", ["X-Accel-Redirect", "X-Sendfile", "X-Original-URL", "X-Rewrite-URL"])
def test_what_a_visitor_calls_a_redirect_has_no_effect(header: str, owner_client: Client, image: Image) -> None:
    answer = owner_client.get("/healthz", headers={header: f"/media/{image.file_path}"})

    assert answer.content == b"ok\n"
    assert header not in answer.headers


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
    "prefix",
    [
        "/media/",
        "/static/../media/",
        "/media/../media/",
        "/static/%2e%2e/media/",
        "/static/%252e%252e/media/",
        "/static/..%2fmedia/",
        "/static/..%5cmedia/",
        "/static/....//media/",
        "//media/",
    ],
)
def test_files_have_no_address_of_their_own(prefix: str, owner_client: Client, image: Image) -> None:
    assert owner_client.get(prefix + image.file_path).status_code == 404


@pytest.mark.parametrize(
    "ending", ["nonexistent.css", "x.js", ";a.css", "%2fa.css", "file/a.png", "file;.css", "file%00.css"]
)
@pytest.mark.parametrize("accept", ["text/html", "application/json", "text/css"])
def test_no_page_answers_under_a_name_that_caches_keep(
    ending: str, accept: str, owner_client: Client, image: Image
) -> None:
    answer = owner_client.get(f"/images/{image.pk}/{ending}", headers={"accept": accept})

    assert answer.status_code == 404
    assert image.filename.encode() not in answer.content
    assert "private" in answer["Cache-Control"]


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
def test_serving_asks_for_the_session_and_the_picture_only(
    kind: str, owner_client: Client, image: Image, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        b"".join(owner_client.get(f"/images/{image.pk}/{kind}/"))
