"""Writes about pictures: take one in, delete one."""

import logging
import uuid
from contextlib import ExitStack
from datetime import datetime
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from analysis import failpoints
from analysis import services as analysis
from analysis.fencing import lock_before_deleting
from analysis.states import Priority
from images import filenames, limits, litter
from images.models import Image
from images.refusals import UploadRefusedError
from mlmodels.inference import pictures
from mlmodels.models import MLModel

logger = logging.getLogger(__name__)


def take_in(
    *,
    user: User,
    file: File,
    model: MLModel,
    priority: Priority,
    upload_started_at: datetime | None = None,
) -> Image:
    """Check, store and queue one uploaded file.

    The bytes are on the storage before the rows exist; should the rows fail, the bytes go again. Raises
    `UploadRefusedError` with nothing left behind.
    """
    started_at = upload_started_at or timezone.now()
    limits.check(user)
    header, thumbnail = _inspect(file)
    folder = uuid.uuid4()
    original, preview = f"{folder}/original.{header.extension}", f"{folder}/thumbnail.jpg"
    litter.announce([original, preview])
    with ExitStack() as undo:
        undo.callback(litter.drop_unless_adopted, [original, preview])
        _store({original: file, preview: ContentFile(thumbnail)})
        failpoints.hit("after_file_stored")
        with transaction.atomic():
            limits.check_for_good(user)
            litter.adopt([original, preview])
            image = Image.objects.create(
                user=user,
                filename=filenames.displayable(file.name or ""),
                file_path=original,
                thumbnail_path=preview,
            )
            analysis.enqueue(
                image=image,
                user_id=user.pk,
                model=model,
                priority=priority,
                upload_started_at=started_at,
                is_animated=header.is_animated,
            )
            failpoints.hit("before_upload_commit")
        undo.pop_all()
    failpoints.hit("before_answer")
    image.refresh_from_db()
    return image


def _store(files: dict[str, File]) -> None:
    try:
        for name, file in files.items():
            file.seek(0)
            default_storage.save(name, file)
    except OSError as error:  # the disk is full, or the folder may not be written to
        logger.exception("an upload could not be stored")
        raise UploadRefusedError("not_stored") from error


def _inspect(file: File) -> tuple[pictures.PictureHeader, bytes]:
    """The header and the thumbnail; making the thumbnail decodes the picture, which finds damaged files."""
    if file.size is not None and file.size > settings.UPLOAD_MAX_BYTES:
        raise UploadRefusedError("too_many_bytes")
    content = cast("BinaryIO", file.file)
    try:
        header = pictures.read_header(content, max_pixels=settings.UPLOAD_MAX_PIXELS)
        picture = pictures.decode(
            content, max_pixels=settings.UPLOAD_MAX_PIXELS, at_least_px=settings.THUMBNAIL_MAX_SIDE_PX
        )
        return header, pictures.thumbnail(picture, max_side_px=settings.THUMBNAIL_MAX_SIDE_PX)
    except pictures.PictureError as error:
        raise UploadRefusedError(error.code) from error
    except MemoryError as error:
        raise UploadRefusedError("no_memory") from error


def delete(*, image: Image) -> None:
    """Delete a picture with everything that belongs to it; its files go once the rows are gone."""
    with transaction.atomic():
        lock_before_deleting(image_id=image.pk)
        image.delete()
