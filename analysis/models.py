"""Queue, progress, timeline and results of the analysis of pictures."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analysis.attempts import Attempt as Attempt
from analysis.heat_map_model import HeatMaps as HeatMaps
from analysis.states import ACTIVE_QUEUE_STATUSES, Priority, QueueStatus, Stage, StepStatus

PERCENT = [MinValueValidator(0), MaxValueValidator(100)]


def is_percent(field: str) -> models.Q:
    return models.Q((f"{field}__gte", 0), (f"{field}__lte", 100))


class AnalysisQueueQuerySet(models.QuerySet["AnalysisQueue"]):
    """Reads of the table `analysis_queue`."""

    def waiting(self) -> "AnalysisQueueQuerySet":
        return self.filter(status=QueueStatus.WAITING)

    def due(self) -> "AnalysisQueueQuerySet":
        """Waiting entries that may be taken now: after a fault of ours `queued_at` lies a little ahead.

        Both sides of the comparison come from the database's clock, whatever the machines' own clocks say.
        """
        return self.waiting().filter(models.Q(retry_count=0) | models.Q(queued_at__lte=Now()))


class AnalysisQueue(models.Model):
    """One picture's entry in the queue; a retry or another model takes the same entry back to waiting."""

    image = models.OneToOneField(
        "images.Image", verbose_name=_("picture"), on_delete=models.CASCADE, related_name="queue"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.CASCADE,
        related_name="queue_entries",
        db_index=False,  # `queue_of_user` begins with it
    )
    position = models.IntegerField(_("position"))
    status = models.CharField(_("status"), max_length=20, choices=QueueStatus.choices, default=QueueStatus.WAITING)
    priority = models.CharField(_("priority"), max_length=10, choices=Priority.choices, default=Priority.NORMAL)
    queued_at = models.DateTimeField(_("queued"), default=timezone.now, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)
    error_message = models.TextField(_("error"), null=True, blank=True)
    retry_count = models.IntegerField(_("retries"), default=0)
    model_name = models.CharField(_("model"), max_length=100, null=True, blank=True)

    objects: ClassVar[models.Manager["AnalysisQueue"]] = AnalysisQueueQuerySet.as_manager()

    class Meta:
        db_table = "analysis_queue"
        verbose_name = _("queue entry")
        verbose_name_plural = _("queue")
        indexes = [
            models.Index(fields=["status", "priority", "position", "id"], name="queue_order"),
            models.Index(fields=["status", "priority", "model_name", "position", "id"], name="queue_by_model"),
            models.Index(fields=["status", "started_at"], name="queue_lease"),
            models.Index(fields=["priority", "started_at"], name="queue_served"),
            models.Index(fields=["user", "status", "priority", "position", "id"], name="queue_of_user"),
            models.Index(fields=["model_name", "status", "-completed_at"], name="queue_durations"),
            models.Index(fields=["status", "-completed_at"], name="queue_finished"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(status=QueueStatus.PROCESSING) | models.Q(started_at__isnull=False),
                name="queue_processing_has_started",
            ),
            models.CheckConstraint(condition=models.Q(retry_count__gte=0), name="queue_retry_count_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.image_id} {self.get_status_display()}"

    @property
    def is_active(self) -> bool:
        """Whether the entry still waits or is being worked on."""
        return self.status in ACTIVE_QUEUE_STATUSES


class RunInHand(models.Model):
    """Which task of which worker took a queue entry last; it counts for as long as the entry is being processed."""

    entry = models.OneToOneField(
        AnalysisQueue, primary_key=True, on_delete=models.CASCADE, related_name="in_hand", db_column="entry_id"
    )
    task_id = models.CharField(max_length=64)
    worker = models.UUIDField()

    class Meta:
        db_table = "analysis_in_hand"

    def __str__(self) -> str:
        return f"{self.entry_id} {self.task_id}"


class WorkerProcess(models.Model):
    """A worker that lives, or lived until a moment ago; see `analysis.heartbeats`."""

    id = models.UUIDField(primary_key=True)
    hostname = models.CharField(max_length=255)
    process = models.CharField(max_length=200)
    code_version = models.CharField(max_length=64, db_default="")
    lane = models.TextField(db_default="")
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "analysis_workers"
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return f"{self.hostname} {self.id}"


class QueuePause(models.Model):
    """A time in which nothing is claimed, by the will of staff; it lasts until it is resumed, also over restarts."""

    paused_at = models.DateTimeField(_("paused"), default=timezone.now)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("paused by")
    )
    resumed_at = models.DateTimeField(_("resumed"), null=True)
    resumed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("resumed by")
    )

    class Meta:
        db_table = "queue_pauses"
        verbose_name = _("pause of the queue")
        verbose_name_plural = _("pauses of the queue")

    def __str__(self) -> str:
        return f"{self.paused_at} to {self.resumed_at}"


class ProgressLog(models.Model):
    """One technical record of a run's progress."""

    image = models.ForeignKey(
        "images.Image",
        verbose_name=_("picture"),
        on_delete=models.CASCADE,
        related_name="progress_logs",
        db_index=False,  # `progress_of_image_newest` begins with it
    )
    progress_percentage = models.DecimalField(_("percent"), max_digits=5, decimal_places=2, validators=PERCENT)
    current_stage = models.CharField(_("stage"), max_length=20, choices=Stage.choices)
    stage_description = models.TextField(_("description"), null=True, blank=True)
    timestamp = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    estimated_completion = models.DateTimeField(_("should end"), null=True, blank=True)

    class Meta:
        db_table = "progress_logs"
        verbose_name = _("progress record")
        verbose_name_plural = _("progress records")
        indexes = [
            models.Index(fields=["image", "-timestamp", "-id"], name="progress_of_image_newest"),
            # What the retention removes, the oldest first; the rows that it keeps do not stand in its way.
            models.Index(
                fields=["timestamp"], condition=~models.Q(current_stage=Stage.COMPLETED), name="progress_to_thin_out"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=is_percent("progress_percentage"), name="progress_percent_range")
        ]

    def __str__(self) -> str:
        return f"{self.image_id} {self.current_stage} {self.progress_percentage} %"


class AnalysisResult(models.Model):
    """One label that one model gave one picture."""

    image = models.ForeignKey(
        "images.Image",
        verbose_name=_("picture"),
        on_delete=models.CASCADE,
        related_name="results",
        db_index=False,  # `results_one_label_a_rank` begins with it
    )
    label = models.CharField(_("label"), max_length=100)
    confidence = models.DecimalField(_("confidence"), max_digits=5, decimal_places=2, validators=PERCENT)
    model_name = models.CharField(_("model"), max_length=50)
    model_version = models.CharField(_("version"), max_length=20)
    rank = models.IntegerField(_("rank"))
    created_at = models.DateTimeField(_("analyzed"), auto_now_add=True)

    class Meta:
        db_table = "analysis_results"
        verbose_name = _("result")
        verbose_name_plural = _("results")
        indexes = [models.Index(fields=["label"], name="results_by_label")]
        constraints = [
            models.UniqueConstraint(
                fields=["image", "model_name", "model_version", "rank"], name="results_one_label_a_rank"
            ),
            models.CheckConstraint(condition=is_percent("confidence"), name="results_confidence_range"),
            models.CheckConstraint(condition=models.Q(rank__gte=1), name="results_rank_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.image_id} {self.rank} {self.label} {self.confidence} %"


class TimelineLog(models.Model):
    """What the timeline of one picture shows: three steps with their words, states, icons and colours.

    Titles and descriptions are message ids of `analysis.wording` in English; pages translate them when they show them.
    """

    image = models.OneToOneField(
        "images.Image", verbose_name=_("picture"), on_delete=models.CASCADE, related_name="timeline"
    )
    upload_started_at = models.DateTimeField(null=True, blank=True)
    upload_completed_at = models.DateTimeField(null=True, blank=True)
    upload_step_title = models.CharField(max_length=100, default="Upload")
    upload_step_description = models.CharField(max_length=200, default="The picture is being received.")
    upload_step_status = models.CharField(_("upload"), max_length=50, default=StepStatus.ACTIVE)
    upload_step_icon = models.CharField(max_length=50, default="cloud-arrow-up")
    upload_step_color = models.CharField(max_length=20, default="primary")
    analysis_step_title = models.CharField(max_length=100, null=True, blank=True)
    analysis_step_description = models.CharField(max_length=200, null=True, blank=True)
    analysis_step_status = models.CharField(_("analysis"), max_length=50, null=True, blank=True)
    analysis_step_icon = models.CharField(max_length=50, default="hourglass-split")
    analysis_step_color = models.CharField(max_length=20, default="secondary")
    analysis_progress_percentage = models.IntegerField(_("percent"), default=0)
    analysis_progress_stage = models.CharField(max_length=50, default="waiting")
    completion_step_title = models.CharField(max_length=100, null=True, blank=True)
    completion_step_description = models.CharField(max_length=200, null=True, blank=True)
    completion_step_status = models.CharField(_("completion"), max_length=50, null=True, blank=True)
    completion_step_icon = models.CharField(max_length=50, default="flag")
    completion_step_color = models.CharField(max_length=20, default="secondary")
    analysis_started_at = models.DateTimeField(null=True, blank=True)
    analysis_completed_at = models.DateTimeField(null=True, blank=True)
    model_used = models.CharField(max_length=50, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        db_table = "timeline_logs"
        verbose_name = _("timeline")
        verbose_name_plural = _("timelines")
        constraints = [
            models.CheckConstraint(condition=is_percent("analysis_progress_percentage"), name="timeline_percent_range")
        ]

    def __str__(self) -> str:
        return f"{self.image_id}"
