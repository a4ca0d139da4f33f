"""The measuring process of `benchmarks.desk`, on the database in its environment: prints one JSON object."""

import json
import statistics
import sys
import time

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from accounts.models import User  # noqa: E402
from benchmarks.desk_rows import fill  # noqa: E402

PAGES = {
    "dashboard": "/admin/",
    "dashboard, refreshed": "/admin/desk/",
    "queue": "/admin/analysis/analysisqueue/",
    "queue, what waits": "/admin/analysis/analysisqueue/?status__exact=waiting",
    "queue, failed": "/admin/analysis/analysisqueue/?status__exact=failed",
    "queue, search a file name": "/admin/analysis/analysisqueue/?q=picture_4711.jpg",
    "queue, search a person": "/admin/analysis/analysisqueue/?q=person_17",
    "pictures": "/admin/images/image/",
    "pictures, search a file name": "/admin/images/image/?q=picture_4711.jpg",
    "pictures, page 100": "/admin/images/image/?p=100",
    "results": "/admin/analysis/analysisresult/",
    "results, search a label": "/admin/analysis/analysisresult/?q=espresso",
    "progress": "/admin/analysis/progresslog/",
    "timelines": "/admin/analysis/timelinelog/",
    "models": "/admin/mlmodels/mlmodel/",
    "people": "/admin/accounts/user/",
    "people, search": "/admin/accounts/user/?q=person_17",
}


def main(pictures: int, rounds: int) -> None:
    call_command("migrate", verbosity=0)
    staff = User.objects.create(username="visitor", email="v@example.org", is_staff=True, is_superuser=True)
    fill(pictures)
    client = Client(headers={"host": "localhost"})
    client.force_login(staff)
    print(json.dumps({name: measure(client, address, rounds) for name, address in PAGES.items()}))


def measure(client: Client, address: str, rounds: int) -> tuple[float, float, int]:
    """Medians in milliseconds: by the clock, and of this process alone; and the number of statements."""
    with CaptureQueriesContext(connection) as queries:
        visit(client, address)  # the first one warms up
    statements = len(queries.captured_queries)
    clock, own = [], []
    for _ in range(rounds):
        began, began_own = time.perf_counter(), time.process_time()
        visit(client, address)
        clock.append(1000 * (time.perf_counter() - began))
        own.append(1000 * (time.process_time() - began_own))
    return statistics.median(clock), statistics.median(own), statements


def visit(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
