"""The pictures that people upload."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Lower, Now
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import clock
from accounts.models import User
from analysis.fencing import lock_entries
from analysis.states import ImageStatus, QueueStatus
from images.stored_files import delete_files
from mlmodels.models import MLModel


class ImageQuerySet(models.QuerySet["Image"]):
    """Reads of the table `images`."""

    def visible_to(self, user: User) -> "ImageQuerySet":
        """The pictures that this person may see: their own, nobody else's, and none that they have deleted."""
        return self.filter(user=user, deletion=None)


class Image(models.Model):
    """One uploaded picture: where its bytes lie and how its analysis stands."""

    filename = models.CharField(_("file name"), max_length=255)
    file_path = models.CharField(_("stored as"), max_length=500)
    thumbnail_path = models.CharField(_("thumbnail"), max_length=500, null=True, blank=True)
    upload_date = models.DateTimeField(_("uploaded"), default=timezone.now, editable=False)
    status = models.CharField(_("status"), max_length=20, choices=ImageStatus.choices, default=ImageStatus.UPLOAD)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.CASCADE,
        related_name="images",
        db_index=False,  # the indexes below begin with it
    )
    model_used = models.ForeignKey(
        MLModel,
        verbose_name=_("model"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="images",
    )
    error_log = models.TextField(_("error log"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["Image"]] = ImageQuerySet.as_manager()

    keeps_metadata = False  # of an upload: it was asked to be stored without, and cannot be

    class Meta:
        db_table = "images"
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        indexes = [
            models.Index(fields=["user", "-upload_date", "-id"], name="images_of_user_newest"),
            models.Index(fields=["user", "status", "-upload_date", "-id"], name="images_of_user_status_newest"),
            models.Index(fields=["user", "model_used", "-upload_date", "-id"], name="images_of_user_model_newest"),
            models.Index("user", Lower("filename"), "id", name="images_of_user_by_name"),
        ]

    def __str__(self) -> str:
        return self.filename

    def get_absolute_url(self) -> str:
        return reverse("images:detail", args=[self.pk])

    @property
    def is_unfinished(self) -> bool:
        """Whether the picture waits or is being worked on; reads its queue entry."""
        return self.queue.is_active

    @property
    def display_status(self) -> str:
        """The status for the screen: `uploaded` means waiting, unless the run was cancelled."""
        cancelled = self.status == ImageStatus.UPLOADED and self.queue.status == QueueStatus.CANCELLED
        return QueueStatus.CANCELLED if cancelled else self.status

    @property
    def display_status_label(self) -> str:
        """`display_status` in words of the active language."""
        is_cancelled = self.display_status == QueueStatus.CANCELLED
        return str(QueueStatus.CANCELLED.label if is_cancelled else ImageStatus(self.status).label)


class FileInDoubt(models.Model):
    """A stored file that belongs to no picture, or to none yet; see `images.litter`."""

    path = models.CharField(max_length=500, unique=True)
    noted_at = models.DateTimeField(db_default=Now())
    is_doomed = models.BooleanField(default=False)

    class Meta:
        db_table = "images_files_in_doubt"

    def __str__(self) -> str:
        return self.path


class DataExport(models.Model):
    """A person's data as one file: how far it is made, or how that ended; see `images.my_data`.

    `(id, started_at)` is the token of the worker that makes it. `heard_at` moves as long as that worker is at it.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"

    LOST_AFTER = timedelta(seconds=60)

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="data_export")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    done_pictures = models.IntegerField(default=0)
    total_pictures = models.IntegerField(default=0)
    code = models.CharField(max_length=50, blank=True)
    file = models.CharField(max_length=500, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    requested_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    task_id = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "images_data_exports"

    def __str__(self) -> str:
        return f"{self.user_id} {self.state}"

    @property
    def is_lost(self) -> bool:
        """Whether its worker has been silent for too long."""
        return self.state == self.State.RUNNING and (self.heard_at or self.requested_at) < clock.now() - self.LOST_AFTER

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING) and not self.is_lost

    @property
    def goes_at(self) -> datetime | None:
        """When a finished one is removed."""
        return self.ended_at and self.ended_at + timedelta(hours=settings.EXPORT_RETENTION_HOURS)


class Deletion(models.Model):
    """A picture that its owner has deleted and may take back for a while; see `images.deletion`."""

    image = models.OneToOneField(Image, on_delete=models.CASCADE, primary_key=True, related_name="deletion")
    key = models.UUIDField(db_index=True)  # the same for all that went together
    deleted_at = models.DateTimeField(db_default=Now(), db_index=True)
    was_active = models.BooleanField()  # it waited or ran, and does so again when it is taken back

    class Meta:
        db_table = "images_deleted"

    def __str__(self) -> str:
        return f"deletion of picture {self.pk}"


class PastUpload(models.Model):
    """An upload of the last day whose picture is gone; it still counts where uploads a day are limited."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    uploaded_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "images_past_uploads"
        indexes = [models.Index(fields=["user", "uploaded_at"], name="past_uploads_of_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.uploaded_at}"


@receiver(post_delete, sender=Image)
def remove_files_with_row(instance: Image, **_kwargs: Any) -> None:
    """Files go with their row. A signal, because a picture that goes with its owner's account passes no other place."""
    doom_files([name for name in (instance.file_path, instance.thumbnail_path) if name])


@receiver(post_delete, sender=DataExport)
def remove_export_with_row(instance: DataExport, **_kwargs: Any) -> None:
    doom_files([instance.file] if instance.file else [])


def doom_files(names: Sequence[str]) -> None:
    """Have stored files removed once the running transaction is committed."""
    FileInDoubt.objects.bulk_create(
        [FileInDoubt(path=name, is_doomed=True) for name in names],
        update_conflicts=True,
        unique_fields=["path"],
        update_fields=["is_doomed"],
    )
    transaction.on_commit(partial(remove_files, names), robust=True)


def remove_files(names: Sequence[str]) -> None:
    """Remove stored files, then the notes about them; of what cannot be removed now a later sweep is to know."""
    left = delete_files(names)
    FileInDoubt.objects.filter(path__in=set(names) - left).delete()
    if left:
        FileInDoubt.objects.filter(path__in=left).update(noted_at=Now())


@receiver(pre_delete, sender=User)
def lock_entries_before_cascade(instance: User, **_kwargs: Any) -> None:
    """The cascade locks rows in an order of its own, which a worker's could cross."""
    lock_entries(user_id=instance.pk)


class Original(models.Model):
    """What is known of a stored original beside its picture: how much room it takes, whether it tells a place.

    `sha256` is that of the file as it was sent, also where less of it is stored; null of what was stored before it was
    taken.
    """

    image = models.OneToOneField(Image, on_delete=models.CASCADE, primary_key=True, related_name="original")
    stored_bytes = models.BigIntegerField()  # with the thumbnail
    has_location = models.BooleanField(default=False)
    sha256 = models.CharField(max_length=64, null=True)

    class Meta:
        db_table = "images_originals"
        indexes = [models.Index(fields=["sha256"], name="originals_by_sha256")]

    def __str__(self) -> str:
        return f"original of picture {self.pk}"


class TakenUpload(models.Model):
    """Which upload of a person a picture came from, by the number that its sender gave it; see `images.resending`."""

    image = models.OneToOneField(Image, on_delete=models.CASCADE, primary_key=True, related_name="taken_upload")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    upload_id = models.UUIDField()

    class Meta:
        db_table = "images_taken_uploads"
        constraints = [models.UniqueConstraint(fields=["user", "upload_id"], name="taken_uploads_once_a_person")]

    def __str__(self) -> str:
        return str(self.upload_id)
