"""What a person asks for with a picture: which model, how urgent, and whether it is to tell nothing else."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.http import QueryDict

from accounts.models import User
from analysis.states import Priority
from images.refusals import UploadRefusedError
from mlmodels.models import MLModel


@dataclass(frozen=True, slots=True)
class Wish:
    """A model that is offered and a priority that this person may choose."""

    model: MLModel
    priority: Priority
    strips_metadata: bool = False


def priorities_for(user: User) -> list[Priority]:
    """The priorities that this person may choose; urgent is for staff."""
    return [priority for priority in Priority if user.is_staff or priority is not Priority.URGENT]


def read_wish(data: QueryDict, *, user: User) -> Wish:
    """Read `model` and `priority` of a request; raises `UploadRefusedError` for what is not offered."""
    return Wish(
        model=_read_model(data.get("model", "")),
        priority=_read_priority(data.get("priority", ""), user),
        strips_metadata=_reads_as_yes(data.get("strip_metadata"), settings.UPLOAD_STRIP_METADATA),
    )


def read_upload_ids(data: QueryDict, *, count: int) -> list[UUID] | list[None]:
    """The numbers that a sender gave its `count` files, in their order, or none; raises `UploadRefusedError`."""
    told = data.getlist("upload_id")
    if not told:
        return [None] * count
    try:
        upload_ids = [UUID(number) for number in told]
    except ValueError:
        upload_ids = []
    if len(upload_ids) != count:
        raise UploadRefusedError("bad_upload_id")
    return upload_ids


def _reads_as_yes(value: str | None, unless_said: bool) -> bool:
    """The form says "off" before the box, of which nothing is sent unless it is ticked."""
    return unless_said if value is None else value.lower() in ("on", "true", "1", "yes")


def _read_model(key: str) -> MLModel:
    if key and (chosen := MLModel.objects.offered_as(key)):
        return chosen
    offered = MLModel.objects.offered()
    if not offered:
        raise UploadRefusedError("no_model")
    if key:
        raise UploadRefusedError("unknown_model")
    return offered[0]


def _read_priority(value: str, user: User) -> Priority:
    if not value:
        return Priority.NORMAL
    if value not in priorities_for(user):
        raise UploadRefusedError("unknown_priority")
    return Priority(value)
