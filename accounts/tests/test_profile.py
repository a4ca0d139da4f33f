"""The profile: e-mail, password, language, theme, and where one is signed in."""

import re

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import preferences, sessions
from accounts.models import PasswordResetToken, Preferences, Session, User, WaitingMail
from accounts.profile_forms import TRIES
from accounts.tests.factories import PASSWORD
from accounts.tests.test_sessions import CHROME, FIREFOX, cookie_of, is_signed_in, signed_in_by_form

PROFILE, EMAIL, CHANGE = (reverse(f"accounts:{name}") for name in ("profile", "change_email", "change_password"))
NEW = "another fine horse"
LOOKS = {"language": "/language/", "theme": reverse("accounts:set_theme")}


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in_by_form(owner)


def errors(answer: object, form: str) -> str:
    return str(answer.context[form].errors)  # type: ignore[attr-defined]


def test_an_e_mail_is_changed_with_the_password(browser: Client, owner: User, settings: Settings) -> None:
    settings.MAIL_IS_ON = True
    answer = browser.post(EMAIL, {"email": "New.Me@EXAMPLE.org", "password": PASSWORD}, follow=True)

    owner.refresh_from_db()
    assert owner.email == "New.Me@example.org"
    assert "Your e-mail address was changed." in answer.content.decode()
    assert WaitingMail.objects.get().address == "owner@example.org"  # whoever it was, the owner hears of it
    assert is_signed_in(browser)


def test_without_the_password_the_e_mail_stays(browser: Client, owner: User) -> None:
    for password in ("", "wrong", PASSWORD.upper()):
        answer = browser.post(EMAIL, {"email": "new@example.org", "password": password})
        assert answer.status_code == 200
        assert answer.context["email_form"].errors
    owner.refresh_from_db()
    assert owner.email == "owner@example.org"


@pytest.mark.parametrize("email", ["other_user@example.org", "OTHER_USER@Example.ORG"])
def test_an_e_mail_that_somebody_has_is_refused_whatever_its_case(
    email: str, browser: Client, owner: User, other_user: User
) -> None:
    answer = browser.post(EMAIL, {"email": email, "password": PASSWORD})

    assert "exists already" in errors(answer, "email_form")
    owner.refresh_from_db()
    assert owner.email == "owner@example.org"


def test_ones_own_e_mail_may_change_its_case(browser: Client, owner: User) -> None:
    browser.post(EMAIL, {"email": "Owner@example.org", "password": PASSWORD})

    owner.refresh_from_db()
    assert owner.email == "Owner@example.org"


def test_an_e_mail_that_is_taken_at_the_last_moment_is_refused(
    browser: Client, owner: User, other_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_it_first(*_args: object, **_kwargs: object) -> None:
        User.objects.filter(pk=other_user.pk).update(email="wanted@example.org")
        raise IntegrityError

    monkeypatch.setattr("accounts.profile.change_email", take_it_first)
    answer = browser.post(EMAIL, {"email": "wanted@example.org", "password": PASSWORD})

    assert "exists already" in errors(answer, "email_form")


@pytest.mark.parametrize(
    ("address", "form"),
    [
        (EMAIL, {"email": "new@example.org", "password": PASSWORD}),
        (CHANGE, {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}),
    ],
)
def test_links_that_were_mailed_before_a_change_are_void(
    address: str, form: dict[str, str], browser: Client, owner: User
) -> None:
    PasswordResetToken.objects.create(user=owner, token="0" * 64)

    browser.post(address, form)

    assert PasswordResetToken.objects.get().used


def test_a_new_password_ends_all_other_sessions_and_this_one_goes_on_under_another_key(
    browser: Client, owner: User, settings: Settings
) -> None:
    settings.MAIL_IS_ON = True
    other, before = signed_in_by_form(owner, CHROME), cookie_of(browser)

    browser.post(CHANGE, {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})

    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert is_signed_in(browser)
    assert cookie_of(browser) != before
    assert not is_signed_in(other)
    assert [row.pk for row in sessions.of(owner)] == [sessions.digest(cookie_of(browser))]
    assert WaitingMail.objects.get().kind == WaitingMail.Kind.PASSWORD_CHANGED


@pytest.mark.parametrize(
    ("old", "new", "again", "complaint"),
    [
        ("wrong", NEW, NEW, "not your password"),
        (PASSWORD, NEW, f"{NEW}r", "password fields"),
        (PASSWORD, "password123", "password123", "too common"),
        (PASSWORD, "short", "short", "at least 8"),
    ],
)
def test_a_password_is_only_changed_by_a_form_that_is_right(
    old: str, new: str, again: str, complaint: str, browser: Client, owner: User
) -> None:
    other = signed_in_by_form(owner)

    answer = browser.post(CHANGE, {"old_password": old, "new_password1": new, "new_password2": again})

    assert complaint in errors(answer, "password_form")
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)
    assert is_signed_in(other)


def test_a_stolen_session_cannot_guess_the_password(browser: Client, owner: User) -> None:
    for n in range(TRIES.burst):
        browser.post(EMAIL, {"email": "new@example.org", "password": f"guess {n}"})

    answer = browser.post(EMAIL, {"email": "new@example.org", "password": PASSWORD})

    assert "Too many wrong passwords" in errors(answer, "email_form")
    owner.refresh_from_db()
    assert owner.email == "owner@example.org"


def test_right_passwords_are_free(browser: Client, owner: User) -> None:
    for n in range(TRIES.burst + 2):
        browser.post(EMAIL, {"email": f"new{n}@example.org", "password": PASSWORD})

    owner.refresh_from_db()
    assert owner.email == f"new{TRIES.burst + 1}@example.org"


def test_fields_that_the_forms_do_not_have_change_nothing(browser: Client, owner: User) -> None:
    extra = {"is_staff": "on", "is_superuser": "on", "username": "somebody", "id": "1"}

    browser.post(EMAIL, {"email": "new@example.org", "password": PASSWORD, **extra})

    owner.refresh_from_db()
    assert (owner.username, owner.is_staff, owner.is_superuser) == ("owner", False, False)


def test_the_page_lists_the_sessions_in_plain_words_and_marks_this_one(browser: Client, owner: User) -> None:
    signed_in_by_form(owner, CHROME)

    page = browser.get(PROFILE).content.decode()

    assert "Chrome on Android" in page
    assert re.search(r"Firefox on Windows\s*<span[^>]*>This browser", page)
    assert page.count("This browser") == 1
    assert cookie_of(browser) not in page


def test_one_session_is_ended_and_the_others_stay(browser: Client, owner: User) -> None:
    lost, kept = signed_in_by_form(owner, CHROME), signed_in_by_form(owner, FIREFOX)

    browser.post(reverse("accounts:end_session"), {"session": sessions.digest(cookie_of(lost))})

    assert [is_signed_in(client) for client in (browser, lost, kept)] == [True, False, True]


def test_all_other_sessions_are_ended_at_once(browser: Client, owner: User) -> None:
    others = [signed_in_by_form(owner) for _ in range(2)]

    answer = browser.post(reverse("accounts:end_other_sessions"), follow=True)

    assert "2 other browsers were signed out." in answer.content.decode()
    assert is_signed_in(browser)
    assert not any(map(is_signed_in, others))


def test_nobody_ends_somebody_elses_session(browser: Client, other_user: User) -> None:
    theirs = signed_in_by_form(other_user)

    for key in (sessions.digest(cookie_of(theirs)), cookie_of(theirs), "", "%"):
        browser.post(reverse("accounts:end_session"), {"session": key})
    browser.post(reverse("accounts:end_other_sessions"))

    assert is_signed_in(theirs)
    assert Session.objects.count() == 2


def test_a_chosen_language_follows_the_person_to_another_browser(browser: Client, owner: User) -> None:
    browser.post(LOOKS["language"], {"language": "ja", "next": PROFILE})

    other = signed_in_by_form(owner, CHROME)

    assert other.get(PROFILE, headers={"accept-language": "en"})["Content-Language"] == "ja"
    assert preferences.chosen_by(User.objects.get()).language == "ja"
    other.post(LOOKS["language"], {"language": "en"})
    assert browser.get(PROFILE)["Content-Language"] == "en"


def test_a_language_can_be_left_to_the_browser_again(browser: Client, owner: User) -> None:
    browser.post(LOOKS["language"], {"language": "ja"})
    browser.post(LOOKS["language"], {"language": ""})

    assert preferences.chosen_by(User.objects.get()).language == ""
    for language in ("en", "ja"):
        assert browser.get(PROFILE, headers={"accept-language": language})["Content-Language"] == language


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_follows_the_person_to_another_browser(theme: str, browser: Client, owner: User) -> None:
    browser.post(LOOKS["theme"], {"theme": theme})

    page = signed_in_by_form(owner, CHROME).get("/").content.decode()

    assert f'data-theme="{theme}" data-bs-theme="{theme}"' in page
    assert Client().get(reverse("accounts:login")).content.decode().count("data-bs-theme") == 0


@pytest.mark.parametrize(
    ("what", "value"), [("language", "fr"), ("language", "../x"), ("theme", "pink"), ("theme", "")]
)
def test_what_is_not_offered_is_not_kept(what: str, value: str, browser: Client) -> None:
    browser.post(LOOKS[what], {what: value})

    assert not Preferences.objects.exists()


def test_the_choices_of_one_person_are_not_anothers(browser: Client, other_user: User) -> None:
    browser.post(LOOKS["language"], {"language": "ja"})

    assert signed_in_by_form(other_user).get(PROFILE)["Content-Language"] == "en"


@pytest.mark.parametrize("address", [EMAIL, CHANGE])
def test_the_address_of_a_form_leads_to_the_page(address: str, browser: Client) -> None:
    assert browser.get(address)["Location"] == PROFILE
