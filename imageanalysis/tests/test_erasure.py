"""Whoever leaves leaves nothing behind, whatever a worker is doing at that moment: real workers, real files."""

import io
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db.models import ForeignKey, Model
from django.test import Client
from django.urls import reverse

from accounts.models import PasswordResetToken, User
from accounts.tests.factories import PASSWORD
from analysis import pausing
from analysis.models import AnalysisQueue
from analysis.states import QueueStatus
from analysis.tests.queue import wait_until_all_ended
from imageanalysis.tests import invariants
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Worker
from images.models import DataExport, FileInDoubt, Image
from images.my_data_archive import name_in_archive
from images.tests.factories import photograph, queued_image
from mlmodels.models import MLModel

DATA, DATA_FILE, LEAVE = (reverse(f"images:{name}") for name in ("my_data", "my_data_file", "leave"))
State = DataExport.State


@contextmanager
def unreadable_until_the_end(path: Path) -> Iterator[None]:
    """Whoever opens the file waits until the end, also when it was deleted meanwhile, and then reads nothing."""
    path.unlink()
    os.mkfifo(path)
    pipe = os.open(path, os.O_PATH)
    try:
        yield
    finally:
        os.close(os.open(f"/proc/self/fd/{pipe}", os.O_RDWR))
        os.close(pipe)
        path.unlink(missing_ok=True)


def rows_of(user_id: int) -> list[str]:
    """Every row of any table that names this person."""
    found = []
    models: list[type[Model]] = [*apps.get_models(), User.groups.through, User.user_permissions.through]
    for model in models:
        for field in model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and field.related_model is User:
                found += [
                    f"{model.__name__} {row.pk}" for row in model._default_manager.filter(**{field.name: user_id})
                ]
    return found + [f"User {pk}" for pk in User.objects.filter(pk=user_id).values_list("pk", flat=True)]


def files_in(worker: Worker) -> set[str]:
    return {str(path.relative_to(worker.media_root)) for path in worker.media_root.rglob("*")}


def exports_in(worker: Worker) -> list[str]:
    return [name for name in files_in(worker) if name.endswith(".zip")]


def picture(user: User, model: MLModel, name: str = "coffee.png") -> Image:
    return queued_image(user=user, model=model, content=photograph(name), name=name)


@pytest.fixture
def kept(worker: Worker, other_user: User, model: MLModel) -> Iterator[Image]:
    """Somebody else's picture, which has to be there in the end, analyzed, with nothing beside it."""
    image = picture(other_user, model, "rocket.jpg")
    wait_until_all_ended(worker, seconds=180)  # the first child of all converts the model
    yield image
    wait_until_all_ended(worker)
    invariants.assert_hold(worker.media_root, accepted=[image.pk])
    folder = image.file_path.partition("/")[0]
    assert files_in(worker) == {folder, image.file_path, image.thumbnail_path}
    assert not FileInDoubt.objects.exists()
    image.delete()  # the folder is the next test's, too


def ready(worker: Worker, user: User) -> None:
    until(
        lambda: DataExport.objects.filter(user=user, state=State.READY).exists(),
        lambda: f"{list(DataExport.objects.values())}\n{worker.output()}",
    )


def test_an_account_goes_with_everything_while_its_pictures_are_being_analyzed(
    worker: Worker, kept: Image, owner: User, owner_client: Client, model: MLModel
) -> None:
    pausing.pause(by=kept.user)
    images = [picture(owner, model) for _ in range(3)]
    PasswordResetToken.objects.create(user=owner, token="0" * 64)
    other_browser = Client()
    other_browser.force_login(owner)
    held = worker.media_root / images[1].file_path
    with unreadable_until_the_end(held):
        pausing.resume(by=kept.user)
        mine = AnalysisQueue.objects.filter(user=owner, status=QueueStatus.PROCESSING)
        until(lambda: mine.count() == len(images), worker.output)

        answer = owner_client.post(LEAVE, {"password": PASSWORD}, follow=True)

        assert answer.redirect_chain == [(reverse("images:goodbye"), 302)]
        assert rows_of(owner.pk) == []
        assert not [name for name in files_in(worker) if name.startswith(images[0].file_path.partition("/")[0])]
    # The one worker is past the lost batch when it has done what came after it.
    late = picture(kept.user, model, "chelsea.png")
    wait_until_all_ended(worker)
    late.delete()

    assert rows_of(owner.pk) == []
    for client in (owner_client, other_browser):
        assert client.get(images[0].get_absolute_url()).status_code == 302  # nobody is signed in


def test_an_export_is_made_by_a_worker_and_a_killed_one_is_told_and_made_anew(
    worker: Worker, kept: Image, owner: User, owner_client: Client, model: MLModel
) -> None:
    image = picture(owner, model)
    wait_until_all_ended(worker)
    held = worker.media_root / image.file_path
    content = held.read_bytes()
    with unreadable_until_the_end(held):
        owner_client.post(DATA, {"make": "1"})
        until(lambda: exports_in(worker) != [], worker.output)
        assert "data-poll" in owner_client.get(DATA).content.decode()
        (child,) = worker.children()
        os.kill(child, signal.SIGKILL)
        until(lambda: DataExport.objects.get().state == State.FAILED, worker.output)
    held.write_bytes(content)
    assert "The worker was interrupted." in owner_client.get(DATA).content.decode()

    owner_client.post(DATA, {"make": "1"})
    ready(worker, owner)

    archive = ZipFile(io.BytesIO(b"".join(owner_client.get(DATA_FILE))))
    assert archive.read(name_in_archive(image)) == content
    owner_client.post(LEAVE, {"password": PASSWORD})
    assert rows_of(owner.pk) == []


def test_an_account_goes_while_its_export_is_being_made_and_the_file_never_comes_back(
    worker: Worker, kept: Image, owner: User, owner_client: Client, model: MLModel
) -> None:
    image = picture(owner, model)
    wait_until_all_ended(worker)
    held = worker.media_root / image.file_path
    with unreadable_until_the_end(held):
        owner_client.post(DATA, {"make": "1"})
        until(lambda: exports_in(worker) != [], worker.output)

        owner_client.post(LEAVE, {"password": PASSWORD})

        assert rows_of(owner.pk) == []
        assert exports_in(worker) == []


def test_an_account_that_an_administrator_deletes_leaves_nothing_either(
    worker: Worker, kept: Image, owner: User, owner_client: Client, staff: User, model: MLModel
) -> None:
    image = picture(owner, model)
    wait_until_all_ended(worker)
    owner_client.post(DATA, {"make": "1"})
    ready(worker, owner)
    administrator = Client()
    administrator.force_login(staff)

    administrator.post(reverse("admin:accounts_user_delete", args=[owner.pk]), {"post": "yes"})

    assert rows_of(owner.pk) == []
    assert owner_client.get(image.get_absolute_url()).status_code == 302
    assert LogEntry.objects.filter(user=staff).count() == 1
