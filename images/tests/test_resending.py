"""A file that is sent again because its answer was lost becomes no second picture, on each kind of database."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from django.test import Client
from pytest_django import Settings

from accounts.models import User
from imageanalysis.tests.servers import ROOT
from images.models import Image, TakenUpload
from images.tests.factories import drawn_picture
from images.tests.uploads import codes, files_in, upload
from mlmodels.models import MLModel

FILE = ("a.png", drawn_picture())
THREADS = 4
ROUNDS = 6


def taken(client: Client, *files: tuple[str, bytes], **fields: str) -> list[int]:
    return [image["id"] for image in upload(client, *files, **fields).json()["images"]]


def test_a_resend_is_answered_with_the_same_picture(owner_client: Client, model: MLModel, settings: Settings) -> None:
    upload_id = str(uuid4())
    first = upload(owner_client, FILE, upload_id=upload_id)
    again = upload(owner_client, FILE, upload_id=upload_id)

    assert (again.status_code, again.json()) == (201, first.json())
    assert Image.objects.count() == 1
    assert len(files_in(settings.MEDIA_ROOT)) == 3


def test_other_numbers_and_none_make_pictures_of_their_own(owner_client: Client, model: MLModel) -> None:
    ids = [taken(owner_client, FILE, upload_id=str(uuid4())) for _ in range(2)] + [taken(owner_client, FILE)]

    assert len({pk for (pk,) in ids}) == 3


def test_somebody_elses_number_is_nobody_elses_business(owner_client: Client, other_user: User, model: MLModel) -> None:
    upload_id = str(uuid4())
    mine = taken(owner_client, FILE, upload_id=upload_id)
    owner_client.force_login(other_user)
    theirs = taken(owner_client, FILE, upload_id=upload_id)

    assert mine != theirs
    assert Image.objects.get(pk=theirs[0]).user == other_user


def test_many_files_of_one_request_have_a_number_each(owner_client: Client, model: MLModel) -> None:
    answer = upload(owner_client, FILE, ("b.png", FILE[1]), upload_id=str(uuid4()))

    assert codes(answer) == ["bad_upload_id"]
    assert not Image.objects.exists()


def test_a_refused_file_may_be_sent_again_under_its_number(
    owner_client: Client, model: MLModel, settings: Settings
) -> None:
    upload_id = str(uuid4())
    settings.MAX_PICTURES_PER_USER = 1
    (first,) = taken(owner_client, FILE)
    assert codes(upload(owner_client, FILE, upload_id=upload_id)) == ["too_many_pictures"]

    owner_client.post(f"/images/{first}/delete/")

    assert len(taken(owner_client, FILE, upload_id=upload_id)) == 1
    assert taken(owner_client, FILE, upload_id=upload_id) != []  # the last room is its own


def test_what_was_deleted_meanwhile_does_not_come_back_with_a_resend(owner_client: Client, model: MLModel) -> None:
    upload_id = str(uuid4())
    (first,) = taken(owner_client, FILE, upload_id=upload_id)
    owner_client.post(f"/images/{first}/delete/")

    assert taken(owner_client, FILE, upload_id=upload_id) == [first]
    assert owner_client.get(f"/images/{first}/").status_code == 404


def test_the_number_goes_with_its_picture(owner_client: Client, model: MLModel) -> None:
    taken(owner_client, FILE, upload_id=str(uuid4()))

    Image.objects.get().delete()

    assert not TakenUpload.objects.exists()


def test_sent_by_many_at_the_same_moment_it_is_taken_once(database_url: str, tmp_path: Path) -> None:
    own = {"DATABASE_URL": database_url, "DATA_DIR": str(tmp_path), "MEDIA_ROOT": str(tmp_path / "media")}
    environment = {**os.environ, **own, "DJANGO_SETTINGS_MODULE": "imageanalysis.settings"}

    argv = [sys.executable, "-m", "images.tests.sender", str(THREADS), str(ROUNDS)]
    told = subprocess.run(argv, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    *became, rows = [line.split() for line in told.splitlines()]

    assert [len(pictures) for pictures in became] == [1] * ROUNDS
    assert len({picture for (picture,) in became}) == ROUNDS
    assert rows == [str(ROUNDS)] * 3 + ["0"]
    assert len(files_in(tmp_path / "media")) == 3 * ROUNDS
