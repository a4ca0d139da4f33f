"""Writes about pictures: take one in, delete one."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from analysis import failpoints
from analysis import services as analysis
from analysis.fencing import lock_entries
from analysis.states import Priority
from images import decoding, filenames, limits, litter, twins
from images.models import Image, Original, TakenUpload
from images.refusals import UploadRefusedError
from mlmodels.inference.decoding.look import Look
from mlmodels.models import MLModel

logger = logging.getLogger(__name__)


def take_in(
    *,
    user: User,
    file: File,
    model: MLModel,
    priority: Priority,
    upload_started_at: datetime | None = None,
    strips_metadata: bool = False,
    upload_id: uuid.UUID | None = None,
) -> Image:
    """Check, store and queue one uploaded file, on request without what it tells beside its picture.

    The bytes are on the storage before the rows exist; should the rows fail, the bytes go again. Raises
    `UploadRefusedError` with nothing left behind, IntegrityError when this person's `upload_id` was taken meanwhile.
    """
    started_at = upload_started_at or timezone.now()
    limits.check(user, file.size)
    look = _inspect(file, user=user, strips_metadata=strips_metadata)
    sha256 = twins.sha256_of(file)
    folder = uuid.uuid4()
    original, preview = f"{folder}/original.{look.header.extension}", f"{folder}/thumbnail.jpg"
    litter.announce([original, preview])
    with ExitStack() as undo:
        undo.callback(litter.drop_unless_adopted, [original, preview])
        stored_bytes = _store(file, look, original, preview)
        failpoints.hit("after_file_stored")
        with _refused_when_the_person_has_left(user), transaction.atomic():
            limits.check_for_good(user, stored_bytes)
            litter.adopt([original, preview])
            filename = filenames.displayable(file.name or "")
            image = Image.objects.create(user=user, filename=filename, file_path=original, thumbnail_path=preview)
            Original.objects.create(
                image=image, stored_bytes=stored_bytes, has_location=look.has_location, sha256=sha256
            )
            if upload_id:
                TakenUpload.objects.create(image=image, user=user, upload_id=upload_id)
            analysis.enqueue(
                image=image,
                user_id=user.pk,
                model=model,
                priority=priority,
                upload_started_at=started_at,
                further=look.header.further,
            )
            failpoints.hit("before_upload_commit")
        undo.pop_all()
    logger.info("took in picture %d", image.pk)
    failpoints.hit("before_answer")
    image.keeps_metadata = look.keeps_metadata
    return image


@contextmanager
def _refused_when_the_person_has_left(user: User) -> Iterator[None]:
    """The account was deleted since the upload began: the rows belong to nobody, which a commit finds out."""
    try:
        yield
    except IntegrityError as error:
        if User.objects.filter(pk=user.pk).exists():
            raise
        raise UploadRefusedError("not_stored") from error


def _store(file: File, look: Look, original: str, preview: str) -> int:
    """Returns how many bytes were stored."""
    try:
        with decoding.as_to_be_stored(file, look.pieces) as content:
            default_storage.save(original, content)
            default_storage.save(preview, ContentFile(look.thumbnail))
            return content.size + len(look.thumbnail)
    except OSError as error:  # the disk is full, or the folder may not be written to
        logger.exception("an upload could not be stored")
        raise UploadRefusedError("not_stored") from error


def _inspect(file: File, *, user: User, strips_metadata: bool) -> Look:
    """What a decoder, a process of its own, says about the file; it decodes all of it, which finds damaged ones."""
    if file.size > settings.UPLOAD_MAX_BYTES:
        raise UploadRefusedError("too_many_bytes")
    return decoding.look(file, user_id=user.pk, strips_metadata=strips_metadata)


def delete(*, image: Image) -> None:
    """Delete a picture with everything that belongs to it; its files go once the rows are gone."""
    with transaction.atomic():
        lock_entries(image_ids=[image.pk])
        limits.remember_uploads([image.pk])
        image.delete()
