"""A whole application on PostgreSQL: what only that refuses, and what people are told while it is away."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageanalysis.tests.application import Application, Person
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import PostgreSQL
from imageanalysis.tests.test_headers import INSIDE
from imageanalysis.tests.visits import header_faults
from images.tests.factories import drawn_picture

ADDRESSES = ("/", "/images/{pk}/", "/images/{pk}/file/", "/images/{pk}/timeline/", "/accounts/login/", "/admin/")
NUL = "a\0:1"


@pytest.fixture(scope="module")
def server(postgresql_is_here: None) -> Iterator[PostgreSQL]:
    """One of its own, which may be stopped."""
    with PostgreSQL(Path(tempfile.gettempdir())) as server:
        yield server


@pytest.fixture(scope="module")
def application(server: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with Application(tmp_path_factory.mktemp("on-postgresql"), DATABASE_URL=server.new_database()) as running:
        yield running


@pytest.fixture(scope="module")
def person(application: Application) -> Iterator[Person]:
    """The administrator, as the first who came."""
    person = Person(application.url)
    yield person
    person.client.close()


@pytest.fixture(scope="module")
def pk(person: Person) -> int:
    return int(person.upload("a.png", drawn_picture())["id"])


def test_a_nul_in_what_people_send_is_no_fault_of_ours(person: Person, pk: int) -> None:
    """PostgreSQL refuses it, which SQLite does not."""
    asked = {
        "/": {"q": NUL, "model": NUL, "after": NUL},
        f"/images/{pk}/": {"why": NUL, "rank": "1"},
        f"/images/{pk}/heat-map/": {"why": NUL, "rank": "1"},
        f"/images/{pk}/heat-map/overlay.png": {"why": NUL, "rank": "1"},
        "/admin/analysis/analysisqueue/": {"cause": NUL},
        "/admin/images/image/": {"status__exact": NUL},
    }
    sent = {
        f"/images/{pk}/analyze/": {"model": NUL},
        f"/images/{pk}/heat-map/": {"why": NUL, "rank": "1"},
        "/images/batch/": {"action": "analyze", "ids": str(pk), "model": NUL},
        "/images/upload/": {"model": NUL},
        "/accounts/profile/sessions/end/": {"session": NUL},
    }
    token = {"csrfmiddlewaretoken": person.token}

    answers = {("GET", address): person.client.get(address, params=form) for address, form in asked.items()}
    answers |= {("POST", address): person.client.post(address, data=token | form) for address, form in sent.items()}

    assert {asked: answer.status_code for asked, answer in answers.items() if answer.status_code >= 500} == {}


def test_without_a_database_every_page_says_so_and_tells_nothing_of_the_inside(
    server: PostgreSQL, application: Application, person: Person, pk: int
) -> None:
    server.end(signal.SIGINT)
    try:
        answers = {
            (address, accept): person.client.get(address.format(pk=pk), headers={"Accept": accept})
            for address in ADDRESSES
            for accept in ("text/html", "application/json")
        }
    finally:
        server.launch()

    assert {answer.status_code for answer in answers.values()} == {503}
    for asked, answer in answers.items():
        assert INSIDE.findall(answer.content) == [], asked
        assert header_faults(answer) == ["Server"], asked
        assert answer.headers["Server"] == "gunicorn", "no version"
        assert answer.headers["Retry-After"], asked
    until(lambda: person.client.get("/images/").status_code == 200, lambda: application.log)
