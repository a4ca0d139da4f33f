"""What journeys share: one installation that mails, with an administrator, and a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from accounts.tests.mail_server import MailServer
from imageanalysis.tests.application import Application, Person
from imageanalysis.tests.browser import chromium


@pytest.fixture(scope="session")
def mail() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory, mail: MailServer) -> Iterator[Application]:
    """The whole application; "boss", who registers first, is its administrator."""
    with Application(tmp_path_factory.mktemp("installation"), EMAIL_URL=mail.url) as running:
        Person(running.url, "boss").client.close()
        yield running


@pytest.fixture(scope="module")
def application(installation: Application) -> Iterator[Application]:
    """The installation, with people and pictures of other modules in it."""
    before = len(installation.log)
    yield installation
    print(installation.log[before:])  # shown beside a failure


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running
