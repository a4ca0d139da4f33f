"""The real queue on a real database with simulated workers and a simulated clock: hours pass in seconds.

Only time is simulated: who is claimed, in which order, and what is said about when is the application's own code. On
import this makes an empty SQLite database in a temporary folder.
"""

import heapq
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import django

FOLDER = tempfile.TemporaryDirectory(prefix="simulated-queue-")
os.environ.update(DATA_DIR=FOLDER.name, MEDIA_ROOT=FOLDER.name, DJANGO_SETTINGS_MODULE="imageanalysis.settings")
os.environ.update(CACHE_URL="locmemcache://")
os.environ.pop("DATABASE_URL", None)
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from accounts import clock  # noqa: E402
from accounts.models import User  # noqa: E402
from analysis import lifecycle  # noqa: E402
from analysis.fencing import Claim  # noqa: E402
from analysis.models import AnalysisQueue  # noqa: E402
from analysis.presentation import Story, story  # noqa: E402
from analysis.states import Priority  # noqa: E402
from analysis.story_query import stories  # noqa: E402
from images.models import Image  # noqa: E402
from mlmodels.inference.classifier import Prediction  # noqa: E402
from mlmodels.models import MLModel  # noqa: E402

__all__ = ["AnalysisQueue", "Claim", "MLModel", "Priority", "Simulation", "User", "settings", "story"]
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
LABELS = [Prediction("espresso", 97.0)]

call_command("migrate", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("PRAGMA synchronous=OFF")  # what survives a power cut is not asked here


@dataclass
class Simulation:
    """Workers that claim batches and take `batch_seconds(pictures)` for each; the clock jumps to what happens next."""

    workers: int
    batch: int
    batch_seconds: Callable[[int], float]
    on_claim: Callable[[Sequence[Claim]], None] = lambda claims: None
    on_end: Callable[[Sequence[Claim]], None] = lambda claims: None
    seconds: float = 0
    busy: int = 0
    events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        clock.now = self.now

    def now(self, *earlier: datetime | None) -> datetime:
        return max([BEGINNING + timedelta(seconds=self.seconds), *filter(None, earlier)])

    def at(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self.events, (seconds, next(self.numbers), event))

    def run(self, until_seconds: float = float("inf")) -> None:
        """Let everything happen until then, or until nothing is left to happen."""
        while self.events and self.events[0][0] <= until_seconds:
            self.seconds, _number, event = heapq.heappop(self.events)
            event()
            while self.busy < self.workers and self._claim():
                pass

    def _claim(self) -> bool:
        claims = lifecycle.claim_batch(limit=self.batch)
        if claims:
            self.busy += 1
            self.on_claim(claims)
            self.at(self.seconds + self.batch_seconds(len(claims)), lambda: self._end(claims))
        return bool(claims)

    def _end(self, claims: Sequence[Claim]) -> None:
        lifecycle.complete(dict.fromkeys(claims, LABELS))
        self.busy -= 1
        self.on_end(claims)


def person(name: str) -> User:
    """An account that nobody can sign in to."""
    return User.objects.create(username=name, email=f"{name}@example.org")


def submit(user: User, priority: Priority = Priority.NORMAL, pictures: int = 1, model: MLModel | None = None) -> None:
    """Put pictures into the queue as an upload does, without files."""
    chosen = model or MLModel.objects.order_by("pk")[0]
    for _ in range(pictures):
        with transaction.atomic():
            image = Image.objects.create(user=user, filename="a.jpg", file_path="a.jpg")
            lifecycle.submit(
                image=image, user_id=user.pk, model=chosen, priority=priority, upload_started_at=clock.now()
            )


def start_over() -> None:
    """Forget all pictures and people."""
    User.objects.all().delete()


def told() -> dict[int, Story]:
    """What the pages of all unfinished pictures say now, by queue entry."""
    return {entry.pk: story(entry) for entry in stories().filter(status__in=["waiting", "processing"])}


def waiting() -> list[AnalysisQueue]:
    """Everything that waits, by priority, position and id."""
    order = {priority: n for n, priority in enumerate(reversed(Priority))}
    entries = AnalysisQueue.objects.waiting()
    return sorted(entries, key=lambda entry: (order[Priority(entry.priority)], entry.position, entry.pk))
