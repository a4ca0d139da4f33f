"""Every sentence that the timeline stores, and how each step looks in each situation.

Sentences are stored in English without parameters and serve as message ids: pages translate them when they show them,
so one row reads right in every language.
"""

from typing import Any

from django.utils.translation import gettext_noop as _

from analysis.states import Stage, StepStatus
from mlmodels.inference.classifier import Execution

UPLOAD_TITLE = _("Upload")
ANALYSIS_TITLE = _("Analysis")
COMPLETION_TITLE = _("Result")

# The model's defaults, marked here for translation.
RECEIVING = _("The picture is being received.")
LOADING_MODEL = _("Loading the model into memory.")

# What a stage says while it runs, and the percentage at which it starts. Preparing and looking take nearly all of a
# run's time; ranking and storing are over in milliseconds.
STAGES: dict[Stage, tuple[int, str]] = {
    Stage.PREPROCESSING: (10, _("Decoding and scaling the picture.")),
    Stage.MODEL_EXECUTION: (40, _("The model is looking at the picture.")),
    Stage.POSTPROCESSING: (90, _("Ranking and storing the labels.")),
    Stage.COMPLETED: (100, _("The labels are ready.")),
}
CLAIMED = _("A worker has taken the picture.")
CLAIMED_AGAIN = _("A worker has taken the picture again.")
IN_SMALLER_BATCHES = _("The GPU's memory was too small; the model took fewer pictures at once.")
ON_THE_CPU = _("The GPU's memory was too small; the model ran on the CPU.")


def _analysis(
    status: StepStatus, description: str, icon: str, color: str, percentage: int, stage: str
) -> dict[str, Any]:
    return {
        "analysis_step_title": ANALYSIS_TITLE,
        "analysis_step_description": description,
        "analysis_step_status": status,
        "analysis_step_icon": icon,
        "analysis_step_color": color,
        "analysis_progress_percentage": percentage,
        "analysis_progress_stage": stage,
    }


def _completion(status: StepStatus, description: str | None, icon: str, color: str) -> dict[str, Any]:
    return {
        "completion_step_title": COMPLETION_TITLE,
        "completion_step_description": description,
        "completion_step_status": status,
        "completion_step_icon": icon,
        "completion_step_color": color,
    }


NO_RESULT = _("There is no result.")
EARLIER_LABELS = _completion(StepStatus.DONE, _("The labels of an earlier run are still here."), "flag-fill", "success")
NO_RESULT_YET = _completion(StepStatus.PENDING, None, "flag", "secondary")


STORED = _("The picture is stored.")
ANIMATION_STORED = _("The animation is stored. Only its first frame is analyzed.")
# By what a file holds beside its first picture.
ONLY_THE_FIRST = {
    "frames": ANIMATION_STORED,
    "pages": _("The pages are stored. Only the first one is analyzed."),
    "pictures": _("The pictures are stored. Only the first one is analyzed."),
}


def received(*, further: str = "") -> dict[str, Any]:
    """The upload step once the picture is stored; `further` is a key of ONLY_THE_FIRST or empty."""
    return {
        "upload_step_title": UPLOAD_TITLE,
        "upload_step_description": ONLY_THE_FIRST.get(further, STORED),
        "upload_step_status": StepStatus.DONE,
        "upload_step_icon": "cloud-check",
        "upload_step_color": "success",
    }


def waiting(description: str = _("Waiting for a free worker.")) -> dict[str, Any]:
    """A run that stands in the queue."""
    step = _analysis(StepStatus.PENDING, description, "hourglass-split", "secondary", 0, "waiting")
    return step | NO_RESULT_YET


def waiting_again(description: str) -> dict[str, Any]:
    """A run that goes back to the queue because something of ours broke; `description` says what."""
    step = _analysis(StepStatus.PENDING, description, "arrow-repeat", "warning", 0, "waiting")
    return step | NO_RESULT_YET


def running(stage: Stage, description: str, percentage: int) -> dict[str, Any]:
    """A run that a worker has in hand."""
    return _analysis(StepStatus.ACTIVE, description, "cpu", "primary", percentage, stage) | NO_RESULT_YET


def shortage(before: Execution, after: Execution) -> str:
    """What a run says whose model had to make do with less memory than before; empty when it had not."""
    if after.device != before.device:
        return ON_THE_CPU
    return IN_SMALLER_BATCHES if after.largest_batch != before.largest_batch else ""


def completed(sentence: str = "") -> dict[str, Any]:
    """A run whose labels are stored; `sentence` in place of the usual one."""
    percentage, description = STAGES[Stage.COMPLETED]
    answered = sentence or _("The model has answered.")
    step = _analysis(StepStatus.DONE, answered, "check-circle", "success", percentage, Stage.COMPLETED)
    return step | _completion(StepStatus.DONE, description, "flag-fill", "success")


def failed(sentence: str, *, has_results: bool) -> dict[str, Any]:
    """A run that ended without labels; percentage and stage keep showing how far it came."""
    return {
        "analysis_step_title": ANALYSIS_TITLE,
        "analysis_step_description": sentence,
        "analysis_step_status": StepStatus.FAILED,
        "analysis_step_icon": "exclamation-triangle",
        "analysis_step_color": "danger",
    } | (EARLIER_LABELS if has_results else _completion(StepStatus.FAILED, NO_RESULT, "x-circle", "danger"))


def cancelled(*, has_results: bool) -> dict[str, Any]:
    """A run that its owner or staff called off."""
    return {
        "analysis_step_title": ANALYSIS_TITLE,
        "analysis_step_description": _("The analysis was cancelled."),
        "analysis_step_status": StepStatus.CANCELLED,
        "analysis_step_icon": "slash-circle",
        "analysis_step_color": "secondary",
    } | (EARLIER_LABELS if has_results else _completion(StepStatus.CANCELLED, NO_RESULT, "slash-circle", "secondary"))
