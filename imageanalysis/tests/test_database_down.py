"""While the database is away nobody is told anything about the inside, and afterwards all goes on."""

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


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """One of its own, which may be stopped."""
    if PostgreSQL.binaries() is None:
        pytest.skip("PostgreSQL is not installed here (Debian: apt-get install postgresql)")
    with PostgreSQL(Path(tempfile.gettempdir())) as server:
        yield server


def test_without_a_database_every_page_says_so_and_tells_nothing_of_the_inside(
    server: PostgreSQL, tmp_path: Path
) -> None:
    with Application(tmp_path, DATABASE_URL=server.new_database()) as application:
        person = Person(application.url)
        pk = person.upload("a.png", drawn_picture())["id"]
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
        person.client.close()
