"""What is too large is cut off by the documented proxy, before the application hears of it."""

import select
import socket
from collections.abc import Iterator
from itertools import chain, islice, repeat
from pathlib import Path

import pytest

from imageanalysis.tests.application import Application, Person
from imageanalysis.tests.proxy import NGINX, WITHOUT, Nginx
from images.tests.uploads import BOUNDARY, disposition, files_in, part

pytestmark = pytest.mark.skipif(NGINX is None, reason=WITHOUT)
MIB = 2**20
LIMIT = 101 * MIB  # client_max_body_size of docs/operations.md
PIECE = b"\0" * (MIB // 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("limits")


@pytest.fixture(scope="module")
def nginx(folder: Path) -> Iterator[Nginx]:
    with (
        Application(folder, TRUSTED_PROXY_COUNT="1") as application,
        Nginx(folder / "nginx", application.bind, media=folder / "media") as nginx,
    ):
        yield nginx


def request_head(person: Person, length: str) -> bytes:
    cookies = "; ".join(f"{name}={value}" for name, value in person.client.cookies.items())
    said = ("POST /images/upload/ HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {cookies}", length)
    return "\r\n".join([*said, f"Content-Type: multipart/form-data; boundary={BOUNDARY}", "", ""]).encode()


def sent_until_refused(port: int, head: bytes, pieces: Iterator[bytes]) -> tuple[int, bytes]:
    """How many bytes of the body were taken before the answer came, and its first line.

    The buffer of the sending socket is small, like that of the proxy: what was taken was read.
    """
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", port))
        connection.sendall(head)
        taken = 0
        try:
            for piece in pieces:
                if select.select([connection], [], [], 0)[0]:  # there is an answer; the rest would be thrown away
                    break
                connection.sendall(piece)
                taken += len(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            return taken, connection.recv(4096).partition(b"\r\n")[0]
        except ConnectionResetError:
            return taken, b""


def endless(form: bytes) -> Iterator[bytes]:
    """A gigabyte of a file in chunks, for whoever reads so far."""
    for content in (form, *islice(iter(lambda: PIECE, b""), 4096)):
        yield b"%x\r\n%b\r\n" % (len(content), content)


def test_an_upload_without_end_is_cut_off_at_the_limit_and_leaves_nothing(nginx: Nginx, folder: Path) -> None:
    person = Person(nginx.url, "endless")
    before = files_in(folder / "media"), files_in(nginx.folder / "taken")
    form = part('form-data; name="csrfmiddlewaretoken"', person.token.encode()) + part(disposition("a.jpg"), b"")[:-2]

    taken, answer = sent_until_refused(nginx.port, request_head(person, "Transfer-Encoding: chunked"), endless(form))

    assert LIMIT - MIB < taken < LIMIT + MIB
    assert answer in (b"HTTP/1.1 413 Request Entity Too Large", b"")
    assert (files_in(folder / "media"), files_in(nginx.folder / "taken")) == before
    assert person.client.get("/images/").is_success
    person.client.close()


def test_ten_gigabytes_that_say_so_are_refused_at_once(nginx: Nginx) -> None:
    person = Person(nginx.url, "announced")

    taken, answer = sent_until_refused(nginx.port, request_head(person, f"Content-Length: {10 * 1024 * MIB}"), iter([]))

    assert (taken, answer) == (0, b"HTTP/1.1 413 Request Entity Too Large")
    person.client.close()


def test_a_form_that_is_too_large_is_answered_in_words(nginx: Nginx) -> None:
    person = Person(nginx.url, "many_at_once")

    answer = person.client.post("/images/upload/", content=b"x" * (LIMIT + 1), headers={"Content-Type": "text/plain"})

    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "choose fewer pictures" in answer.text
    assert "枚数を減らして" in answer.text
    person.client.close()


def test_a_checkpoint_may_be_larger_and_who_is_not_staff_is_refused_before_it_is_read(nginx: Nginx) -> None:
    person = Person(nginx.url, "not_staff")
    head = request_head(person, f"Content-Length: {2048 * MIB}").replace(
        b"images/upload/", b"admin/mlmodels/mlmodel/add/"
    )
    form = part('form-data; name="csrfmiddlewaretoken"', person.token.encode()) + part(disposition("a.pt"), b"")[:-2]

    taken, answer = sent_until_refused(nginx.port, head, chain([form], islice(repeat(PIECE), 8192)))

    assert taken < 64 * MIB
    assert answer == b"HTTP/1.1 302 Found"
    person.client.close()
