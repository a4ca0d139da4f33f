"""The pages for whoever forgot the password, visited as a browser visits them."""

import re
from collections.abc import Callable

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import resets
from accounts.log_filter import HideResetTokens
from accounts.models import PasswordResetToken, Session, User, WaitingMail
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.letters import deliver_all, link_in, path_of
from accounts.tests.test_resets import age, change_email

ASK, NEW = reverse("accounts:password_reset"), reverse("accounts:password_reset_new")
NEW_PASSWORD = "another horse battery"
BOTH = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}


@pytest.fixture(autouse=True)
def mail_is_on(settings: Settings) -> None:
    settings.MAIL_IS_ON = True
    settings.PUBLIC_URL = "https://pictures.example.org"


@pytest.fixture
def link(owner: User) -> str:
    return path_of(resets.link_for(owner))


def ask(client: Client, email: str, **headers: str) -> None:
    answer = client.post(ASK, {"email": email}, headers=headers)
    assert (answer.status_code, answer["Location"]) == (302, reverse("accounts:password_reset_sent"))


def test_the_whole_way_from_the_sign_in_page_to_a_new_password(
    client: Client, owner: User, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    assert ASK in client.get(reverse("accounts:login")).content.decode()
    ask(client, "OWNER@example.org")
    deliver_all()
    (mail,) = mailoutbox
    assert mail.to == ["owner@example.org"]
    assert link_in(mail).startswith("https://pictures.example.org/accounts/password-reset/")

    form = client.get(path_of(link_in(mail)), follow=True)
    done = client.post(form.redirect_chain[-1][0], BOTH, follow=True)

    assert "Your password was changed" in done.content.decode()
    assert "user" not in client.session
    assert client.get("/").status_code == 302
    assert client.post(reverse("accounts:login"), {"username": "owner", "password": NEW_PASSWORD}).status_code == 302
    deliver_all()
    assert mailoutbox[1].subject == "Your password was changed"
    assert mailoutbox[1].to == ["owner@example.org"]


def test_all_sessions_end_and_nobody_is_signed_in(link: str, owner: User) -> None:
    browsers = [Client(), Client()]
    for browser in browsers:
        browser.force_login(owner)
    visitor = Client()
    visitor.get(link)

    visitor.post(NEW, BOTH)

    assert [browser.get("/").status_code for browser in (*browsers, visitor)] == [302] * 3
    assert not Session.objects.filter(user=owner).exists()


def test_the_browser_of_whoever_is_signed_in_survives_its_own_reset(link: str, owner_client: Client) -> None:
    owner_client.get(link)

    assert owner_client.post(NEW, BOTH).status_code == 302
    assert owner_client.get("/").status_code == 302


@pytest.mark.parametrize("kind", ["known", "unknown", "disabled", "unusable"])
def test_the_answer_is_the_same_whoever_asks(kind: str, client: Client, db: None) -> None:
    UserFactory.create(email="known@example.org")
    UserFactory.create(email="disabled@example.org", is_active=False)
    UserFactory.create(email="unusable@example.org").set_unusable_password()

    answer = client.post(ASK, {"email": f"{kind}@example.org"})

    assert (answer.status_code, answer["Location"]) == (302, reverse("accounts:password_reset_sent"))
    assert answer.content == b""
    assert not answer.cookies
    (mail,) = WaitingMail.objects.all()
    assert mail.user is None


@pytest.mark.parametrize("email", ["unknown@example.org", "disabled@example.org"])
def test_nobody_gets_mail_who_is_not_known_or_switched_off(
    email: str, client: Client, mailoutbox: list[EmailMultiAlternatives], db: None
) -> None:
    UserFactory.create(email="disabled@example.org", is_active=False)

    ask(client, email)
    deliver_all()

    assert mailoutbox == []
    assert not WaitingMail.objects.exists()


TRICKS = [
    "owner@example.org,evil@example.org",
    "owner@example.org;evil@example.org",
    "owner@example.org\r\nCc: evil@example.org",
    "owner@example.org%0d%0aCc:evil@example.org",
    '["owner@example.org","evil@example.org"]',
    "evil@example.org <owner@example.org>",
    "owner@example.org evil@example.org",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_a_tricky_address_gets_no_mail(
    trick: str, client: Client, owner: User, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    assert client.post(ASK, {"email": trick}).status_code == 200
    deliver_all()

    assert mailoutbox == []


def test_of_two_addresses_one_counts_and_mail_goes_to_the_stored_one(
    client: Client, owner: User, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    client.post(ASK, {"email": ["evil@example.org", "OWNER@Example.org"]})
    deliver_all()

    assert [mail.recipients() for mail in mailoutbox] == [["owner@example.org"]]


@pytest.mark.parametrize("twin", ["m\u0131ke@example.org", "mike@ex\u0430mple.org", "mi\u212ae@example.org"])
def test_an_address_that_only_looks_alike_gets_no_mail(
    twin: str, client: Client, mailoutbox: list[EmailMultiAlternatives], db: None
) -> None:
    UserFactory.create(email="mike@example.org")

    client.post(ASK, {"email": twin})
    deliver_all()

    assert [to for mail in mailoutbox for to in mail.recipients()] in ([], ["mike@example.org"])
    assert "mike@example.org" in User.objects.values_list("email", flat=True)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Host": "evil.example"},
        {"Forwarded": "host=evil.example"},
        {"X-Forwarded-Server": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Referer": "https://evil.example/"},
    ],
)
def test_no_header_gets_into_the_link(
    headers: dict[str, str], client: Client, owner: User, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    ask(client, "owner@example.org", **headers)
    deliver_all()

    assert link_in(mailoutbox[0]).startswith("https://pictures.example.org/")
    assert "evil" not in mailoutbox[0].message().as_string()


@pytest.mark.parametrize("host", ["evil.example", "testserver@evil.example", "testserver:80@evil", "testserver, evil"])
def test_a_foreign_host_is_refused(host: str, client: Client, owner: User) -> None:
    assert client.post(ASK, {"email": "owner@example.org"}, headers={"Host": host}).status_code == 400
    assert not WaitingMail.objects.exists()


def test_the_first_look_moves_the_token_out_of_the_address_and_into_the_session_as_a_digest(
    link: str, client: Client
) -> None:
    first = client.get(link)
    form = client.get(first["Location"])

    token = link.split("/")[-2]
    assert (first.status_code, first["Location"]) == (302, NEW)
    for answer in (first, form):
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer["Cache-Control"]
        assert token not in answer.content.decode()
    assert token not in str(dict(client.session))
    assert client.session["password_reset"] == resets.digest_of(token)


def test_scanners_that_follow_links_use_nothing_up(link: str, client: Client) -> None:
    for verb in (client.get, client.head) * 5:
        assert verb(link).status_code == 302
        assert verb(NEW).status_code == 200

    assert client.post(NEW, BOTH).status_code == 302
    assert client.post(NEW, BOTH).status_code == 404


def test_a_program_may_post_to_the_links_own_address(link: str, client: Client, owner: User) -> None:
    assert client.post(link, BOTH).status_code == 302
    assert client.post(link, BOTH).status_code == 404
    owner.refresh_from_db()
    assert owner.check_password(NEW_PASSWORD)


def ended(link: str, user: User) -> None:
    resets.link_for(user)


def too_old(link: str, user: User) -> None:
    age(1801)


def used(link: str, user: User) -> None:
    Client().post(link, BOTH)


def another_address(link: str, user: User) -> None:
    change_email(user)


def switched_off(link: str, user: User) -> None:
    User.objects.update(is_active=False)


@pytest.mark.parametrize("happens", [ended, too_old, used, another_address, switched_off])
def test_a_link_that_is_no_longer_good_says_what_to_do(
    happens: Callable[[str, User], None], link: str, client: Client, owner: User
) -> None:
    client.get(link)
    happens(link, owner)

    for answer in (client.get(NEW), client.post(NEW, BOTH), client.get(link, follow=True)):
        assert answer.status_code == 404
        assert "Ask for a new link" in answer.content.decode()


def test_a_link_that_never_was_is_no_longer_good_either(client: Client, db: None) -> None:
    answer = client.get(reverse("accounts:password_reset_link", args=["x" * 43]), follow=True)

    assert answer.status_code == 404
    assert "This link is no longer good" in answer.content.decode()


@pytest.mark.parametrize("weak", ["short7!", "password123", "owner123"])
def test_a_weak_password_is_refused_and_the_link_stays_good(weak: str, link: str, client: Client) -> None:
    client.get(link)

    answer = client.post(NEW, {"new_password1": weak, "new_password2": weak})

    assert answer.context["form"].errors
    assert not PasswordResetToken.objects.get().used


def test_an_account_gets_three_mails_an_hour_and_an_address_asks_for_no_more_than_twenty(
    client: Client, owner: User, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    for _ in range(5):
        ask(client, "owner@example.org")
    deliver_all()
    assert len(mailoutbox) == 3

    for number in range(25):
        ask(client, f"somebody_{number}@example.org")
    assert WaitingMail.objects.count() <= 20 - 5
    other = Client(REMOTE_ADDR="192.0.2.1")
    ask(other, "owner@example.org")
    deliver_all()
    assert len(mailoutbox) == 3


@pytest.mark.parametrize(("language", "subject"), [("en", "Choose a new password"), ("ja", "新しいパスワードの設定")])
def test_mail_speaks_the_language_of_whoever_asked(
    language: str, subject: str, client: Client, owner: User, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    ask(client, "owner@example.org", **{"Accept-Language": language})
    deliver_all()

    assert mailoutbox[0].subject == subject
    assert f'<html lang="{language}">' in mailoutbox[0].alternatives[0][0]
    assert [kind for _content, kind in mailoutbox[0].alternatives] == ["text/html"]


def test_without_mail_the_pages_say_so_and_nothing_is_kept(client: Client, owner: User, settings: Settings) -> None:
    settings.MAIL_IS_ON = False

    for answer in (client.get(ASK), client.post(ASK, {"email": "owner@example.org"})):
        assert answer.status_code == 200
        assert "This installation sends no mail" in answer.content.decode()
        assert '<input type="email"' not in answer.content.decode()
    assert "No mail is sent here" in client.get(reverse("accounts:login")).content.decode()
    assert not WaitingMail.objects.exists()


def test_no_log_holds_a_token(link: str, client: Client, caplog: pytest.LogCaptureFixture, settings: Settings) -> None:
    caplog.set_level("DEBUG")
    assert "hide_reset_tokens" in settings.LOGGING["handlers"]["console"]["filters"]

    client.get(link)
    client.post(link, BOTH)
    client.post(link, BOTH)  # 404, which Django logs with the address
    Client(enforce_csrf_checks=True).post(link, BOTH)

    assert any("password-reset" in record.getMessage() for record in caplog.records)
    for record in caplog.records:
        HideResetTokens().filter(record)
        assert not re.search(r"password-reset/[\w-]{43}", record.getMessage())
        assert PASSWORD not in record.getMessage()
        assert NEW_PASSWORD not in record.getMessage() + str(vars(record).get("audit"))
