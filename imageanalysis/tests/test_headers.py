"""Every kind of answer carries the headers that protect; errors tell nothing about the inside."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django import get_version
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.tests.factories import UserFactory
from analysis.models import TimelineLog
from imageanalysis.tests import proxy
from imageanalysis.tests.visits import header_faults
from images.models import Image
from images.tests.factories import queued_image

Response = Any  # the test client patches its responses
INSIDE = re.compile(
    rb"Traceback|/site-packages/|\.py\b|DoesNotExist|SELECT |settings|gunicorn|Python|sqlite|psycopg|/media/|Exception|"
    + re.escape(get_version()).encode()
)


def a_page(client: Client, image: Image) -> Response:
    return client.get("/images/")


def an_original(client: Client, image: Image) -> Response:
    return client.get(f"/images/{image.pk}/file/")


def a_thumbnail(client: Client, image: Image) -> Response:
    return client.get(f"/images/{image.pk}/thumbnail/")


def a_part(client: Client, image: Image) -> Response:
    return client.get(f"/images/{image.pk}/file/", headers={"range": "bytes=0-3"})


def a_part_that_is_not(client: Client, image: Image) -> Response:
    return client.get(f"/images/{image.pk}/file/", headers={"range": "bytes=999999-"})


def a_page_of_the_admin(client: Client, image: Image) -> Response:
    return staff_client().get("/admin/images/image/")


def a_static_file_of_the_admin(client: Client, image: Image) -> Response:
    return client.get("/static/admin/css/base.css")


def too_many_bytes(client: Client, image: Image) -> Response:
    return staff_client().post("/admin/mlmodels/mlmodel/add/", CONTENT_LENGTH=str(10**12))


def a_program_that_has_not_signed_in(client: Client, image: Image) -> Response:
    return Client().get("/images/", headers={"accept": "application/json"})


def what_staff_may_not(client: Client, image: Image) -> Response:
    clerk = Client()
    clerk.force_login(UserFactory.create(is_staff=True))
    return clerk.get("/admin/images/image/")


def staff_client() -> Client:
    client = Client()
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    return client


def a_redirect(client: Client, image: Image) -> Response:
    return Client().get("/images/")


def json(client: Client, image: Image) -> Response:
    return client.get(f"/images/{image.pk}/timeline/", headers={"accept": "application/json"})


def a_static_file(client: Client, image: Image) -> Response:
    return client.get("/static/css/app.css")


def an_address_that_is_not(client: Client, image: Image) -> Response:
    return client.get("/nowhere/")


def a_verb_that_is_not_meant(client: Client, image: Image) -> Response:
    return client.delete(f"/images/{image.pk}/")


def a_host_that_is_not_ours(client: Client, image: Image) -> Response:
    return client.get("/", headers={"host": "evil.example"})


def a_form_without_its_token(client: Client, image: Image) -> Response:
    return Client(enforce_csrf_checks=True).post("/accounts/login/")


def too_many_fields(client: Client, image: Image) -> Response:
    return client.post("/images/upload/", {f"field_{n}": "" for n in range(1001)})


def a_fault_of_ours(client: Client, image: Image) -> Response:
    TimelineLog.objects.all().delete()
    return client.get(f"/images/{image.pk}/")


KINDS = {
    a_page: 200,
    json: 200,
    an_original: 200,
    a_thumbnail: 200,
    a_part: 206,
    a_part_that_is_not: 416,
    a_page_of_the_admin: 200,
    a_static_file: 200,
    a_static_file_of_the_admin: 200,
    a_program_that_has_not_signed_in: 401,
    what_staff_may_not: 403,
    too_many_bytes: 413,
    a_redirect: 302,
    too_many_fields: 400,
    a_host_that_is_not_ours: 400,
    a_form_without_its_token: 403,
    an_address_that_is_not: 404,
    a_verb_that_is_not_meant: 405,
    a_fault_of_ours: 500,
}


@pytest.mark.parametrize(("ask", "status"), KINDS.items(), ids=lambda value: getattr(value, "__name__", None))
def test_every_kind_of_answer_is_protected(
    ask: Callable[[Client, Image], Response], status: int, owner_client: Client, owner: User
) -> None:
    owner_client.raise_request_exception = False
    image = queued_image(user=owner)

    response = ask(owner_client, image)
    body = b"".join(response) if response.streaming else response.content

    assert response.status_code == status
    assert header_faults(response) == []
    if status >= 400:
        assert not INSIDE.findall(body)


@pytest.mark.parametrize("path", ["/accounts/login/", "/nowhere/", "/static/css/app.css", "/admin/"])
def test_over_tls_browsers_are_told_to_stay_there(path: str, settings: Settings, db: None) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True

    in_the_clear, over_tls = Client().get(path), Client().get(path, secure=True)
    b"".join(over_tls) if over_tls.streaming else None

    assert (in_the_clear.status_code, in_the_clear["Location"]) == (301, f"https://testserver{path}")
    assert over_tls["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert header_faults(in_the_clear) == header_faults(over_tls) == []


def test_the_documented_proxy_gives_back_every_header_of_a_file(
    settings: Settings, owner_client: Client, owner: User
) -> None:
    settings.SECURE_HSTS_SECONDS, settings.MEDIA_ACCEL_PREFIX = 31_536_000, "/internal-media/"

    answer = owner_client.get(f"/images/{queued_image(user=owner).pk}/file/", secure=True)

    # These nginx keeps, or makes itself.
    kept = {"Cache-Control", "Content-Disposition", "Content-Length", "Content-Type", "ETag", "X-Accel-Redirect"}
    assert "X-Accel-Redirect" in answer
    assert set(answer.headers) - kept == set(re.findall(r"add_header (\S+) ", proxy.documented()))


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_private_answers_are_not_kept_by_shared_caches(owner_client: Client, owner: User, accept: str) -> None:
    image = queued_image(user=owner)
    for address in ("/", "/images/", f"/images/{image.pk}/", f"/images/{image.pk}/timeline/", "/images/live/"):
        headers = owner_client.get(address, headers={"accept": accept}).headers
        assert "private" in headers["Cache-Control"]
        assert {"Accept", "Cookie"} <= set(headers["Vary"].split(", "))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_browsers_language_decides_until_the_switch_overrides_it(language: str, client: Client, db: None) -> None:
    other = {"en": "ja", "ja": "en"}[language]
    wished = {"accept-language": language}
    assert client.get("/accounts/login/", headers=wished).headers["Content-Language"] == language

    client.post("/language/", {"language": other})

    assert client.get("/accounts/login/", headers=wished).headers["Content-Language"] == other
