"""Uploads that are refused: one sentence, and nothing left behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from analysis.models import AnalysisQueue, TimelineLog
from analysis.states import Priority
from imageanalysis.tests.full_disk import a_disk_with_room_for
from images import services
from images.models import Image
from images.tests.factories import drawn_picture, photograph, uploaded
from images.tests.uploads import codes, files_in, upload
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory

pytestmark = pytest.mark.usefixtures("model")
GOOD = drawn_picture()
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
NOT_TAKEN = {
    "empty": (b"", "empty"),
    "one byte": (b"\x89", "not_a_picture"),
    "a signature only": (b"\x89PNG\r\n\x1a\n", "damaged"),
    "text": (b"just some words", "not_a_picture"),
    "HTML": (b"<!doctype html><script>alert(1)</script>", "not_a_picture"),
    "SVG": (SVG, "format_not_accepted"),
    "PDF": (b"%PDF-1.7\n1 0 obj\n", "format_not_accepted"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "format_not_accepted"),
    "PSD": (b"8BPS\0\1" + bytes(20), "format_not_accepted"),
    "ICO": (b"\0\0\1\0\1\0" + bytes(16), "format_not_accepted"),
    "ZIP": (b"PK\3\4" + bytes(26), "not_a_picture"),
    "ELF": (b"\x7fELF\2\1\1" + bytes(9), "not_a_picture"),
    "cut in half": (photograph("chelsea.png")[:100_000], "damaged"),
    "too small": (drawn_picture(size=(1, 1)), "too_small"),
}


@pytest.fixture(autouse=True)
def nothing_is_left(db: None, media_of_its_own: Path) -> Iterator[None]:
    yield
    assert not Image.objects.exists()
    assert not AnalysisQueue.objects.exists()
    assert not TimelineLog.objects.exists()
    assert files_in(media_of_its_own) == []


@pytest.mark.parametrize("kind", NOT_TAKEN)
@pytest.mark.parametrize("name", ["picture.jpg", "picture.png", "picture.svg", "picture"])
def test_what_is_not_an_accepted_picture_is_refused_whatever_it_is_called(
    name: str, kind: str, owner_client: Client
) -> None:
    content, code = NOT_TAKEN[kind]

    answer = upload(owner_client, (name, content))

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["filename"], error["code"]) == (name, code)
    assert error["message"].count(". Please ") == 1
    assert answer.json()["images"] == []


def test_a_refusal_speaks_the_users_language(owner_client: Client) -> None:
    owner_client.post("/language/", {"language": "ja"})

    message = upload(owner_client, ("picture.png", b"")).json()["errors"][0]["message"]

    assert not message.isascii()


def test_no_file_is_said(owner_client: Client) -> None:
    answer = upload(owner_client)

    assert answer.status_code == 400
    assert answer.json() == {
        "images": [],
        "errors": [
            {
                "filename": "",
                "code": "no_file",
                "message": "No file came with the upload. Please choose at least one picture.",
            }
        ],
    }


def test_a_file_of_more_than_the_allowed_bytes_is_refused(owner_client: Client, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = len(GOOD) - 1

    assert codes(upload(owner_client, ("a.png", GOOD))) == ["too_many_bytes"]


def test_a_picture_of_more_than_the_allowed_pixels_is_refused(owner_client: Client, settings: Settings) -> None:
    settings.UPLOAD_MAX_PIXELS = 64 * 48 - 1

    assert codes(upload(owner_client, ("a.png", GOOD))) == ["too_many_pixels"]


def test_more_files_than_allowed_are_refused_with_a_sentence(owner_client: Client, settings: Settings) -> None:
    answer = upload(owner_client, *[(f"{n}.png", GOOD) for n in range(settings.UPLOAD_MAX_FILES + 1)])

    assert (answer.status_code, codes(answer)) == (400, ["too_many_files"])


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"model": "efficientnet:9.9.9"}, "unknown_model"),
        ({"model": "resnet50:1.0.0"}, "unknown_model"),
        ({"model": "clip:1.0.0"}, "unknown_model"),
        ({"model": "../../etc/passwd"}, "unknown_model"),
        ({"model": "nul\0"}, "unknown_model"),
        ({"priority": "urgent"}, "unknown_priority"),
        ({"priority": "NORMAL"}, "unknown_priority"),
        ({"priority": "highest"}, "unknown_priority"),
    ],
)
def test_a_wish_for_what_is_not_offered_refuses_the_upload(
    wish: dict[str, Any], code: str, owner_client: Client
) -> None:
    MLModelFactory.create(name="clip", is_active=False)
    MLModelFactory.create(name="resnet50")  # its weights are not on this machine

    answer = upload(owner_client, ("a.png", GOOD), **wish)

    assert (answer.status_code, codes(answer)) == (400, [code])
    assert ". Please " in answer.json()["errors"][0]["message"]


def test_without_any_model_uploads_are_refused(owner_client: Client) -> None:
    MLModel.objects.update(is_active=False)

    assert codes(upload(owner_client, ("a.png", GOOD))) == ["no_model"]


@contextmanager
def a_queue_that_takes_no_entries() -> Iterator[None]:
    """The database itself refuses every insert into the queue; the test's transaction takes the trigger back."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON analysis_queue BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        else:
            cursor.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'refused'; END $$"
            )
            cursor.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON analysis_queue FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
    yield


def test_a_picture_that_cannot_be_queued_is_not_kept(owner: User, model: MLModel) -> None:
    with a_queue_that_takes_no_entries(), pytest.raises(DatabaseError, match="refused"):
        services.take_in(user=owner, file=uploaded(GOOD), model=model, priority=Priority.NORMAL)


def test_a_failing_database_is_our_fault_and_leaves_nothing(owner_client: Client) -> None:
    owner_client.raise_request_exception = False
    with a_queue_that_takes_no_entries():
        assert upload(owner_client, ("a.png", GOOD)).status_code == 500


@pytest.mark.parametrize("as_json", [True, False])
def test_a_disk_that_is_full_while_a_file_arrives_is_said_and_keeps_nothing(
    owner_client: Client, as_json: bool, settings: Settings, tmp_path: Path
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "arriving")
    Path(settings.FILE_UPLOAD_TEMP_DIR).mkdir()
    three_megabytes = drawn_picture("BMP", size=(1000, 1000))

    with a_disk_with_room_for(1_000_000):
        answer = upload(owner_client, ("large.bmp", three_megabytes), as_json=as_json)

    assert answer.status_code == 400
    assert "The picture could not be stored on the server." in answer.content.decode()
    assert not files_in(Path(settings.FILE_UPLOAD_TEMP_DIR))


def test_a_full_disk_is_said_and_the_half_file_removed(owner_client: Client) -> None:
    two_megabytes = drawn_picture("BMP", size=(800, 800))

    with a_disk_with_room_for(1_000_000):
        answer = upload(owner_client, ("large.bmp", two_megabytes))

    assert (answer.status_code, codes(answer)) == (400, ["not_stored"])
