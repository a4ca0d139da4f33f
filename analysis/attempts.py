"""What is known of attempts at runs beyond what the screen's timeline holds: how they ended, how the model was run."""

from django.db import models


class Attempt(models.Model):
    """One attempt of a worker at a run.

    Those with a `code` were interrupted by that fault of ours; they belong to the picture's latest run. The others
    answered: one for each model and picture, the one whose labels are shown. `facts` of those say how it was run and
    how long its stages took; docs/models.md has their names.
    """

    image = models.ForeignKey("images.Image", on_delete=models.CASCADE, related_name="attempts")
    model_key = models.CharField(max_length=71)
    number = models.IntegerField()
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    code = models.CharField(max_length=50, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        db_table = "analysis_attempts"
        constraints = [
            models.UniqueConstraint(
                fields=["image", "model_key"], condition=models.Q(code=""), name="attempts_one_answer_a_model"
            )
        ]

    def __str__(self) -> str:
        return f"{self.image_id} {self.model_key} {self.number}"
