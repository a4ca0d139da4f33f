"""A backup is taken while people upload and delete, and another installation goes on from it, on either database."""

import tarfile
import threading
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from imageanalysis.backups import archive
from imageanalysis.tests.application import Application, Person
from imageanalysis.tests.installations import manage, seen
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import PostgreSQL
from images.tests.factories import queued_image
from mlmodels.tests.photographs import photograph, written

PICTURE = written(photograph("coffee"), "JPEG").getvalue()


class Busy(threading.Thread):
    """A person who uploads, and deletes every third picture, until told to stop."""

    def __init__(self, person: Person, prefix: str) -> None:
        super().__init__()
        self.person, self.prefix, self.is_over = person, prefix, threading.Event()
        self.kept: list[str] = []

    def run(self) -> None:
        number = 0
        while not self.is_over.is_set():
            number += 1
            name = f"{self.prefix}-{number}.jpg"
            pk = self.person.upload(name, PICTURE)["id"]
            if number % 3:
                self.kept.append(name)
            else:
                form = {"csrfmiddlewaretoken": self.person.token}
                self.person.client.post(f"/images/{pk}/delete/", data=form).raise_for_status()


def backed_up_under_load(application: Application, username: str, file: Path, **more: str) -> list[str]:
    """Take a backup while somebody is busy; the names of their pictures that were there for certain before it began."""
    person = Person(application.url, username)
    busy = Busy(person, username)
    busy.start()
    try:
        until(lambda: len(busy.kept) >= 4, lambda: application.log)
        before = list(busy.kept)
        done = manage(application.folder, "backup", str(file), **more)
    finally:
        busy.is_over.set()
        busy.join()
        person.client.close()
    assert done.returncode == 0, done.stderr
    return before


def test_a_backup_under_load_goes_from_sqlite_to_postgresql_and_back(tmp_path: Path, postgresql: PostgreSQL) -> None:
    folders = [tmp_path / name for name in ("first", "second", "third")]
    files = [tmp_path / "first.tar", tmp_path / "second.tar"]
    for folder in folders:
        folder.mkdir()
    with Application(folders[0]) as application:
        annas = backed_up_under_load(application, "anna", files[0])

    url = postgresql.new_database()
    restored = manage(folders[1], "restore", str(files[0]), DATABASE_URL=url)
    assert restored.returncode == 0, restored.stderr
    with Application(folders[1], DATABASE_URL=url) as application:
        boriss = backed_up_under_load(application, "boris", files[1], DATABASE_URL=url)

        def are_all_done() -> bool:
            return not any("is still" in line for line in seen(folders[1], DATABASE_URL=url)["violations"])

        until(are_all_done, lambda: application.log, seconds=180)
    after = seen(folders[1], DATABASE_URL=url)
    assert after["violations"] == []
    assert set(annas + boriss) <= set(after["pictures"])

    name, content = cut_short(files[1], folders[2] / "media")
    restored = manage(folders[2], "restore", str(files[1]))
    assert restored.returncode == 0, restored.stderr
    assert name.read_bytes() == content
    found = seen(folders[2])
    assert [line for line in found["violations"] if "is still" not in line] == []
    assert set(annas + boriss) <= set(found["pictures"])


def cut_short(file: Path, media: Path) -> tuple[Path, bytes]:
    """Leave half of a picture's file, as a restore that broke off does; where it lies, and what belongs there."""
    with tarfile.open(file) as backup:
        member = next(member for member in backup if member.name.startswith(archive.PICTURES))
        stored = backup.extractfile(member)
        assert stored is not None
        content = stored.read()
    path = media / member.name.removeprefix(archive.PICTURES)
    path.parent.mkdir(parents=True)
    path.write_bytes(content[: len(content) // 2])
    return path, content


@pytest.fixture
def file(transactional_db: None, owner: User, tmp_path: Path) -> Path:
    """A backup of an installation with a picture."""
    queued_image(user=owner)
    archive.take(tmp_path / "backup.tar", tell=lambda _words: None)
    return tmp_path / "backup.tar"


def test_what_is_in_use_is_not_restored_into(file: Path) -> None:
    with pytest.raises(CommandError, match="There are accounts in this database already"):
        call_command("restore", file)


@pytest.mark.parametrize("last", ["tables/", "pictures/", archive.END])
def test_half_a_backup_is_refused_before_anything_changes(last: str, file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: whole.index(last.encode())])

    with pytest.raises(CommandError, match="is no whole backup"):
        call_command("restore", file)


def test_a_backup_of_a_newer_version_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = archive.manifest()
    monkeypatch.setattr(archive, "manifest", lambda: {**known, "migrations": {"images": "9999_of_tomorrow"}})
    newer = file.with_name("newer.tar")
    archive.take(newer, tell=lambda _words: None)
    User.objects.all().delete()

    with pytest.raises(CommandError, match=r"made by a newer version \(images.9999_of_tomorrow"):
        call_command("restore", newer)


def test_a_backup_is_for_nobody_but_who_made_it(file: Path) -> None:
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_not_written_over(file: Path) -> None:
    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", file)
