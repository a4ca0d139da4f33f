"""How much one person may ask for: unfinished pictures, uploads of a day, pictures and room; no limit unless set."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.models import User
from analysis.models import AnalysisQueue
from analysis.states import ACTIVE_QUEUE_STATUSES
from images.models import Image, Original, PastUpload
from images.refusals import UploadRefusedError


@dataclass(frozen=True, slots=True)
class Room:
    """What a person has stored; None where no limit makes it worth counting."""

    pictures: int | None
    stored_bytes: int | None


def check(user: User, coming_bytes: int) -> None:
    """Raise UploadRefusedError when one more picture is too many; a statement for each limit that is set."""
    if settings.MAX_UNFINISHED_PER_USER and _unfinished(user) >= settings.MAX_UNFINISHED_PER_USER:
        raise UploadRefusedError("too_many_unfinished")
    if settings.MAX_UPLOADS_PER_DAY and _uploads_of_a_day(user) >= settings.MAX_UPLOADS_PER_DAY:
        raise UploadRefusedError("too_many_today")
    _check_room(user, 1, coming_bytes)


def _check_room(user: User, coming_pictures: int, coming_bytes: int) -> None:
    taken = room_taken(user)
    if taken.pictures is not None and taken.pictures + coming_pictures > settings.MAX_PICTURES_PER_USER:
        raise UploadRefusedError("too_many_pictures")
    if taken.stored_bytes is not None and taken.stored_bytes + coming_bytes > settings.MAX_BYTES_PER_USER:
        raise UploadRefusedError("no_room_left")


def _unfinished(user: User) -> int:
    return AnalysisQueue.objects.filter(user=user, status__in=ACTIVE_QUEUE_STATUSES).count()


def _uploads_of_a_day(user: User) -> int:
    """Whatever became of the pictures."""
    kept = Image.objects.filter(user=user, upload_date__gt=_a_day_ago()).count()
    return kept + PastUpload.objects.filter(user=user, uploaded_at__gt=_a_day_ago()).count()


def remember_uploads(image_ids: Collection[int]) -> None:
    """These pictures go for good in the running transaction: where uploads a day are limited, theirs still count."""
    if settings.MAX_UPLOADS_PER_DAY:
        recent = Image.objects.filter(pk__in=image_ids, upload_date__gt=_a_day_ago())
        PastUpload.objects.bulk_create(
            PastUpload(user_id=user_id, uploaded_at=uploaded_at)
            for user_id, uploaded_at in recent.values_list("user_id", "upload_date")
        )


def forget_old_uploads() -> None:
    PastUpload.objects.filter(uploaded_at__lte=_a_day_ago()).delete()


def _a_day_ago() -> datetime:
    return timezone.now() - timedelta(days=1)


def room_taken(user: User) -> Room:
    """A statement for each of the two limits that is set."""
    pictures = Image.objects.visible_to(user).count() if settings.MAX_PICTURES_PER_USER else None
    return Room(pictures, _stored_bytes(user) if settings.MAX_BYTES_PER_USER else None)


def _stored_bytes(user: User) -> int:
    return _sum_of_bytes(Original.objects.filter(image__user=user, image__deletion=None))


def _sum_of_bytes(originals: QuerySet[Original]) -> int:
    return originals.aggregate(sum=Sum("stored_bytes"))["sum"] or 0


def check_for_good(user: User, coming_bytes: int) -> None:
    """The same in the transaction that inserts the picture: this person's uploads of the same moment count, too."""
    if any(getattr(settings, name) for name in _LIMITS):
        _lock(user)
        check(user, coming_bytes)


def check_return(user: User, image_ids: Collection[int]) -> None:
    """The same for deleted pictures that are taken back in the running transaction: only their room counts."""
    if any(getattr(settings, name) for name in _LIMITS_OF_ROOM):
        _lock(user)
        _check_room(user, len(image_ids), _sum_of_bytes(Original.objects.filter(image__in=image_ids)))


def _lock(user: User) -> None:
    list(User.objects.select_for_update().filter(pk=user.pk).values_list("pk"))


_LIMITS_OF_ROOM = ("MAX_PICTURES_PER_USER", "MAX_BYTES_PER_USER")
_LIMITS = ("MAX_UNFINISHED_PER_USER", "MAX_UPLOADS_PER_DAY", *_LIMITS_OF_ROOM)
