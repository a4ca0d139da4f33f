"""The words for states: of a picture, of its queue entry, of a run's stage, and which state may follow which."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ImageStatus(models.TextChoices):
    """What a picture is going through, as its owner sees it."""

    UPLOAD = "upload", _("Uploading")
    UPLOADED = "uploaded", _("Waiting")
    PREPARING = "preparing", _("Preparing")
    ANALYZING = "analyzing", _("Analyzing")
    SUCCESS = "success", _("Done")
    FAILED = "failed", _("Failed")


class QueueStatus(models.TextChoices):
    """Where a queue entry stands."""

    WAITING = "waiting", _("Waiting")
    PROCESSING = "processing", _("Processing")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Priority(models.TextChoices):
    """How urgent an entry is."""

    LOW = "low", pgettext_lazy("priority", "Low")
    NORMAL = "normal", pgettext_lazy("priority", "Normal")
    HIGH = "high", pgettext_lazy("priority", "High")
    URGENT = "urgent", pgettext_lazy("priority", "Urgent")


class Stage(models.TextChoices):
    """The stages of a run that the progress log names."""

    PREPROCESSING = "preprocessing", _("Preparing the picture")
    MODEL_EXECUTION = "model_execution", _("The model is looking")
    POSTPROCESSING = "postprocessing", _("Ranking the labels")
    COMPLETED = "completed", _("Completed")


class StepStatus(models.TextChoices):
    """How a step of the timeline stands."""

    PENDING = "pending", pgettext_lazy("step", "Pending")
    ACTIVE = "active", pgettext_lazy("step", "In progress")
    DONE = "done", pgettext_lazy("step", "Done")
    FAILED = "failed", pgettext_lazy("step", "Failed")
    CANCELLED = "cancelled", pgettext_lazy("step", "Cancelled")


SERVING_ORDER = tuple(reversed(Priority))
ACTIVE_QUEUE_STATUSES = frozenset({QueueStatus.WAITING, QueueStatus.PROCESSING})
TERMINAL_QUEUE_STATUSES = frozenset(QueueStatus) - ACTIVE_QUEUE_STATUSES

QUEUE_TRANSITIONS: dict[str, frozenset[QueueStatus]] = {
    QueueStatus.WAITING: frozenset({QueueStatus.PROCESSING, QueueStatus.CANCELLED}),
    QueueStatus.PROCESSING: frozenset({QueueStatus.WAITING}) | TERMINAL_QUEUE_STATUSES,
    **{status: frozenset({QueueStatus.WAITING}) for status in TERMINAL_QUEUE_STATUSES},
}
