"""Sessions: whose they are, when they end, and that the table lets nobody in."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import clock, sessions, user_agents
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, UserFactory

PROFILE = reverse("accounts:profile")
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1"
CHROME = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


def signed_in_by_form(user: User, user_agent: str = FIREFOX) -> Client:
    client = Client(headers={"user-agent": user_agent})
    client.post(reverse("accounts:login"), {"username": user.username, "password": PASSWORD})
    return client


def is_signed_in(client: Client) -> bool:
    return client.get(PROFILE).status_code == 200


def cookie_of(client: Client) -> str:
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


def only_row() -> Any:
    return Session.objects.filter(user__isnull=False)


def test_a_session_knows_whose_it_is_and_which_browser_it_belongs_to(owner: User) -> None:
    signed_in_by_form(owner)

    (row,) = Session.objects.all()
    assert (row.user, row.user_agent) == (owner, FIREFOX)


def test_what_stands_in_the_table_is_no_cookie(owner: User) -> None:
    client = signed_in_by_form(owner)
    (row,) = Session.objects.all()
    assert row.pk != cookie_of(client)

    thief = Client()
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = row.pk

    assert is_signed_in(client)
    assert not is_signed_in(thief)


@pytest.mark.parametrize("wrong", ["", "short", "x" * 32, "x" * 4000, "nul\0nul\0nul"])
def test_a_cookie_that_never_was_meets_the_sign_in_page(wrong: str, db: None) -> None:
    client = Client()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = wrong

    assert client.get(PROFILE)["Location"].startswith(reverse("accounts:login"))


def test_a_session_that_is_not_used_ends(owner: User, settings: Settings) -> None:
    client = signed_in_by_form(owner)
    Session.objects.update(
        last_seen_at=timezone.now() - timedelta(seconds=settings.SESSION_IDLE_SECONDS + 1),
        expire_date=timezone.now() - timedelta(seconds=1),
    )

    assert not is_signed_in(client)


def test_use_prolongs_a_session_but_never_beyond_its_absolute_end(owner: User, settings: Settings) -> None:
    client = signed_in_by_form(owner)
    absolute = timedelta(seconds=settings.SESSION_ABSOLUTE_SECONDS)
    idle = timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    long_ago = timezone.now() - idle + timedelta(minutes=1)
    Session.objects.update(
        started_at=long_ago, last_seen_at=long_ago, expire_date=timezone.now() + timedelta(minutes=1)
    )

    assert is_signed_in(client)
    (row,) = Session.objects.all()
    assert row.expire_date > timezone.now() + idle - timedelta(minutes=1)

    began = timezone.now() - absolute + timedelta(hours=1)
    Session.objects.update(started_at=began, last_seen_at=timezone.now() - timedelta(hours=1))
    assert is_signed_in(client)
    (row,) = Session.objects.all()
    assert row.expire_date == began + absolute


def test_however_much_it_is_used_or_changed_a_session_ends(owner: User, settings: Settings) -> None:
    client = signed_in_by_form(owner)
    began = timezone.now() - timedelta(seconds=settings.SESSION_ABSOLUTE_SECONDS) + timedelta(minutes=1)
    Session.objects.update(started_at=began)
    changed = client.session
    changed["changed"] = True
    changed.save()

    (row,) = Session.objects.all()
    assert row.started_at == began
    assert row.expire_date <= timezone.now() + timedelta(minutes=1)


def test_a_machine_whose_clock_is_wrong_ends_no_session_and_tells_when_people_were_there(
    owner: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in_by_form(owner)
    began = timezone.now() - timedelta(hours=1)
    Session.objects.update(started_at=began, last_seen_at=began)
    monkeypatch.setattr(clock, "_at_monotonic_zero", timezone.now() - timedelta(seconds=time.monotonic()))
    monkeypatch.setattr(timezone, "now", lambda now=timezone.now: now() + timedelta(days=400))

    assert is_signed_in(client)
    assert is_signed_in(signed_in_by_form(owner))

    assert sessions.forget_old() == 0
    for row in sessions.of(owner):
        assert timedelta(0) <= clock.now() - row.last_seen_at < timedelta(minutes=1)
    assert sessions.of(owner).count() == 2


def test_use_is_written_down_rarely(owner: User) -> None:
    client = signed_in_by_form(owner)

    def writes() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("healthz"))
            client.get(PROFILE)
        return sum(query["sql"].startswith("UPDATE") for query in captured)

    assert writes() == 0
    Session.objects.update(last_seen_at=timezone.now() - timedelta(seconds=sessions.SEEN_SECONDS + 1))
    assert writes() == 1
    assert writes() == 0


def test_old_sessions_are_removed(owner: User) -> None:
    client = signed_in_by_form(owner)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    other = signed_in_by_form(owner)

    assert sessions.forget_old() == 1
    assert is_signed_in(other)
    assert not is_signed_in(client)


@pytest.mark.parametrize("privilege", ["is_staff", "is_superuser"])
def test_sessions_of_before_a_change_of_privilege_end_and_the_next_has_another_key(privilege: str, owner: User) -> None:
    client = signed_in_by_form(owner)
    before = cookie_of(client)

    User.objects.filter(pk=owner.pk).update(**{privilege: True})

    assert not is_signed_in(client)
    assert is_signed_in(again := signed_in_by_form(owner))
    assert cookie_of(again) != before


def test_whoever_is_switched_off_is_out_at_once_and_stays_out_when_switched_on_again(owner: User, staff: User) -> None:
    client = signed_in_by_form(owner)
    administrator = Client()
    administrator.force_login(staff)
    address = reverse("admin:accounts_user_change", args=[owner.pk])
    form = {"username": owner.username, "email": owner.email}

    administrator.post(address, form)
    owner.refresh_from_db()
    assert not owner.is_active
    assert not is_signed_in(client)

    administrator.post(address, {**form, "is_active": "on"})
    owner.refresh_from_db()
    assert owner.is_active
    assert not is_signed_in(client)
    assert is_signed_in(signed_in_by_form(owner))


def test_the_only_administrator_cannot_be_switched_off_or_demoted_or_deleted(staff: User) -> None:
    administrator = Client()
    administrator.force_login(staff)
    form = {"username": staff.username, "email": staff.email, "is_staff": "on"}

    for changes in ({"is_superuser": "on"}, {"is_active": "on"}):
        answer = administrator.post(reverse("admin:accounts_user_change", args=[staff.pk]), {**form, **changes})
        assert "You are the only administrator" in answer.content.decode()
    administrator.post(reverse("admin:accounts_user_delete", args=[staff.pk]), {"post": "yes"})

    staff.refresh_from_db()
    assert (staff.is_active, staff.is_superuser) == (True, True)


def test_of_two_administrators_one_may_be_deleted(staff: User) -> None:
    other = UserFactory.create(is_staff=True, is_superuser=True)
    administrator = Client()
    administrator.force_login(staff)

    administrator.post(reverse("admin:accounts_user_delete", args=[other.pk]), {"post": "yes"})

    assert not User.objects.filter(pk=other.pk).exists()


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (EDGE, "Edge on Windows"),
        (SAFARI, "Safari on iPhone"),
        (CHROME, "Chrome on Android"),
        ("curl/8.9.0", "curl"),
        ("", "Unknown browser"),
        ("<script>alert(1)</script>", "Unknown browser"),
    ],
)
def test_browsers_are_named_in_plain_words(user_agent: str, words: str) -> None:
    assert user_agents.in_words(user_agent) == words


@pytest.mark.parametrize("user_agent", ["x" * 10_000, "a\0b"])
def test_whatever_a_browser_says_of_itself_fits(user_agent: str, owner: User) -> None:
    assert is_signed_in(signed_in_by_form(owner, user_agent))


def test_who_was_deactivated_or_renamed_is_so_at_the_next_request(owner: User) -> None:
    """The person comes with the session, read anew for every request."""
    client = signed_in_by_form(owner)
    User.objects.update(username="renamed")
    assert "renamed" in client.get(PROFILE).content.decode()

    User.objects.update(is_active=False)

    assert not is_signed_in(client)


def test_a_session_whose_data_name_another_person_than_its_row_is_that_other_person(
    owner: User, other_user: User
) -> None:
    """What the session holds was signed in with a password; the row's owner is only who is likely."""
    client = signed_in_by_form(owner)
    Session.objects.update(user=other_user)

    assert client.get(PROFILE).wsgi_request.user == owner
