"""`manage.py prune`: finds and removes exactly what belongs to nothing."""

import os
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command

from accounts.models import User
from images import orphans
from images.models import DataExport, FileInDoubt, Image
from images.tests.factories import queued_image
from mlmodels.models import MLModel

OLD = orphans.UNTOUCHED_FOR.total_seconds() + 60


def stored(name: str, *, seconds_ago: float = OLD) -> str:
    saved = default_storage.save(name, ContentFile(b"bytes"))
    moment = time.time() - seconds_ago
    os.utime(default_storage.path(saved), (moment, moment))
    return saved


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    """A picture whose files were stored long ago."""
    image = queued_image(user=owner, model=model)
    original, preview = stored("a/original.jpg"), stored("a/thumbnail.jpg")
    Image.objects.filter(pk=image.pk).update(file_path=original, thumbnail_path=preview)
    return image


def pruned(*options: str) -> str:
    told = StringIO()
    call_command("prune", *options, stdout=told)
    return told.getvalue()


def test_without_delete_it_only_tells(image: Image) -> None:
    stored("b/original.jpg")

    told = pruned()

    assert "1 file belongs to nothing.\n  b/original.jpg\n" in told
    assert "Nothing was changed" in told
    assert default_storage.exists("b/original.jpg")


def test_what_belongs_to_something_or_may_yet_stays(image: Image, owner: User) -> None:
    DataExport.objects.create(user=owner, file=stored("exports/mine.zip"))
    FileInDoubt.objects.create(path=stored("c/original.jpg"))
    stored("d/original.jpg", seconds_ago=0)
    gone = stored("e/original.jpg")

    told = pruned("--delete")

    assert "Removed 1." in told
    kept = ("a/original.jpg", "a/thumbnail.jpg", "exports/mine.zip", "c/original.jpg", "d/original.jpg")
    assert all(map(default_storage.exists, kept))
    assert not default_storage.exists(gone)
    assert not Path(default_storage.path("e")).exists(), "nor is the folder that it had to itself"


def test_pictures_whose_files_are_gone_are_told_of(image: Image) -> None:
    default_storage.delete("a/original.jpg")

    told = pruned("--delete")

    assert "1 file of a picture is missing.\n  a/original.jpg\n" in told
    assert Image.objects.filter(pk=image.pk).exists()
