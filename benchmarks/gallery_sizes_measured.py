"""The measuring process of `benchmarks.gallery_sizes`: does what it reads, on the database in its environment."""

import json
import re
import sys
import time
from typing import Any

import django

django.setup()

from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.test import Client  # noqa: E402

from accounts.models import User  # noqa: E402
from analysis import lifecycle  # noqa: E402
from analysis.models import AnalysisQueue, AnalysisResult, TimelineLog  # noqa: E402
from analysis.states import Priority  # noqa: E402
from benchmarks.photographs import photographs  # noqa: E402
from images import services  # noqa: E402
from images.models import Image, Original  # noqa: E402
from mlmodels.inference.classifier import Prediction  # noqa: E402
from mlmodels.models import MLModel  # noqa: E402

LABELS = ("espresso", "cup", "Egyptian cat", "tabby", "missile")
# In every row that is copied from the first picture's; n counts from 1.
OWN: dict[str, str] = {
    "images.id": "images.id + n",
    "images.filename": "'photo ' || n || '.jpg'",
    "images.file_path": "'copy/' || n || '.jpg'",
    "images.upload_date": "{shifted}",
    "analysis_queue.id": "analysis_queue.id + n",
    "analysis_queue.queued_at": "{shifted}",
    "analysis_queue.started_at": "{shifted}",
    "analysis_queue.completed_at": "{shifted}",
    "timeline_logs.id": "timeline_logs.id + n",
    "analysis_results.id": "analysis_results.id + 5 * n",
    "analysis_results.created_at": "{shifted}",
}
# A second earlier for each copy.
SHIFTED = {
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', {column}, '-' || n || ' seconds')",
    "postgresql": "{column} - n * INTERVAL '1 second'",
}


class Bench:
    """Somebody with so many analyzed pictures, copied from one that went the whole way."""

    def __init__(self, count: int) -> None:
        call_command("migrate", verbosity=0)
        owner = User.objects.create(username="visitor", email="visitor@example.org")
        file = SimpleUploadedFile("first.jpg", photographs(1)[0])
        model = MLModel.objects.offered()[0]
        services.take_in(user=owner, file=file, model=model, priority=Priority.NORMAL)
        predictions = [Prediction(label, 90.0 - rank) for rank, label in enumerate(LABELS)]
        lifecycle.complete(dict.fromkeys(lifecycle.claim_batch(limit=1), predictions))
        for table in (Image, Original, AnalysisQueue, TimelineLog, AnalysisResult):
            copy_rows(table, count - 1)
        refresh_statistics()
        self.client = Client(headers={"host": "localhost"})
        self.client.force_login(owner)
        self.addresses = {
            "first page": "/images/",
            "a page far down": self.far_down(),
            "succeeded ones": "/images/?status=success",
            "a label that all have": "/images/?q=espresso",
            "a general word that fits all": "/images/?q=coffee",
            "by name": "/images/?sort=name",
            "the poll": "/images/live/?ids=1,2,3",
        }

    def far_down(self) -> str:
        """Fifty pages behind the first, or the last one."""
        address = "/images/"
        for _ in range(50):
            found = re.search(r'href="\?([^"]*after=[^"]+)"', self.client.get(address).content.decode())
            if not found:
                break
            address = f"/images/?{found[1].replace('&amp;', '&')}"
        return address

    def round(self) -> dict[str, float]:
        return {what: self.milliseconds(address) for what, address in self.addresses.items()}

    def milliseconds(self, address: str) -> float:
        began = time.perf_counter()
        answer = self.client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        return (time.perf_counter() - began) * 1000


def copy_rows(table: type[models.Model], count: int) -> None:
    name = table._meta.db_table
    columns = [str(field.column) for field in table._meta.concrete_fields]
    values = [value(f"{name}.{column}") for column in columns]
    statement = f"""
        WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)
        INSERT INTO {name} ({", ".join(columns)}) SELECT {", ".join(values)} FROM {name} CROSS JOIN numbers
    """  # noqa: S608 - names of our own tables
    with connection.cursor() as cursor:
        cursor.execute(statement, [count])


def value(column: str) -> str:
    unless_its_own = f"{column} + n" if column.endswith(".image_id") else column
    return OWN.get(column, unless_its_own).format(shifted=SHIFTED[connection.vendor].format(column=column))


def refresh_statistics() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def main() -> None:
    bench = Bench(int(sys.argv[1]))
    commands: dict[str, Any] = {"round": lambda: json.dumps(bench.round())}
    for line in sys.stdin:
        print(commands[line.strip()](), flush=True)


if __name__ == "__main__":
    main()
