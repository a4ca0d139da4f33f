"""Uploads that are larger than they may be, or than they say, take no room while they arrive."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import User
from images.models import Image
from images.tests.factories import drawn_picture
from images.tests.uploads import BOUNDARY, JSON, UPLOAD, codes, disposition, files_in, part, upload

pytestmark = pytest.mark.usefixtures("model")
LIMIT = 5000
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
END = f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture(autouse=True)
def small_limits(settings: Settings, tmp_path: Path) -> Path:
    settings.UPLOAD_MAX_BYTES = LIMIT
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000  # what is larger goes to the disk
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "arriving")
    Path(settings.FILE_UPLOAD_TEMP_DIR).mkdir()
    return Path(settings.FILE_UPLOAD_TEMP_DIR)


def padded(size_bytes: int) -> bytes:
    return drawn_picture("JPEG").ljust(size_bytes, b"\0")


class Endless(io.RawIOBase):
    """A body that goes on for ever, and counts what was read of it."""

    def __init__(self, beginning: bytes, most_bytes: int) -> None:
        self.rest, self.read_bytes, self.most_bytes = beginning, 0, most_bytes

    def read(self, size: int = -1) -> bytes:
        assert self.read_bytes <= self.most_bytes, "it is read on and on"
        chunk = (self.rest + b"\0" * 2**16)[: size if size > 0 else 2**16]
        self.rest = self.rest[len(chunk) :]
        self.read_bytes += len(chunk)
        return chunk


@pytest.mark.parametrize(("size_bytes", "refused"), [(LIMIT - 1, []), (LIMIT, []), (LIMIT + 1, ["too_many_bytes"])])
def test_the_limit_itself_is_taken(size_bytes: int, refused: list[str], owner_client: Client) -> None:
    assert codes(upload(owner_client, ("a.jpg", padded(size_bytes)))) == refused


def test_the_good_files_beside_one_that_is_too_large_are_taken(owner_client: Client, small_limits: Path) -> None:
    answer = upload(owner_client, ("a.jpg", padded(900)), ("large.jpg", padded(900_000)), ("b.jpg", padded(900)))

    assert [image["filename"] for image in answer.json()["images"]] == ["a.jpg", "b.jpg"]
    assert [error["filename"] for error in answer.json()["errors"]] == ["large.jpg"]
    assert files_in(small_limits) == []


def posted(client: Client, body: Any, **extra: Any) -> Any:
    request = RequestFactory().generic("POST", UPLOAD, b"", content_type=MULTIPART)
    environ = {**request.environ, "CONTENT_TYPE": MULTIPART, "wsgi.input": body, "HTTP_ACCEPT": JSON["accept"], **extra}
    environ["HTTP_COOKIE"] = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    return client.handler(environ)


def beginning() -> bytes:
    return part(disposition("huge.jpg"), b"")[:-2]


class Broken(io.RawIOBase):
    """A body whose sender has gone."""

    def read(self, size: int = -1) -> bytes:
        raise ConnectionResetError


def test_a_sender_who_has_gone_meanwhile_is_no_fault_of_ours(owner_client: Client, small_limits: Path) -> None:
    answer = posted(owner_client, Broken(), CONTENT_LENGTH="1000")

    assert (answer.status_code, b"no_file" in answer.content) == (400, True)
    assert files_in(small_limits) == []


def test_ten_gigabytes_that_say_so_are_not_read(owner_client: Client, small_limits: Path) -> None:
    body = Endless(beginning(), most_bytes=2**20)

    answer = posted(owner_client, body, CONTENT_LENGTH=str(10 * 1024**3))

    assert answer.status_code == 413
    assert body.read_bytes == 0
    assert files_in(small_limits) == []


def test_a_body_without_a_length_is_not_read(owner_client: Client, small_limits: Path) -> None:
    body = Endless(beginning(), most_bytes=2**20)

    answer = posted(owner_client, body, CONTENT_LENGTH="")

    assert answer.status_code == 400
    assert files_in(small_limits) == []


def test_what_strangers_send_is_not_read(small_limits: Path) -> None:
    body = Endless(beginning(), most_bytes=2**20)

    answer = posted(Client(), body, CONTENT_LENGTH="4000000")

    assert answer.status_code == 401
    assert body.read_bytes == 0


def test_what_comes_without_a_token_is_refused(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)

    assert upload(client, ("a.jpg", padded(900))).status_code == 403
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"".join(part(f'form-data; name="field{n}"', b"x") for n in range(10_000)) + END,
        b"".join(part(disposition(f"{n}.jpg"), b"x") for n in range(2_000)) + END,
        b"no boundary at all",
        b"--" + BOUNDARY.encode(),
        part("form-data; name=files; filename=" + "x" * 65_536, b"x") + END,
        part(disposition("a.jpg"), b" " * 300_000).replace(
            b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1
        )
        + END,
    ],
    ids=["10,000 fields", "2,000 files", "no boundary", "a boundary only", "64 KB of header", "base64 of spaces"],
)
def test_abused_multipart_is_refused(body: bytes, owner_client: Client, small_limits: Path) -> None:
    answer = owner_client.post(UPLOAD, body, content_type=MULTIPART, headers=JSON)

    assert answer.status_code == 400
    assert not Image.objects.exists()
    assert files_in(small_limits) == []
