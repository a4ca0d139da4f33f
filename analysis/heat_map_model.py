"""The table `heat_maps`; `analysis.heat_maps` is its one writer."""

from django.db import models
from django.db.models.functions import Now

HOTTEST = 255


class HeatMaps(models.Model):
    """Where one model sees its labels on one picture: how far that is worked out, or how it ended.

    `explanation` is what was found: `method`, `seen` (the part of the picture that the model was shown, as fractions),
    `size_px` and `maps`, each with its `label` and `heat` (rows of numbers, up to HOTTEST). `known` is what was found
    out so far, `results_at` when the results were made that are explained. `(id, started_at)` is the token of the
    worker that makes it; `heard_at` moves as long as that worker is at it, `losses` counts those that died of it.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"

    image = models.ForeignKey(
        "images.Image",
        on_delete=models.CASCADE,
        related_name="heat_maps",
        db_index=False,  # `heat_maps_one_a_model` begins with it
    )
    model_name = models.CharField(max_length=50)
    model_version = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    code = models.CharField(max_length=50, blank=True)
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    known = models.JSONField(default=list)
    explanation = models.JSONField(default=dict)
    results_at = models.DateTimeField(null=True)
    losses = models.IntegerField(default=0)
    requested_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    task_id = models.CharField(max_length=64, blank=True)
    worker = models.UUIDField(null=True)

    class Meta:
        db_table = "heat_maps"
        indexes = [models.Index(fields=["state", "requested_at"], name="heat_maps_to_make")]
        constraints = [
            models.UniqueConstraint(fields=["image", "model_name", "model_version"], name="heat_maps_one_a_model")
        ]

    def __str__(self) -> str:
        return f"{self.image_id} {self.model_key} {self.state}"

    @property
    def model_key(self) -> str:
        return f"{self.model_name}:{self.model_version}"

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)
