"""Everything that is kept about a person, in one file: what is in it, who gets it, and how long it stays."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import preferences
from accounts.models import PasswordResetToken, User
from accounts.tests.factories import PASSWORD
from analysis.models import AnalysisResult, ProgressLog
from images import litter, my_data
from images.models import DataExport, FileInDoubt, Image
from images.my_data import StreamedFile
from images.my_data_archive import Archive, name_in_archive
from images.spreadsheets import defused
from images.tests.factories import drawn_picture, queued_image

PAGE, FILE = reverse("images:my_data"), reverse("images:my_data_file")
State = DataExport.State


@pytest.fixture
def image(owner: User) -> Image:
    image = queued_image(user=owner, name="my <cat>.png")
    ProgressLog.objects.create(image=image, progress_percentage=5, current_stage="preprocessing")
    AnalysisResult.objects.create(
        image=image, label="=cmd|' /C calc'!A0", confidence=97.5, model_name="clip", model_version="1", rank=1
    )
    return image


@pytest.fixture
def stored(settings: Settings) -> Callable[[], list[str]]:
    """Which exports lie on the storage."""
    return lambda: [str(path) for path in Path(settings.MEDIA_ROOT).rglob("*.zip")]


def made(user: User) -> DataExport:
    assert my_data.request(user)
    assert my_data.make_next(task_id="task")
    return DataExport.objects.get(user=user)


def archive_of(client: Client) -> ZipFile:
    return ZipFile(io.BytesIO(b"".join(client.get(FILE))))


def test_the_file_holds_everything_about_the_person_and_the_originals_as_they_were(
    owner: User, owner_client: Client, image: Image, transactional_db: None
) -> None:
    other = queued_image(user=owner, content=drawn_picture("JPEG"), name="a.jpg")
    stranger = queued_image()
    PasswordResetToken.objects.create(user=owner, token="0" * 64)
    preferences.choose(owner, language="ja")
    export = made(owner)

    archive = archive_of(owner_client)

    assert archive.testzip() is None
    assert (export.state, export.done_pictures, export.total_pictures) == (State.READY, 2, 2)
    names = {"account.json", "pictures.json", "results.csv", name_in_archive(image), name_in_archive(other)}
    assert set(archive.namelist()) == names
    for one in (image, other):
        with default_storage.open(one.file_path) as file:
            assert archive.read(name_in_archive(one)) == file.read()
    account = json.loads(archive.read("account.json"))
    assert (account["username"], account["email"], account["language"]) == ("owner", owner.email, "ja")
    assert (len(account["sessions"]), len(account["password_resets"])) == (1, 1)
    first, second = json.loads(archive.read("pictures.json"))
    assert (first["filename"], first["file"], first["status"]) == ("my <cat>.png", name_in_archive(image), "uploaded")
    assert first["results"][0]["label"] == "=cmd|' /C calc'!A0"
    assert first["progress"][0]["current_stage"] == "preprocessing"
    assert (first["queue"]["status"], first["timeline"]["upload_step_title"]) == ("waiting", "Upload")
    assert second["results"] == []
    assert stranger.filename not in names


def test_no_secret_and_no_place_on_the_storage_is_in_the_file(
    owner: User, owner_client: Client, image: Image, transactional_db: None
) -> None:
    PasswordResetToken.objects.create(user=owner, token="f" * 64)
    made(owner)

    archive = archive_of(owner_client)

    text = b"".join(archive.read(name) for name in ("account.json", "pictures.json", "results.csv")).decode()
    session = owner.sessions.get()
    for secret in (owner.password, session.pk, session.session_data, "f" * 64, image.file_path, image.thumbnail_path):
        assert secret not in text


def test_a_spreadsheet_runs_nothing(owner: User, owner_client: Client, image: Image, transactional_db: None) -> None:
    made(owner)

    _head, row = csv.reader(io.StringIO(archive_of(owner_client).read("results.csv").decode("utf-8-sig")))

    assert row[6:8] == ["'=cmd|' /C calc'!A0", "97.50"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "  =1", "\uff1d1"])
def test_a_cell_that_could_be_run_is_defused(cell: str) -> None:
    assert defused(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "tabby", "a=b", "1-2", -5, 97.5, None])
def test_a_cell_that_could_not_stays(cell: object) -> None:
    assert defused(cell) == cell


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("coffee.png", "coffee.png"),
        ("COFFEE.PNG", "COFFEE.PNG"),
        ("page.html", "page.html.png"),
        ('a<b>:"c|?*.png', "a_b___c___.png"),
        ("...", ".png"),
        ("名前.png", "名前.png"),
        ("CON", "CON.png"),
    ],
)
def test_names_in_the_file_are_takeable_for_every_system(filename: str, name: str) -> None:
    assert name_in_archive(Image(pk=7, filename=filename, file_path="x/original.png")) == f"pictures/7-{name}"


def test_the_file_goes_to_its_owner_only_and_is_kept_by_nobody_else(
    owner: User, owner_client: Client, other_user: User, staff: User, transactional_db: None
) -> None:
    made(owner)

    answer = owner_client.get(FILE)
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        200,
        "application/zip",
        "private, no-store",
    )
    assert answer["Content-Disposition"].startswith('attachment; filename="owner-')
    answer.close()
    for person in (other_user, staff):
        stranger = Client()
        stranger.force_login(person)
        assert stranger.get(FILE).status_code == 404
    assert Client().get(FILE).status_code == 302


def test_a_second_wish_changes_nothing_while_one_is_being_made(owner: User, transactional_db: None) -> None:
    assert my_data.request(owner)
    assert not my_data.request(owner)
    DataExport.objects.update(state=State.RUNNING, started_at=timezone.now(), heard_at=timezone.now())
    assert not my_data.request(owner)
    assert not my_data.make_next(task_id="another")


def test_one_made_anew_takes_the_place_of_the_old_one(
    owner: User, transactional_db: None, stored: Callable[[], list[str]]
) -> None:
    first = made(owner)
    second = made(owner)

    assert [path.endswith(second.file) for path in stored()] == [True]
    assert first.file != second.file


def test_whoever_asked_first_is_served_first_and_one_at_a_time(
    owner: User, other_user: User, transactional_db: None
) -> None:
    my_data.request(other_user)
    my_data.request(owner)

    my_data.make_next(task_id="1")

    assert my_data.is_something_waiting()
    assert DataExport.objects.get(user=other_user).state == State.READY
    assert DataExport.objects.get(user=owner).state == State.WAITING
    assert my_data.make_next(task_id="2")
    assert not my_data.make_next(task_id="3")


def test_an_old_file_is_given_to_nobody_and_removed(
    owner: User, owner_client: Client, transactional_db: None, settings: Settings, stored: Callable[[], list[str]]
) -> None:
    made(owner)
    assert my_data.remove_old() == 0
    old = timezone.now() - timedelta(hours=settings.EXPORT_RETENTION_HOURS, seconds=1)
    DataExport.objects.update(ended_at=old)

    assert owner_client.get(FILE).status_code == 404
    assert "Make the file" in owner_client.get(PAGE).content.decode()
    assert my_data.remove_old() == 1
    assert stored() == []


def during(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Any]) -> None:
    """Have something happen while the worker is writing the file."""
    original = Archive._original

    def and_meanwhile(self: Archive, image: Image) -> Any:
        yield from original(self, image)
        happens()
        yield b""

    monkeypatch.setattr(Archive, "_original", and_meanwhile)
    monkeypatch.setattr(my_data, "LOOK_AGAIN_SECONDS", 0)


def test_a_worker_whose_person_leaves_stops_and_takes_away_what_it_wrote(
    owner: User, image: Image, transactional_db: None, monkeypatch: pytest.MonkeyPatch, stored: Callable[[], list[str]]
) -> None:
    my_data.request(owner)
    during(monkeypatch, lambda: User.objects.get(pk=owner.pk).delete())

    my_data.make_next(task_id="task")

    assert stored() == []
    assert not DataExport.objects.exists()
    assert not FileInDoubt.objects.exists()


def test_one_that_was_given_up_and_asked_for_anew_is_not_ended_by_the_worker_that_lost_it(
    owner: User, image: Image, transactional_db: None, monkeypatch: pytest.MonkeyPatch, stored: Callable[[], list[str]]
) -> None:
    def give_up_and_ask_again() -> None:
        DataExport.objects.update(heard_at=timezone.now() - timedelta(minutes=2))
        assert my_data.request(owner)

    my_data.request(owner)
    during(monkeypatch, give_up_and_ask_again)

    my_data.make_next(task_id="task")

    assert DataExport.objects.get().state == State.WAITING
    assert stored() == []


def test_a_picture_that_is_deleted_meanwhile_is_left_out(
    owner: User, owner_client: Client, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = queued_image(user=owner), queued_image(user=owner)
    my_data.request(owner)
    during(monkeypatch, lambda: Image.objects.filter(pk=second.pk).delete())

    my_data.make_next(task_id="task")

    archive = archive_of(owner_client)
    assert name_in_archive(first) in archive.namelist()
    assert name_in_archive(second) not in archive.namelist()


def test_a_full_disk_is_told_and_leaves_nothing_behind(
    owner: User,
    owner_client: Client,
    transactional_db: None,
    monkeypatch: pytest.MonkeyPatch,
    stored: Callable[[], list[str]],
) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    queued_image(user=owner)
    my_data.request(owner)
    during(monkeypatch, full)
    my_data.make_next(task_id="task")

    page = owner_client.get(PAGE).content.decode()
    assert "The file could not be stored just now." in page
    assert "Try again" in page
    assert stored() == []
    assert not FileInDoubt.objects.exists()


def test_a_file_that_takes_long_is_not_taken_for_litter(
    owner: User, image: Image, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = []

    def age_and_sweep() -> None:
        FileInDoubt.objects.update(noted_at=timezone.now() - timedelta(minutes=4))
        litter.sweep()
        notes.append(FileInDoubt.objects.get(path__endswith="my-data.zip"))

    queued_image(user=owner)
    my_data.request(owner)
    during(monkeypatch, age_and_sweep)
    my_data.make_next(task_id="task")

    assert not any(note.is_doomed for note in notes)
    assert DataExport.objects.get().state == State.READY


@pytest.mark.parametrize("code", [my_data.WORKER_LOST, my_data.INTERNAL_ERROR])
def test_a_task_that_ends_without_a_result_is_told_and_can_be_started_anew(
    code: str, owner: User, owner_client: Client, transactional_db: None
) -> None:
    my_data.request(owner)
    DataExport.objects.update(
        state=State.RUNNING, started_at=timezone.now(), heard_at=timezone.now(), task_id="the task"
    )
    assert "data-poll" in owner_client.get(PAGE).content.decode()

    assert my_data.lose("another task", code) == 0
    assert my_data.lose("the task", code) == 1

    page = owner_client.get(PAGE).content.decode()
    assert "Try again" in page
    assert "data-poll" not in page
    owner_client.post(PAGE, {"make": "1"})
    assert DataExport.objects.get().state == State.WAITING


def test_a_worker_that_is_silent_for_too_long_is_told_even_when_no_worker_lives(
    owner: User, owner_client: Client, transactional_db: None
) -> None:
    my_data.request(owner)
    silent = timezone.now() - DataExport.LOST_AFTER - timedelta(seconds=1)
    DataExport.objects.update(state=State.RUNNING, started_at=silent, heard_at=silent)

    assert "The worker was interrupted." in owner_client.get(PAGE).content.decode()
    assert my_data.give_up_lost() == 1
    assert DataExport.objects.get().code == my_data.WORKER_LOST


def test_the_page_polls_its_progress_and_survives_a_reload(
    owner: User, owner_client: Client, transactional_db: None
) -> None:
    owner_client.post(PAGE, {"make": "1"})
    now = timezone.now()
    DataExport.objects.update(state=State.RUNNING, started_at=now, heard_at=now, done_pictures=3, total_pictures=4)

    for headers in ({}, {"hx-request": "true"}):
        page = owner_client.get(PAGE, headers=headers).content.decode()
        assert "75%" in page
        assert "Pictures: 3 of 4" in page
    assert "<html" not in page


def test_a_mere_visit_makes_nothing(owner_client: Client, owner: User) -> None:
    owner_client.get(PAGE)
    owner_client.post(PAGE)

    assert not DataExport.objects.exists()


def test_the_number_of_statements_does_not_grow_with_every_picture(
    owner: User, transactional_db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        queued_image(user=owner)
    user = User.objects.select_related("preferences").get(pk=owner.pk)

    with django_assert_num_queries(20):  # two of the account, three times six of the pictures
        for _piece in Archive(user).pieces():
            pass


def test_no_more_than_a_piece_is_in_memory(owner: User, transactional_db: None) -> None:
    queued_image(user=owner, content=drawn_picture("BMP", size=(1500, 1500)))

    sizes = [len(piece) for piece in Archive(owner).pieces()]

    assert sum(sizes) > 6_000_000
    assert max(sizes) < 600_000


def test_a_storage_that_reads_gets_the_same_bytes_as_one_that_takes_pieces() -> None:
    pieces = [b"abc", b"", b"defgh", b"i"]

    assert b"".join(StreamedFile(iter(pieces)).chunks()) == b"abcdefghi"
    file = StreamedFile(iter(pieces))
    assert [file.seek(0), file.read(4), file.read(4), file.read(4), file.read(4)] == [0, b"abcd", b"efgh", b"i", b""]
    assert StreamedFile(iter(pieces)).read() == b"abcdefghi"
    assert not file.seekable()


def test_an_export_goes_with_the_account(
    owner: User, owner_client: Client, transactional_db: None, stored: Callable[[], list[str]]
) -> None:
    made(owner)
    assert len(stored()) == 1

    owner_client.post(reverse("images:leave"), {"password": PASSWORD})

    assert stored() == []
    assert not FileInDoubt.objects.exists()
