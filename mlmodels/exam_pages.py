"""How pages show an exam: its steps, its sentence and what was measured."""

from collections.abc import Callable, Iterator
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mlmodels.exam_wording import CONTROLS, STEPS, WHAT_A_STEP_SHOWS, sentence
from mlmodels.inference.exams import exam as engine_exam
from mlmodels.models import MLModel, ModelExam

State = ModelExam.State
Facts = dict[str, Any]


def context(model: MLModel) -> dict[str, Any]:
    """What the template `_exam.html` shows."""
    exam: ModelExam | None = getattr(model, "exam", None)
    return {
        "model": model,
        "exam": exam,
        "exam_state": _state(exam),
        "exam_state_label": State(_state(exam)).label if exam else "",
        "exam_steps": list(_steps(model, exam)) if exam else [],
        "exam_sentence": _sentence(model, exam),
        "exam_report": list(_report(exam)) if exam else [],
        "exam_is_under_way": exam is not None and exam.is_under_way,
    }


def in_a_word(model: MLModel) -> str:
    """For lists: the state, with the percentage of one that runs."""
    exam: ModelExam | None = getattr(model, "exam", None)
    if exam is None:
        return "-" if model.is_added else gettext("not needed")
    if _state(exam) == State.RUNNING:
        return gettext("running: %(percent)d %%") % {"percent": exam.percentage}
    return str(State(_state(exam)).label)


def _state(exam: ModelExam | None) -> str:
    if exam is None:
        return ""
    return State.FAILED if exam.is_lost else exam.state


def _sentence(model: MLModel, exam: ModelExam | None) -> str:
    match _state(exam):
        case State.WAITING:
            return gettext("Waiting for a free worker.")
        case State.RUNNING:
            return str(WHAT_A_STEP_SHOWS.get(exam.step, "")) if exam else ""
        case State.PASSED:
            return _of_passed(model)
        case State.FAILED if exam:
            return sentence("worker_lost" if exam.is_lost else exam.code, exam.details)
    return _of_unexamined(model)


def _of_unexamined(model: MLModel) -> str:
    if model.is_added:
        return gettext(
            "Nobody has asked for an exam of this model yet. Once it has passed, it can be offered to users."
        )
    if not model.has_weights:
        return gettext("Once its weights are here, a worker makes the model ready and measures it in an exam.")
    return gettext(
        "The model comes with the application and needs no exam. One measures it on the worker's machine: its speed, "
        "its memory, and whether it still answers as it should."
    )


def _of_passed(model: MLModel) -> str:
    if model.is_active:
        return gettext("The model has passed and is offered to users.")
    return gettext("The model has passed. To offer it to users, tick the box below and save.")


def _steps(model: MLModel, exam: ModelExam) -> Iterator[dict[str, str]]:
    names = [name for name in engine_exam.STEPS if name != "convert" or _is_converted_in(model, exam)]
    reached = names.index(exam.step) if exam.step in names else -1
    for place, name in enumerate(names):
        state = "done" if place < reached or exam.state == State.PASSED else "pending"
        if place == reached and exam.state != State.PASSED:
            state = "failed" if _state(exam) == State.FAILED else "active"
        yield {"name": str(STEPS[name]), "description": str(WHAT_A_STEP_SHOWS[name]), "state": state}


def _is_converted_in(model: MLModel, exam: ModelExam) -> bool:
    """Whether this exam has a checkpoint of torch to convert, or had."""
    is_to_convert = model.is_added and model.added.file != "" and not model.added.is_converted
    return is_to_convert or "convert" in exam.facts.get("steps", ())


def _report(exam: ModelExam) -> Iterator[tuple[str, str]]:
    """Rows of the table: what was measured, in words, as far as the exam came."""
    if exam.ended_at is None:
        return
    for label, names, shown in ROWS:
        values = [exam.facts.get(name) for name in names]
        if None not in values:
            yield str(label), shown(*values)
    yield gettext("When"), date_format(localtime(exam.ended_at), "DATETIME_FORMAT")
    if exam.started_at:
        yield gettext("Took"), _seconds((exam.ended_at - exam.started_at).total_seconds())
    if exam.machine:
        yield gettext("Machine"), exam.machine


def _rounded(number: float, places: int) -> str:
    return number_format(round(number, places), places)  # which by itself cuts off


def _count(number: int) -> str:
    return number_format(number, use_l10n=True, force_grouping=True)


def _seconds(seconds: float) -> str:
    return gettext("%(seconds)s s") % {"seconds": _rounded(seconds, 1 if seconds < 100 else 0)}


def _milliseconds(ms: float) -> str:
    return f"{_rounded(ms, 1)} ms"


def _per_second(rate: float, batch_size: int) -> str:
    return gettext("%(rate)s, %(batch)d at a time") % {"rate": _rounded(rate, 1), "batch": batch_size}


def _runs_as(runtime: str, precision: str, device: str) -> str:
    return f"{runtime}, {precision}, {device}"


def _agreement(same_best: float, golden_pictures: int) -> str:
    return gettext("%(percent)s %% of %(count)d golden pictures get the label that torch gives them") % {
        "percent": _rounded(100 * same_best, 0),
        "count": golden_pictures,
    }


def _controls(names: list[str]) -> str:
    return " · ".join(str(CONTROLS.get(name, name)) for name in names)


ROWS: list[tuple[Any, tuple[str, ...], Callable[..., str]]] = [
    (_("Classes"), ("classes",), _count),
    (_("Parameters"), ("parameters",), _count),
    (_("Weights"), ("weights_bytes",), filesizeformat),
    (_("Load time"), ("load_seconds",), _seconds),
    (_("Time for one picture"), ("latency_ms",), _milliseconds),
    (_("Pictures a second"), ("pictures_per_second", "batch_size"), _per_second),
    (_("Memory at most"), ("peak_memory_bytes",), filesizeformat),
    (_("Runs in"), ("runtime", "precision", "device"), _runs_as),
    (_("Agreement"), ("same_best", "golden_pictures"), _agreement),
    (_("Sandbox, as tried from inside"), ("controls",), _controls),
]
