"""Pictures that were deleted: out of sight at once, to be taken back for a while, then gone for good with their files.

    kept ──delete──▶ deleted ──purge, UNDO_SECONDS later──▶ gone
      ▲                 │
      └────restore──────┘

Each step locks the pictures' queue entries first, as every other writer does, and looks at how things stand then: of a
restoration and a purge that meet, the one that comes first counts and the other finds nothing to do.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.models import User
from analysis import services as analysis
from analysis import wishes
from analysis.fencing import lock_entries
from images import limits
from images.models import Deletion, Image

AT_ONCE = 100


def delete(*, image_ids: Collection[int], key: UUID) -> list[int]:
    """Put pictures out of sight, and call off what waits or runs of them; returns all of them.

    Call it in a transaction that has locked their entries. Constant number of statements.
    """
    called_off = set(wishes.cancel_all(image_ids=image_ids))
    Deletion.objects.bulk_create(
        Deletion(image_id=image_id, key=key, was_active=image_id in called_off) for image_id in image_ids
    )
    return list(image_ids)


@transaction.atomic
def restore(*, key: UUID, user: User) -> list[int]:
    """Bring back what this person deleted under `key` as it was, also into the queue; returns which pictures.

    Raises UploadRefusedError when others have taken their room meanwhile.
    """
    deletions = Deletion.objects.filter(key=key, image__user=user)
    lock_entries(image_ids=list(deletions.values_list("pk", flat=True)))
    was_active = dict(deletions.values_list("pk", "was_active"))
    limits.check_return(user, list(was_active))
    Deletion.objects.filter(pk__in=was_active).delete()
    analysis.resume(image_ids=[image_id for image_id, was in was_active.items() if was])
    return list(was_active)


def purge() -> int:
    """Delete for good what was not taken back in time; returns how many. Harmless on many machines at once."""
    purged = 0
    while image_ids := list(_due().values_list("pk", flat=True)[:AT_ONCE]):
        purged += _purge(image_ids)
    return purged


def _due() -> QuerySet[Deletion]:
    """Both times come from the database's clock."""
    return Deletion.objects.filter(deleted_at__lte=Now() - timedelta(seconds=settings.UNDO_SECONDS))


@transaction.atomic
def _purge(image_ids: Sequence[int]) -> int:
    lock_entries(image_ids=image_ids)
    due = list(_due().filter(pk__in=image_ids).values_list("pk", flat=True))
    limits.remember_uploads(due)
    _rows, by_table = Image.objects.filter(pk__in=due).delete()
    return by_table.get(Image._meta.label, 0)
