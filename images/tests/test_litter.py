"""Stored files that no picture owns are removed; those of an upload that goes on are not."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.models.functions import Now
from pytest_django import Settings

from accounts.models import User
from analysis import services as analysis
from images import litter, services
from images.models import FileInDoubt, Image
from images.refusals import UploadRefusedError
from images.tests.factories import drawn_picture, queued_image, uploaded
from mlmodels.models import MLModel


class DiedError(BaseException):
    """Stands for the end of the process: no handler and no clean-up runs."""


@pytest.fixture
def files(settings: Settings) -> Callable[[], set[str]]:
    root = Path(settings.MEDIA_ROOT)
    return lambda: {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def age_notes() -> None:
    FileInDoubt.objects.update(noted_at=Now() - timedelta(minutes=10))


def test_a_finished_upload_leaves_no_doubt(db: None, files: Callable[[], set[str]]) -> None:
    image = queued_image()
    age_notes()

    assert not FileInDoubt.objects.exists()
    assert litter.sweep() == 0
    assert files() == {image.file_path, image.thumbnail_path}


def test_what_a_process_left_that_died_between_file_and_row_is_removed(db: None, settings: Settings) -> None:
    litter.announce(["folder/original.png"])
    path = Path(settings.MEDIA_ROOT, "folder", "original.png")
    path.parent.mkdir()
    path.write_bytes(drawn_picture())

    assert litter.sweep() == 0  # the upload may still be going on
    assert path.exists()
    age_notes()
    assert litter.sweep() == 1
    assert not path.parent.exists()
    assert not FileInDoubt.objects.exists()


def test_what_a_process_left_that_died_between_deleting_row_and_files_is_removed(
    transactional_db: None, files: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = queued_image()
    with monkeypatch.context() as death:
        death.setattr("images.models.delete_files", lambda _names: (_ for _ in ()).throw(DiedError()))
        with pytest.raises(DiedError):
            services.delete(image=image)
    assert not Image.objects.exists()
    assert len(files()) == 2

    age_notes()
    assert litter.sweep() == 2
    assert not files()


def test_a_file_that_cannot_be_removed_is_tried_again_later(
    transactional_db: None, settings: Settings, files: Callable[[], set[str]]
) -> None:
    image = queued_image()
    in_the_way = Path(settings.MEDIA_ROOT, image.file_path)
    in_the_way.unlink()
    in_the_way.mkdir()  # what is no file and not empty cannot be removed, whoever asks
    (in_the_way / "file").touch()

    services.delete(image=image)

    assert files() == {f"{image.file_path}/file"}
    assert litter.sweep() == 0  # not at once
    (in_the_way / "file").unlink()
    age_notes()
    litter.sweep()
    assert not list(Path(settings.MEDIA_ROOT).iterdir())
    assert not FileInDoubt.objects.exists()


def test_an_upload_whose_files_were_given_up_is_refused_and_leaves_nothing(
    transactional_db: None,
    owner: User,
    model: MLModel,
    files: Callable[[], set[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = services._store

    def store_for_ages(*arguments: Any) -> int:
        stored_bytes = store(*arguments)
        age_notes()
        litter.sweep()
        return stored_bytes

    monkeypatch.setattr(services, "_store", store_for_ages)
    with pytest.raises(UploadRefusedError):
        services.take_in(user=owner, file=uploaded(drawn_picture()), model=model, priority="normal")

    assert not Image.objects.exists()
    assert not files()


def test_an_upload_whose_rows_fail_leaves_nothing(
    transactional_db: None,
    owner: User,
    model: MLModel,
    files: Callable[[], set[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**_kwargs: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(analysis, "enqueue", fail)
    with pytest.raises(DatabaseError):
        services.take_in(user=owner, file=uploaded(drawn_picture()), model=model, priority="normal")

    assert not files()
    assert not FileInDoubt.objects.exists()


def test_parts_of_uploads_that_nobody_receives_any_more_are_removed(settings: Settings, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    old, young = tmp_path / "x1.upload.jpg", tmp_path / "x2.upload.jpg"
    for path in (old, young):
        path.touch()
    os.utime(old, (0, 0))

    litter.sweep_unfinished_uploads()

    assert not old.exists()
    assert young.exists()
