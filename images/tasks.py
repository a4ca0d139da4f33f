"""Celery tasks for pictures beside their analysis."""

from celery import Task, shared_task
from django.conf import settings

from images import my_data, thumbnails


# A message carries this limit: the one of a batch of pictures would end a large export after two minutes.
@shared_task(name=my_data.MAKE_EXPORT, bind=True, time_limit=settings.EXPORT_HARD_LIMIT_SECONDS)
def make_export(self: Task) -> None:
    """Make the export that waits longest, if any; ring again for the next one."""
    if my_data.make_next(task_id=str(self.request.id)) and my_data.is_something_waiting():
        my_data.ring()


@shared_task(name=thumbnails.MAKE)
def make_thumbnail(image_id: int) -> None:
    """Make a lost thumbnail anew; the message says which was missed, the disk whether it still is."""
    thumbnails.make(image_id)
