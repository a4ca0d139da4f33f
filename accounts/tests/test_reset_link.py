"""One-time links that staff make in the admin."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts import resets
from accounts.models import PasswordResetToken, User
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.letters import LINK, path_of

NEW_PASSWORD = "another horse battery"


def page_of(user: User, page: str = "change") -> str:
    return reverse(f"admin:accounts_user_{page}", args=[user.pk])


@pytest.fixture
def clerk_client(db: None) -> Client:
    """Staff who may change people but are no superusers."""
    clerk = UserFactory.create(username="clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user", "delete_user"]))
    client = Client()
    client.force_login(clerk)
    return client


def test_staff_hand_over_a_link_that_is_shown_once_and_written_down(
    staff_client: Client, owner: User, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="audit")
    assert page_of(owner, "reset_link") in staff_client.get(page_of(owner)).content.decode()

    answer = staff_client.post(page_of(owner, "reset_link"))

    (link,) = LINK.findall(answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert link not in staff_client.get(page_of(owner)).content.decode()
    assert LogEntry.objects.get().object_id == str(owner.pk)
    assert "password_reset_link_made" in [record.getMessage() for record in caplog.records]
    assert path_of(link).split("/")[-2] not in "".join(str(vars(record).get("audit")) for record in caplog.records)
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)
    form = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client.post(path_of(link), form).status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(NEW_PASSWORD)


def test_looking_makes_no_link(staff_client: Client, owner: User) -> None:
    assert staff_client.get(page_of(owner, "reset_link")).status_code == 405
    assert not PasswordResetToken.objects.exists()


def test_a_link_of_staff_ends_the_ones_before(staff_client: Client, owner: User) -> None:
    digest = resets.digest_of(resets.link_for(owner).split("/")[-2])

    staff_client.post(page_of(owner, "reset_link"))

    assert resets.person_behind(digest) is None


def test_who_is_no_superuser_makes_links_for_ordinary_people_only(
    clerk_client: Client, owner: User, staff: User
) -> None:
    assert clerk_client.post(page_of(owner, "reset_link")).status_code == 200
    assert clerk_client.post(page_of(staff, "reset_link")).status_code == 403
    assert page_of(staff, "reset_link") not in clerk_client.get(page_of(staff)).content.decode()


def test_who_is_no_superuser_neither_changes_staff_nor_makes_any(
    clerk_client: Client, owner: User, staff: User
) -> None:
    form = {"username": "owner", "email": "new@example.org", "is_active": "on", "is_staff": "on", "is_superuser": "on"}

    assert clerk_client.post(page_of(owner), form).status_code == 302
    assert clerk_client.post(page_of(staff), form).status_code == 403
    assert clerk_client.post(page_of(staff, "delete"), {"post": "yes"}).status_code == 403
    marked = {"action": "delete_selected", "_selected_action": [staff.pk], "post": "yes"}
    clerk_client.post(reverse("admin:accounts_user_changelist"), marked)
    assert User.objects.filter(pk=staff.pk).exists()

    owner.refresh_from_db()
    assert (owner.email, owner.is_staff, owner.is_superuser) == ("new@example.org", False, False)


def test_nobody_gets_a_link_for_an_account_that_is_off(staff_client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)

    assert staff_client.post(page_of(owner, "reset_link")).status_code == 403


def test_staff_set_nobodys_password_and_see_nothing_of_it(staff_client: Client, owner: User) -> None:
    with pytest.raises(NoReverseMatch):
        reverse("admin:auth_user_password_change", args=[owner.pk])
    form = {"username": "owner", "email": "owner@example.org", "is_active": "on", "password": "x", "password1": "x"}

    staff_client.post(page_of(owner), form)

    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)
    assert owner.password.split("$")[-1] not in staff_client.get(page_of(owner)).content.decode()
    assert staff_client.get(reverse("admin:password_change"))["Location"] == reverse("accounts:profile")
