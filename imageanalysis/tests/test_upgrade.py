"""What the first release left behind is taken over by this one: it starts, finishes what waited, and loses nothing."""

from pathlib import Path
from typing import Any

import httpx

from imageanalysis.tests.application import Application
from imageanalysis.tests.earlier_release import LABELS, PASSWORD, STATES, USERNAME
from imageanalysis.tests.installations import manage, run, seen
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import PostgreSQL

NUMBERS = {status: number for number, status in enumerate(STATES, start=1)}
BUILD = "from imageanalysis.tests.earlier_release import build; build()"
FILENAMES = [f"{status}.png" for status in STATES]


def sign_in(client: httpx.Client) -> None:
    page = client.get("/accounts/login/").raise_for_status().text
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = {"username": USERNAME, "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert USERNAME in client.post("/accounts/login/", data=form).raise_for_status().text


def story(client: httpx.Client, status: str) -> dict[str, Any]:
    address, headers = f"/images/{NUMBERS[status]}/timeline/", {"Accept": "application/json"}
    told: dict[str, Any] = client.get(address, headers=headers).raise_for_status().json()
    return told


def test_the_first_release_is_taken_over_with_rows_in_every_state(tmp_path: Path) -> None:
    run(tmp_path, BUILD)

    with (
        Application(tmp_path) as application,
        httpx.Client(base_url=application.url, follow_redirects=True, timeout=60) as client,
    ):
        sign_in(client)
        for unfinished in ("waiting", "processing"):
            until(
                lambda status=unfinished: story(client, status)["status"] == "success",  # type: ignore[misc]
                lambda: application.log,
                seconds=120,
            )
        for number in NUMBERS.values():
            client.get(f"/images/{number}/").raise_for_status()
            client.get(f"/images/{number}/file/").raise_for_status()
        stories = {status: story(client, status) for status in STATES}
        gallery = client.get("/").raise_for_status().text

    assert {row["label"]: float(row["confidence"]) for row in stories["completed"]["results"]} == LABELS
    assert (stories["failed"]["status"], stories["cancelled"]["queue"]["status"]) == ("failed", "cancelled")
    assert all(name in gallery for name in FILENAMES)
    assert seen(tmp_path) == {"violations": [], "pictures": FILENAMES}


def test_so_it_is_on_postgresql(tmp_path: Path, postgresql: PostgreSQL) -> None:
    """There rows that wait for a check keep a migration from changing their table."""
    settings = {"DATABASE_URL": postgresql.new_database()}
    run(tmp_path, BUILD, **settings)

    migrated = manage(tmp_path, "migrate", "--verbosity", "0", **settings)

    assert migrated.returncode == 0, migrated.stderr
    found = seen(tmp_path, **settings)
    assert [line.partition(",")[0] for line in found["violations"]] == [
        f"picture {NUMBERS[status]} is still {status}" for status in ("waiting", "processing")
    ]
    assert found["pictures"] == FILENAMES
