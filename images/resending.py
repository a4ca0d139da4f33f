"""An upload that is sent again because its answer was lost is the same picture, not a second one.

The sender names each file by a random number of its own; a person's numbers are unique. The row that remembers one
is inserted with its picture and goes with it.
"""

from collections.abc import Callable
from uuid import UUID

from django.db import IntegrityError

from accounts.models import User
from images.models import Image
from images.refusals import UploadRefusedError


def taken_once(*, user: User, upload_id: UUID | None, take_in: Callable[[], Image]) -> Image:
    """The picture that this upload became before, or becomes now; of two at the same moment one takes the file in."""
    if upload_id is None:
        return take_in()
    earlier = _earlier(user, upload_id)
    if earlier:
        return earlier
    try:
        return take_in()
    except (IntegrityError, UploadRefusedError):  # it may be the other one that used up the last room, too
        earlier = _earlier(user, upload_id)
        if earlier is None:
            raise
        return earlier


def _earlier(user: User, upload_id: UUID) -> Image | None:
    return (
        Image.objects.select_related("original")
        .filter(taken_upload__user=user, taken_upload__upload_id=upload_id)
        .first()
    )
