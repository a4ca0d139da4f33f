"""Thumbnails that were lost from the storage: whoever misses one tells the workers, and one of them makes it anew.

Nothing is decoded in a web process, and nothing waits there: until the thumbnail is back, pages show its place.
"""

import logging
from typing import BinaryIO, cast

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from analysis.pictures import is_gone, is_missing
from images import litter
from images.models import Image, remove_files
from images.refusals import UploadRefusedError
from mlmodels.inference import pictures
from mlmodels.inference.pictures import PictureError

MAKE = "images.make_thumbnail"
ASKED_SECONDS = 60  # a message that was lost silences the next one no longer than this

logger = logging.getLogger(__name__)


def is_there(image: Image) -> bool:
    """Whether it can be shown; one that is lost is asked for, unless the original is lost, too.

    A bucket is not asked: what it lacks is noticed when it is fetched.
    """
    if not image.thumbnail_path:
        return False
    is_lost = is_gone(image.thumbnail_path)
    if is_lost and not is_gone(image.file_path):
        ask_for(image.pk)
    return not is_lost


def ask_for(image_id: int) -> None:
    """Tell the workers, once however many look; should broker or cache not answer, the next look tells them."""
    try:
        if cache.add(f"thumbnail:{image_id}", True, timeout=ASKED_SECONDS):
            current_app.send_task(MAKE, [image_id])
    except (OperationalError, RedisError) as error:
        logger.warning("nobody was told of a lost thumbnail: %s", error)


def make(image_id: int) -> None:
    """Make it from the original, if it is lost and the picture is not deleted; at most one worker does."""
    image = Image.objects.filter(pk=image_id, deletion=None).first()
    if image is None or not image.thumbnail_path:
        return
    try:
        if not is_missing(image.thumbnail_path):
            return
        content = _made_from(image.file_path)
    except (PictureError, OSError) as error:
        logger.warning("the thumbnail of picture %d cannot be made anew: %r", image_id, error)
        return
    _store(image.thumbnail_path, content)


def _made_from(original: str) -> bytes:
    side_px = settings.THUMBNAIL_MAX_SIDE_PX
    with default_storage.open(original) as stored:
        file = cast("BinaryIO", stored.file)
        picture = pictures.decode(file, max_pixels=settings.UPLOAD_MAX_PIXELS, at_least_px=side_px)
    return pictures.thumbnail(picture, max_side_px=side_px)


def _store(name: str, content: bytes) -> None:
    """As an upload does: noted before, so that it goes again should this process die or the picture be deleted."""
    try:
        litter.announce([name])
    except IntegrityError:  # another worker is at it, or the picture's deletion
        return
    try:
        default_storage.delete(name)  # a link that somebody put in its place
        default_storage.save(name, ContentFile(content))
        litter.adopt([name])
    except (UploadRefusedError, OSError) as error:
        remove_files([name])
        logger.warning("a thumbnail could not be stored anew: %r", error)
