"""Deleting one's account: asked for by password, told beforehand, complete, and never by accident the last one's."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import preferences
from accounts.models import PasswordResetToken, Preferences, Session, User
from accounts.tests.factories import PASSWORD, UserFactory
from images import departure, services
from images.models import FileInDoubt, Image
from images.refusals import UploadRefusedError
from images.tests.factories import drawn_picture, queued_image, uploaded
from mlmodels.models import MLModel

LEAVE, GOODBYE = reverse("images:leave"), reverse("images:goodbye")


def files(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_the_page_says_what_will_go(owner_client: Client, owner: User) -> None:
    for _ in range(2):
        queued_image(user=owner)

    page = owner_client.get(LEAVE).content.decode()

    for words in ("2 pictures with their original files", "0 results", "2 analyses that are not finished", owner.email):
        assert words in page


def test_with_the_password_everything_goes_and_a_page_says_goodbye(
    transactional_db: None, owner_client: Client, owner: User, settings: Settings
) -> None:
    image = queued_image(user=owner)
    stranger = queued_image()
    PasswordResetToken.objects.create(user=owner, token="0" * 64)
    preferences.choose(owner, language="en", theme="dark")
    elsewhere = Client()
    elsewhere.force_login(owner)

    answer = owner_client.post(LEAVE, {"password": PASSWORD}, follow=True)

    assert answer.redirect_chain == [(GOODBYE, 302)]
    assert "were deleted" in answer.content.decode()
    assert not answer.context["user"].is_authenticated
    for table in (PasswordResetToken, Preferences, Session, FileInDoubt):
        assert not table._default_manager.exists()
    assert list(User.objects.all()) == [stranger.user]
    assert list(Image.objects.all()) == [stranger]
    assert len(files(settings)) == 2
    for client in (owner_client, elsewhere):
        assert client.get(image.get_absolute_url())["Location"].startswith(reverse("accounts:login"))
    again = Client().post(reverse("accounts:login"), {"username": "owner", "password": PASSWORD})
    assert again.status_code == 200


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.title()])
def test_without_the_password_nothing_goes(password: str, owner_client: Client, owner: User) -> None:
    queued_image(user=owner)

    answer = owner_client.post(LEAVE, {"password": password})

    assert answer.context["form"].errors
    assert (User.objects.count(), Image.objects.count()) == (1, 1)


def test_the_last_administrator_is_told_why_not_and_what_to_do(staff: User, owner: User) -> None:
    UserFactory.create(is_superuser=True, is_active=False)
    client = Client()
    client.force_login(staff)

    page = client.post(LEAVE, {"password": PASSWORD}).content.decode()

    assert "You are the only administrator" in page
    assert "make somebody else an administrator first" in page
    assert User.objects.filter(pk=staff.pk).exists()


def test_one_of_two_administrators_may_leave(staff: User) -> None:
    UserFactory.create(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(staff)

    client.post(LEAVE, {"password": PASSWORD})

    assert not User.objects.filter(pk=staff.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_last_administrators_who_leave_at_once_one_stays() -> None:
    both = UserFactory.create_batch(2, is_staff=True, is_superuser=True)
    barrier = Barrier(2)

    def leave(user: User) -> bool:
        try:
            connection.ensure_connection()
            barrier.wait(10)
            departure.leave(User.objects.get(pk=user.pk))
        except departure.LastAdministratorError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, both)) == [False, True]
    assert User.objects.count() == 1


def test_an_upload_that_ends_after_its_person_has_left_is_refused_and_leaves_nothing(
    transactional_db: None, owner: User, model: MLModel, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = services._store

    def store_while_the_person_leaves(*args: object) -> int:
        stored = store(*args)
        User.objects.get(pk=owner.pk).delete()
        return stored

    monkeypatch.setattr(services, "_store", store_while_the_person_leaves)
    with pytest.raises(UploadRefusedError):
        services.take_in(user=owner, file=uploaded(drawn_picture()), model=model, priority="normal")

    assert not Image.objects.exists()
    assert files(settings) == []
    assert not FileInDoubt.objects.exists()
