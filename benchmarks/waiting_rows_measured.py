"""The measuring process of `benchmarks.waiting_rows`: does what it reads, on the database in its environment."""

import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402

from accounts import clock  # noqa: E402
from accounts.models import User  # noqa: E402
from analysis import lifecycle, ordering, retention, routing  # noqa: E402
from analysis.fencing import Claim  # noqa: E402
from analysis.lanes import EVERYTHING, Lane  # noqa: E402
from analysis.models import AnalysisQueue, ProgressLog, TimelineLog  # noqa: E402
from analysis.states import Priority  # noqa: E402
from analysis.story_query import stories  # noqa: E402
from benchmarks.photographs import photographs  # noqa: E402
from images import services  # noqa: E402
from images.models import Image  # noqa: E402
from mlmodels.inference.classifier import Prediction  # noqa: E402
from mlmodels.models import MLModel  # noqa: E402

PEOPLE = 20
BATCH = 16
POLLS, STEPS = 200, 50
LABELS = [Prediction("espresso", 97.0)] * 5
LANES = tuple(Lane.of(text) for text in ("clip,vgg16", "-clip,-vgg16", "|urgent,high"))
AS_JSON = {"host": "localhost", "accept": "application/json"}
OLD_PROGRESS = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)
    INSERT INTO progress_logs (image_id, progress_percentage, current_stage, stage_description, timestamp)
    SELECT images.id, 40, CASE WHEN n %% 5 = 0 THEN 'completed' ELSE 'preprocessing' END, '', %s
    FROM images CROSS JOIN numbers
"""


class Bench:
    """Some people, one of whom looks at pages, and the figures of two states of the queue side by side."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)
        self.people = [User.objects.create(username=f"person_{n}", email=f"{n}@example.org") for n in range(PEOPLE)]
        self.visitor = User.objects.create(
            username="visitor", email="visitor@example.org", is_staff=True, is_superuser=True
        )
        self.client = Client(headers=AS_JSON)
        self.client.force_login(self.visitor)
        self.model = MLModel.objects.offered()[0]
        self.photograph = photographs(1)[0]
        self.rounds = 0

    def fill(self, rows: int) -> None:
        now = clock.now()
        images = Image.objects.bulk_create(
            Image(user=self.people[n % PEOPLE], filename="a.jpg", file_path="a.jpg", status="uploaded")
            for n in range(rows)
        )
        TimelineLog.objects.bulk_create(TimelineLog(image=image) for image in images)
        AnalysisQueue.objects.bulk_create(
            AnalysisQueue(image=image, user=image.user, position=n // PEOPLE, queued_at=now, model_name=self.model.key)
            for n, image in enumerate(images)
        )
        refresh_statistics()

    def submit(self, user: User | None = None) -> None:
        with transaction.atomic():
            image = Image.objects.create(user=user or self.people[0], filename="a.jpg", file_path="a.jpg")
            lifecycle.submit(
                image=image,
                user_id=image.user_id,
                model=self.model,
                priority=Priority.NORMAL,
                upload_started_at=clock.now(),
            )

    def upload(self) -> None:
        services.take_in(
            user=self.people[1],
            file=SimpleUploadedFile("a.jpg", self.photograph),
            model=self.model,
            priority=Priority.NORMAL,
        )

    def watch(self) -> None:
        """A picture of the visitor that stands behind all others."""
        self.submit(self.visitor)
        self.watched = Image.objects.get(user=self.visitor)
        AnalysisQueue.objects.filter(image=self.watched).update(position=10**6)

    def round(self) -> dict[str, float]:
        """Milliseconds of everything, once; what is submitted is claimed and finished again."""
        self.rounds += 1
        person = self.people[self.rounds % PEOPLE]
        for _ in range(BATCH - 1):
            self.submit(person)
        claims: list[Claim] = []
        found = {
            "submission": milliseconds(self.submit),
            "position": milliseconds(
                lambda: ordering.position_for(
                    user_id=self.people[0].pk, priority=Priority.NORMAL, model_key=self.model.key
                )
            ),
            "claim of 16": milliseconds(lambda: claims.extend(lifecycle.claim_batch(limit=BATCH))),
            "finish of 16": milliseconds(lambda: lifecycle.complete(dict.fromkeys(claims, LABELS))),
            "timeline poll": milliseconds(lambda: self.visit(f"/images/{self.watched.pk}/timeline/")),
            "poll with lanes": milliseconds(self.poll_with_lanes),
            "whole upload": milliseconds(self.upload),
            "gallery": milliseconds(lambda: self.visit("/")),
            "admin's queue": milliseconds(lambda: self.visit("/admin/analysis/analysisqueue/")),
        }
        lifecycle.complete(dict.fromkeys(lifecycle.claim_batch(limit=1), LABELS))  # what was uploaded
        return found

    def poll_with_lanes(self) -> None:
        """As if each worker took some models or priorities only."""
        routing.living.keep(LANES, seconds=math.inf)
        self.visit(f"/images/{self.watched.pk}/timeline/")
        routing.living.keep((EVERYTHING,), seconds=math.inf)

    def visit(self, address: str) -> None:
        answer = self.client.get(address)
        assert answer.status_code == 200, (address, answer)


def refresh_statistics() -> None:
    """As the databases do by themselves in time."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def rows_written_by_a_finish(bench: Bench) -> str:
    """Rows that finishing one picture inserts, updates and deletes."""
    bench.submit()
    claims: list[Claim] = lifecycle.claim_batch(limit=1)
    counts: dict[str, int] = {}

    def count(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        verb = sql.split()[0]
        if verb in ("INSERT", "UPDATE", "DELETE"):
            counts[verb] = counts.get(verb, 0) + max(context["cursor"].rowcount, 0)
        return result

    with connection.execute_wrapper(count):
        lifecycle.complete(dict.fromkeys(claims, LABELS))
    return ", ".join(f"{verb} {rows}" for verb, rows in counts.items())


def plan_of_claim() -> str:
    line = ordering.in_line(Priority.NORMAL).due()[:BATCH]
    return " | ".join(part.strip() for part in line.explain().splitlines())


def plan_of_poll(bench: Bench) -> str:
    """Steps that read all of the queue's table, or sort what they read of it."""
    plan = stories().filter(image=bench.watched).explain().splitlines()
    found = [step.strip() for step in plan if "Seq Scan on analysis_queue" in step or "SCAN analysis_queue" in step]
    sorts = [step.strip() for step in plan if "TEMP B-TREE" in step or "Sort Key" in step]
    return f"{found or 'no scan'}, {sorts or 'no sort'}"


def thin_out(bench: Bench, rows: int) -> str:
    """Poll without and with many old rows of progress, and while the retention removes them."""
    address = f"/images/{bench.watched.pk}/timeline/"
    AnalysisQueue.objects.waiting().exclude(image=bench.watched).update(status="cancelled")
    refresh_statistics()
    without = [milliseconds(lambda: bench.visit(address)) for _ in range(POLLS)]
    with connection.cursor() as cursor:
        cursor.execute(OLD_PROGRESS, [max(rows // Image.objects.count(), 5), "2020-01-01 00:00:00+00:00"])
    refresh_statistics()
    before = ProgressLog.objects.count()
    with_rows = [milliseconds(lambda: bench.visit(address)) for _ in range(POLLS)]
    steps, beside = [], []
    for _ in range(STEPS):
        steps.append(milliseconds(retention.thin_out))
        beside.append(milliseconds(lambda: bench.visit(address)))
    removed = before - ProgressLog.objects.count()
    polls = ", ".join(f"{name} {shown(values)}" for name, values in (("none", without), (f"{before}", with_rows)))
    return (
        f"poll by rows of progress: {polls}, between the retention's calls {shown(beside)}; "
        f"{STEPS} calls removed {removed} rows, each {shown(steps)}"
    )


def shown(values: list[float]) -> str:
    return f"{sorted(values)[len(values) // 2]:.1f} ({sorted(values)[int(0.95 * len(values))]:.1f})"


def milliseconds(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def main() -> None:
    bench = Bench()
    bench.fill(int(sys.argv[1]))
    bench.watch()
    answers: dict[str, Callable[[str], str]] = {
        "round": lambda _words: json.dumps(bench.round()),
        "finish": lambda _words: rows_written_by_a_finish(bench),
        "plan": lambda of: plan_of_claim() if of == "claim" else plan_of_poll(bench),
        "progress": lambda rows: thin_out(bench, int(rows)),
    }
    for line in sys.stdin:
        command, _space, words = line.strip().partition(" ")
        print(answers[command](words), flush=True)


if __name__ == "__main__":
    main()
