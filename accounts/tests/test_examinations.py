"""What the doctor says about mail, by a real server."""

import pytest
from pytest_django import Settings

from accounts import examinations
from accounts.findings import Level
from accounts.tests.mail_server import MailServer


@pytest.fixture
def server(settings: Settings):
    with MailServer() as running:
        settings.MAIL_IS_ON = True
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        yield running


def test_a_server_that_answers_takes_the_test_and_one_that_is_away_is_told(server: MailServer) -> None:
    assert [finding.level for finding in examinations.mail()] == [Level.OK]
    assert examinations.send_mail_to("desk@example.org").level == Level.OK
    assert [to for to, _message in server.received] == [["desk@example.org"]]

    server.answer = "554 no"
    assert examinations.send_mail_to("desk@example.org").level == Level.WRONG
    server.stop()
    (finding,) = examinations.mail()
    assert (finding.level, "EMAIL_URL" in finding.repair) == (Level.WRONG, True)


def test_without_a_mail_server_nothing_is_sent_and_the_way_out_is_told(settings: Settings) -> None:
    settings.MAIL_IS_ON = False

    finding = examinations.send_mail_to("desk@example.org")

    assert (finding.level, "EMAIL_URL" in finding.repair) == (Level.WARNING, True)
