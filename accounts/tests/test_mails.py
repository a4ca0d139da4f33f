"""Mails by a real SMTP server that comes and goes; the whole way through a real worker."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import mails, tasks
from accounts.models import PasswordResetToken, User, WaitingMail
from accounts.tests.factories import UserFactory
from accounts.tests.letters import deliver_all, link_in, path_of
from accounts.tests.mail_server import MailServer
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Broker, Worker

ASK = "/accounts/password-reset/"
NEW_PASSWORD = "another horse battery"
Kind = WaitingMail.Kind


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def smtp(mail_server: MailServer, settings: Settings) -> MailServer:
    """The server, empty and well, for what this process sends."""
    mail_server.received.clear()
    mail_server.answer = "250 OK"
    settings.MAIL_IS_ON = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mail_server.port
    settings.PUBLIC_URL = "https://pictures.example.org"
    return mail_server


@pytest.fixture(scope="module")
def mailing_worker_of_module(
    django_db_setup: None, broker: Broker, mail_server: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    media_root = tmp_path_factory.mktemp("worker") / "media"
    mailing = {"EMAIL_URL": mail_server.url, "PUBLIC_URL": "https://pictures.example.org", "DEFAULT_MODEL": "none:0"}
    with Worker(media_root=media_root, **mailing) as worker:
        yield worker


@pytest.fixture
def mailing_worker(transactional_db: None, smtp: MailServer, mailing_worker_of_module: Worker) -> Worker:
    return mailing_worker_of_module


def make_due() -> None:
    WaitingMail.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def test_a_worker_mails_the_link_and_later_the_notice(mailing_worker: Worker, smtp: MailServer, client: Client) -> None:
    UserFactory.create(username="person", email="person@example.org")

    assert client.post(ASK, {"email": "person@example.org"}).status_code == 302
    until(lambda: len(smtp.received) == 1, mailing_worker.output)
    (recipients, message), *_others = smtp.received
    link = link_in(message)
    client.get(path_of(link))
    new_password = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client.post(f"{ASK}new/", new_password).status_code == 302
    until(lambda: len(smtp.received) == 2, mailing_worker.output)

    assert recipients == ["person@example.org"]
    assert link.startswith("https://pictures.example.org/accounts/password-reset/")
    assert message["Subject"] == "Choose a new password"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert smtp.received[1][1]["Subject"] == "Your password was changed"
    log = mailing_worker.output()
    assert path_of(link).split("/")[-2] not in log
    assert "Somebody, hopefully you" not in log
    assert not re.search(r"password-reset/[\w-]{22,}", log)


def test_mail_that_was_asked_for_while_the_server_was_away_comes_once_it_is_back(
    mailing_worker: Worker, smtp: MailServer, client: Client
) -> None:
    UserFactory.create(username="person", email="person@example.org")
    smtp.stop()
    assert client.post(ASK, {"email": "person@example.org"}).status_code == 302
    until(lambda: WaitingMail.objects.filter(attempts__gte=1).exists(), mailing_worker.output)

    smtp.start()
    make_due()
    until(lambda: len(smtp.received) == 1, mailing_worker.output)

    new_password = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client.post(path_of(link_in(smtp.received[0][1])), new_password).status_code == 302


def test_a_mail_to_an_address_that_no_server_can_be_told_is_given_up(db: None, smtp: MailServer) -> None:
    UserFactory.create(email="a@\u3002.org")  # an ideographic full stop: a domain of nothing
    WaitingMail.objects.create(kind=Kind.PASSWORD_RESET, address="a@\u3002.org", language="en")

    assert tasks.send_next_mail()

    assert not WaitingMail.objects.exists()
    assert smtp.received == []


def test_a_mail_that_no_message_announced_is_found(mailing_worker: Worker, smtp: MailServer) -> None:
    user = UserFactory.create()

    WaitingMail.objects.create(kind=Kind.PASSWORD_CHANGED, address=user.email, user=user, language="en")

    until(lambda: len(smtp.received) == 1, mailing_worker.output)


@pytest.mark.parametrize("answer", ["451 later", "550 no such person"])
def test_what_the_server_refuses_is_tried_again_with_growing_patience(
    answer: str, smtp: MailServer, owner: User
) -> None:
    smtp.answer = answer
    mails.queue(Kind.PASSWORD_RESET, address=owner.email)
    waits = []
    for _ in range(4):
        make_due()
        asked = timezone.now()
        tasks.send_next_mail()
        waits.append(round((WaitingMail.objects.get().due_at - asked).total_seconds()))

    assert waits == [5, 15, 30, 60]
    smtp.answer = "250 OK"
    make_due()
    deliver_all()
    assert len(smtp.received) == 1
    assert not WaitingMail.objects.exists()


def test_each_try_makes_a_link_anew_and_counts_as_one_mail(smtp: MailServer, owner: User) -> None:
    smtp.stop()
    mails.queue(Kind.PASSWORD_RESET, address=owner.email)
    for _ in range(5):
        make_due()
        tasks.send_next_mail()
    smtp.start()
    make_due()
    deliver_all()

    assert len(smtp.received) == 1
    assert PasswordResetToken.objects.filter(used=False).count() == 1


def test_a_link_that_could_not_be_sent_in_its_time_is_given_up(smtp: MailServer, owner: User) -> None:
    smtp.answer = "451 later"
    mails.queue(Kind.PASSWORD_RESET, address=owner.email)
    WaitingMail.objects.update(asked_at=timezone.now() - timedelta(minutes=30))

    deliver_all()

    assert not WaitingMail.objects.exists()


def test_one_mail_is_sent_by_one_worker(smtp: MailServer, owner: User) -> None:
    mails.queue(Kind.PASSWORD_CHANGED, address=owner.email, user=owner)

    assert mails.claim_next() is not None
    assert mails.claim_next() is None


def test_a_mail_whose_worker_died_is_sent_by_another(smtp: MailServer, owner: User) -> None:
    mails.queue(Kind.PASSWORD_CHANGED, address=owner.email, user=owner)
    mails.claim_next()

    make_due()
    deliver_all()

    assert len(smtp.received) == 1


def test_notices_of_a_new_address_go_to_the_old_one_in_the_persons_language(owner: User, settings: Settings) -> None:
    settings.MAIL_IS_ON = True
    mails.queue(Kind.EMAIL_CHANGED, address="old@example.org", user=owner, language="ja")

    deliver_all()

    (message,) = mail.outbox
    assert (message.to, message.subject) == (["old@example.org"], "メールアドレスが変更されました")


def test_the_log_of_a_mail_names_its_kind_and_no_address(
    smtp: MailServer, owner: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    mails.queue(Kind.PASSWORD_RESET, address=owner.email)
    smtp.answer = "550 <owner@example.org> is unknown"
    tasks.send_next_mail()
    smtp.answer = "250 OK"
    make_due()
    deliver_all()

    records = [record for record in caplog.records if record.name == "audit"]
    assert [record.getMessage() for record in records] == ["mail_postponed", "mail_sent"]
    assert "owner@example.org" not in "".join(str(vars(record)) for record in records)


def test_without_mail_nothing_is_kept(owner: User, settings: Settings, tmp_path: Path) -> None:
    settings.MAIL_IS_ON = False

    mails.queue(Kind.PASSWORD_CHANGED, address=owner.email, user=owner)

    assert not WaitingMail.objects.exists()
