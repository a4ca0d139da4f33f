"""Links for a new password: what makes one good, what ends it, and that it is used once."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import resets
from accounts.models import PasswordResetToken, User, WaitingMail
from accounts.resets import LinkVoidError
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.test_register_race import at_once

NEW_PASSWORD = "another horse battery"
TOKENS = 1000
AT_ONCE = 12


def new_digest(user: User) -> str:
    return resets.digest_of(resets.link_for(user).split("/")[-2])


def age(seconds: float) -> None:
    PasswordResetToken.objects.update(created_at=timezone.now() - timedelta(seconds=seconds))


def test_a_token_is_256_random_bits_and_the_table_holds_its_digest_only(owner: User) -> None:
    token = resets.link_for(owner).split("/")[-2]

    (kept,) = PasswordResetToken.objects.values()
    assert len(token) == 43
    assert kept["token"] == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(kept)


def test_no_two_tokens_are_alike(owner: User) -> None:
    assert len({resets.link_for(owner) for _ in range(TOKENS)}) == TOKENS


def test_a_link_begins_with_the_configured_address_whatever_else_is_said(owner: User, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://pictures.example.org"

    assert resets.link_for(owner).startswith("https://pictures.example.org/accounts/password-reset/")


def test_a_link_is_good_until_its_last_second(owner: User) -> None:
    digest = new_digest(owner)

    age(django_settings.PASSWORD_RESET_TIMEOUT + 1)
    with pytest.raises(LinkVoidError):
        resets.finish(digest, NEW_PASSWORD)
    age(django_settings.PASSWORD_RESET_TIMEOUT - 1)

    assert django_settings.PASSWORD_RESET_TIMEOUT == 1800
    assert resets.finish(digest, NEW_PASSWORD) == owner


def test_a_link_changes_the_password_once_and_is_marked_used(owner: User) -> None:
    digest = new_digest(owner)

    resets.finish(digest, NEW_PASSWORD)

    with pytest.raises(LinkVoidError):
        resets.finish(digest, "a third horse battery")
    owner.refresh_from_db()
    assert owner.check_password(NEW_PASSWORD)
    assert PasswordResetToken.objects.get().used


def test_looking_at_a_link_uses_nothing_up(owner: User) -> None:
    digest = new_digest(owner)

    assert [resets.person_behind(digest) for _ in range(5)] == [owner] * 5
    assert resets.finish(digest, NEW_PASSWORD) == owner


def change_password(user: User) -> None:
    user.set_password(NEW_PASSWORD)
    user.save()


def change_email(user: User) -> None:
    user.email = "new@example.org"
    user.save(update_fields=["email"])


def switch_off_and_on(user: User) -> None:
    for is_active in (False, True):
        user.is_active = is_active
        user.save()


@pytest.mark.parametrize("change", [resets.link_for, change_password, change_email, switch_off_and_on])
def test_a_newer_link_and_a_change_of_the_account_end_a_link(change: Callable[[User], None], owner: User) -> None:
    digest = new_digest(owner)

    change(owner)

    assert resets.person_behind(digest) is None
    assert PasswordResetToken.objects.get(token=digest).used
    with pytest.raises(LinkVoidError):
        resets.finish(digest, NEW_PASSWORD)


def test_an_account_that_is_off_has_no_good_link_though_nothing_ended_it(owner: User) -> None:
    digest = new_digest(owner)

    User.objects.update(is_active=False)

    with pytest.raises(LinkVoidError):
        resets.finish(digest, NEW_PASSWORD)


def test_signing_in_and_other_peoples_links_end_none(owner: User, other_user: User) -> None:
    digest = new_digest(owner)

    resets.link_for(other_user)
    Client().post("/accounts/login/", {"username": "owner", "password": PASSWORD})

    assert resets.person_behind(digest) == owner


def test_the_person_is_told(owner: User, settings: Settings) -> None:
    settings.MAIL_IS_ON = True

    resets.finish(new_digest(owner), NEW_PASSWORD)

    (mail,) = WaitingMail.objects.all()
    assert (mail.kind, mail.address, mail.user) == ("password_changed", "owner@example.org", owner)


def test_old_rows_are_cleared_away(owner: User) -> None:
    new_digest(owner)
    assert resets.forget_old() == 0

    age(31 * 24 * 3600)

    assert resets.forget_old() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_use_a_link_at_once_exactly_one_succeeds() -> None:
    user = UserFactory.create()
    for _round in range(5):
        digest = new_digest(user)

        def use(number: int, digest: str = digest) -> bool:
            try:
                resets.finish(digest, f"horse battery number {number}")
            except LinkVoidError:
                return False
            return True

        assert sum(at_once(AT_ONCE, use)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_links_made_at_once_one_is_good() -> None:
    user = UserFactory.create()

    links = at_once(AT_ONCE, lambda _number: resets.link_for(user))

    digests = [resets.digest_of(link.split("/")[-2]) for link in links]
    assert sum(resets.person_behind(digest) is not None for digest in digests) == 1
