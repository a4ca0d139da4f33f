"""Which model runs when nobody names one: the one that staff chose, else the one that the setting names."""

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from mlmodels.models import DefaultModel, MLModel


def key() -> str:
    """`name:version`; one query."""
    chosen = DefaultModel.objects.select_related("model").first()
    return chosen.model.key if chosen else settings.DEFAULT_MODEL


def choose(model: MLModel, *, by: User) -> None:
    """Make this the default model. It is used once it is ready, and for as long as it is offered."""
    values = {"model": model, "chosen_by": by, "chosen_at": timezone.now()}
    DefaultModel.objects.update_or_create(pk=DefaultModel.ONLY, defaults=values)
