"""Rows of a house that was used for a month, as staff see them: people, pictures, runs, labels, records of progress."""

import random
from collections.abc import Iterator
from datetime import timedelta

from django.db import connection

from accounts import clock
from accounts.models import User
from analysis.failures import BY_CODE, OUT_OF_ATTEMPTS
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from analysis.states import ImageStatus, Priority, QueueStatus, Stage
from images.models import Image, Original
from mlmodels.models import MLModel

AT_ONCE = 2_000
DAYS = 30
LABELS = ("espresso", "tabby cat", "golden retriever", "aircraft carrier", "volcano", "teapot", "bookcase", "lakeside")
CAUSES = (BY_CODE["damaged"].message, BY_CODE["too_many_pixels"].message, OUT_OF_ATTEMPTS["worker_lost"])
ENDS = {
    QueueStatus.COMPLETED: ImageStatus.SUCCESS,
    QueueStatus.FAILED: ImageStatus.FAILED,
    QueueStatus.CANCELLED: ImageStatus.UPLOADED,
    QueueStatus.WAITING: ImageStatus.UPLOADED,
}


def fill(pictures: int, *, people: int = 200, waiting: int = 500, seed: int = 7) -> None:
    """So many pictures, the newest of which wait, in every table that hangs on them."""
    chance = random.Random(seed)  # noqa: S311
    owners = User.objects.bulk_create(
        User(username=f"person_{n}", email=f"person_{n}@example.org") for n in range(people)
    )
    models = list(MLModel.objects.filter(is_active=True))
    for first in range(0, pictures, AT_ONCE):
        count = min(AT_ONCE, pictures - first)
        _add([chance.choice(owners) for _ in range(count)], models, first, pictures, waiting, chance)
    with connection.cursor() as cursor:  # as the databases do by themselves in time
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def _add(
    owners: list[User], models: list[MLModel], first: int, pictures: int, waiting: int, chance: random.Random
) -> None:
    month = timedelta(days=DAYS)
    entries = []
    for n, owner in enumerate(owners, first):
        uploaded_at = clock.now() - month * (1 - n / pictures)
        status = QueueStatus.WAITING if n >= pictures - waiting else _end(chance)
        model = chance.choice(models)
        image = Image(
            user=owner,
            filename=f"picture_{n}.jpg",
            file_path=f"{n}/original.jpg",
            thumbnail_path=f"{n}/thumbnail.jpg",
            status=ENDS[status],
            model_used=model,
            upload_date=uploaded_at,
        )
        began = None if status == QueueStatus.WAITING else uploaded_at + timedelta(seconds=chance.uniform(0, 20))
        entries.append(
            AnalysisQueue(
                image=image,
                user=owner,
                position=n,
                status=status,
                priority=chance.choice(list(Priority)),
                queued_at=uploaded_at,
                started_at=began,
                completed_at=began and began + timedelta(seconds=chance.uniform(0.1, 2)),
                model_name=model.key,
                error_message=chance.choice(CAUSES) if status == QueueStatus.FAILED else None,
            )
        )
    Image.objects.bulk_create(entry.image for entry in entries)
    AnalysisQueue.objects.bulk_create(entries)
    Original.objects.bulk_create(
        Original(image=entry.image, stored_bytes=chance.randint(40_000, 6_000_000)) for entry in entries
    )
    TimelineLog.objects.bulk_create(TimelineLog(image=entry.image, model_used=entry.model_name) for entry in entries)
    ended = [entry for entry in entries if entry.status == QueueStatus.COMPLETED]
    ProgressLog.objects.bulk_create(row for entry in ended for row in _progress(entry))
    AnalysisResult.objects.bulk_create(row for entry in ended for row in _labels(entry, chance))


def _end(chance: random.Random) -> QueueStatus:
    ends = (QueueStatus.COMPLETED, QueueStatus.FAILED, QueueStatus.CANCELLED)
    return chance.choices(ends, weights=(96, 3, 1))[0]


def _progress(entry: AnalysisQueue) -> Iterator[ProgressLog]:
    for stage, percentage in zip(Stage, (10, 40, 90, 100), strict=True):
        yield ProgressLog(
            image=entry.image,
            progress_percentage=percentage,
            current_stage=stage,
            timestamp=entry.completed_at or entry.queued_at,
        )


def _labels(entry: AnalysisQueue, chance: random.Random) -> Iterator[AnalysisResult]:
    name, _colon, version = (entry.model_name or "").partition(":")
    for rank, label in enumerate(chance.sample(LABELS, 5), start=1):
        yield AnalysisResult(
            image=entry.image, label=label, confidence=80 / rank, model_name=name, model_version=version, rank=rank
        )
