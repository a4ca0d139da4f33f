"""Who owns a run: the claim, its fencing token, and the lock on the rows that still carry it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import models

from analysis.models import AnalysisQueue
from analysis.states import QueueStatus


@dataclass(frozen=True, slots=True)
class Claim:
    """A run in hand: the queue entry, its picture, the model to use, and the token (id, started_at, retry_count).

    `queued_at` is since when it had waited, `ends_at` when it should end, if that could be said at its beginning.
    """

    queue_id: int
    image_id: int
    model_key: str
    started_at: datetime
    retry_count: int
    queued_at: datetime | None = field(default=None, compare=False)
    ends_at: datetime | None = field(default=None, compare=False)

    @classmethod
    def of(cls, entry: AnalysisQueue, started_at: datetime, ends_at: datetime | None = None) -> "Claim":
        model_key = entry.model_name or ""
        return cls(entry.pk, entry.image_id, model_key, started_at, entry.retry_count, entry.queued_at, ends_at)


def carrying_token(claims: Iterable[Claim]) -> models.Q:
    """The condition that only rows still carrying their claim's token meet; a few groups, however many claims."""
    groups: dict[tuple[datetime, int], list[int]] = {}
    for claim in claims:
        groups.setdefault((claim.started_at, claim.retry_count), []).append(claim.queue_id)
    tokens = models.Q(pk__in=[])
    for (started_at, retry_count), ids in groups.items():
        tokens |= models.Q(pk__in=ids, started_at=started_at, retry_count=retry_count)
    return tokens & models.Q(status=QueueStatus.PROCESSING)


def lock_held(claims: Sequence[Claim]) -> list[Claim]:
    """Lock the rows that are still ours for the rest of the transaction; the other claims are lost.

    SQLite has no row locks: its IMMEDIATE transaction has locked everything already.
    """
    rows = AnalysisQueue.objects.filter(carrying_token(claims)).order_by("pk").select_for_update()
    ours = set(rows.values_list("pk", flat=True))
    return [claim for claim in claims if claim.queue_id in ours]


def lock_entries(*, image_ids: Collection[int] | None = None, user_id: int | None = None) -> None:
    """Lock these pictures' entries, or all of a person's, or those of the pictures that are this person's, for the rest
    of the transaction.

    Whoever deletes takes these locks first and in the order of every other writer, so that nobody waits in a circle.
    """
    wanted = {"image_id__in": image_ids, "user_id": user_id}
    filters = {name: value for name, value in wanted.items() if value is not None}
    list(AnalysisQueue.objects.select_for_update().filter(**filters).order_by("pk").values_list("pk"))
