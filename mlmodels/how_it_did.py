"""What people are told of a model before they choose it: how its exam went, and why it is not ready."""

from django.utils.translation import gettext as _

from mlmodels.models import MLModel


def in_its_exam(model: MLModel) -> str:
    """One sentence about the latest exam; staff read the whole report in the admin. No query."""
    if model.has_passed:
        return _passed(model.exam.facts)
    if not hasattr(model, "exam"):
        return _("No exam taken yet") if model.is_added else _("Comes with the application, needs no exam")
    return _("Its exam is under way") if model.exam.is_under_way else _("Did not pass its exam")


def _passed(facts: dict[str, float]) -> str:
    golden, same_best = facts.get("golden_pictures"), facts.get("same_best")
    if not golden or same_best is None:
        return _("Exam passed")
    return _("Exam passed: %(same)d of %(golden)d test pictures get the reference's label") % {
        "same": round(golden * same_best),
        "golden": golden,
    }


def milliseconds_in_its_exam(model: MLModel) -> float | None:
    """What one picture took, the network alone; None before it was measured."""
    return model.exam.facts.get("latency_ms") if model.has_passed else None


def why_not_ready(model: MLModel) -> str:
    """What keeps a model from being offered; empty when nothing does."""
    if not model.may_be_offered:
        return _("It has to pass its exam first.")
    if not model.has_weights:
        return _("Its weights are not on this machine yet.")
    return _("It is being made ready. This takes a moment.") if model.is_being_prepared else ""


def command_for_weights(model: MLModel) -> str:
    """What brings missing weights; empty when none are missing."""
    return "" if model.has_weights else f"python manage.py fetch_weights {model.weights_key}"
