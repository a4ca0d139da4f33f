"""Every sentence about checkpoints and exams, by code: what is wrong and what to do."""

from collections.abc import Mapping
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

STEPS = {
    "convert": _("Convert"),
    "fit": _("Fit"),
    "load": _("Load"),
    "answer": _("Answer"),
    "repeat": _("Repeat"),
    "agree": _("Agree"),
    "measure": _("Measure"),
}
WHAT_A_STEP_SHOWS = {
    "convert": _("The checkpoint is read as data only and written as safetensors."),
    "fit": _("Names, shapes and classes are those of the architecture and of the labels."),
    "load": _("The weights are finite and the model gets ready to run."),
    "answer": _("It answers the golden pictures with finite numbers."),
    "repeat": _("It gives the same answer twice."),
    "agree": _("The quickest runtime that says what torch says is chosen."),
    "measure": _("Its speed and its memory on this machine are measured."),
}
SENTENCES = {
    "too_many_bytes": _("The file is larger than %(limit_bytes)s. Take a smaller one or raise MODEL_UPLOAD_MAX_BYTES."),
    "no_room": _("The server's disk has no room for this file. Make room and upload it again."),
    "not_stored": _("The file could not be stored on the server. Look into its log and try again."),
    "not_a_checkpoint": _("This is neither safetensors nor a state dict saved by torch. Save the model's state dict."),
    "damaged": _("The file is damaged or cut off. Export it and upload it again."),
    "holds_code": _(
        "The file asks for “%(name)s”, which is more than tensors and could run as a program. Save only the state "
        "dict, or safetensors."
    ),
    "legacy_format": _("The file is in torch's format from before version 1.6. Save it with a newer torch."),
    "too_many_tensors": _("The file holds more than %(limit)s tensors. Check that it is the right one."),
    "empty": _("The file holds no tensors. Check that it is the right one."),
    "too_large": _(
        "The model needs %(needed_bytes)s of memory, but an exam may use %(limit_bytes)s. Take a smaller one, or "
        "raise MODEL_EXAM_MEMORY_BYTES."
    ),
    "too_large_after_all": _(
        "The model ran out of the %(limit_bytes)s of memory that an exam may use. Take a smaller one, or raise "
        "MODEL_EXAM_MEMORY_BYTES."
    ),
    "unknown_architecture": _("This architecture is not on the list. Choose one that the field offers."),
    "other_parameters": _(
        "The checkpoint is not one of this architecture: %(missing)s parameters are missing, %(unknown)s unknown and "
        "%(misshapen)s of another shape, such as %(example)s. Add it again with the architecture that it is for."
    ),
    "other_classes": _(
        "The checkpoint has %(classes)s classes, but %(labels)s labels were given. Add it again with one label for "
        "each class."
    ),
    "not_finite": _("The model's numbers are not all finite (in its %(where)s). Train or export it again."),
    "unsteady": _("The model answers the same picture differently each time. Export it in evaluation mode."),
    "too_slow": _(
        "The exam took longer than %(limit_seconds)s seconds. Take a smaller model, or raise MODEL_EXAM_SECONDS."
    ),
    "died": _("The model's process ended unexpectedly. It may need more memory than there is: try again later."),
    "worker_lost": _("The worker stopped during the exam. Take the exam again."),
    "internal_error": _("Something went wrong on our side. Look into the worker's log and take the exam again."),
    "file_missing": _("The checkpoint is missing on the storage. Delete the model and add it again."),
    "weights_missing": _("The weights are missing on the worker's machine. Fetch them, then take the exam again."),
    "weights_damaged": _("The weights are damaged. Fetch them again, then take the exam again."),
    "unknown_model": _("This model is not in the catalogue, so nothing is known to run for it. Delete it."),
}
CONTROLS = {
    "no network": _("no network"),
    "no new programs": _("no new programs"),
    "no writing": _("no writing"),
    "not root": _("not root"),
    "memory limit": _("memory limit"),
    "time limit": _("time limit"),
}
PARTS = {"weights": _("weights"), "answers": _("answers")}


def sentence(code: str, details: Mapping[str, Any]) -> str:
    """The sentence for a code in the active language; what is not known stays a question mark."""
    if code == "too_large" and "needed_bytes" not in details:
        code = "too_large_after_all"
    shown = _Shown({name: _as_words(name, value) for name, value in details.items()})
    return str(SENTENCES.get(code, SENTENCES["internal_error"])) % shown


class _Shown(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "?"


def _as_words(name: str, value: Any) -> str:
    if name.endswith("_bytes"):
        return filesizeformat(value)
    return str(PARTS.get(value, value)) if name == "where" else str(value)
