"""Exams of models: asked for by staff, taken by one worker each, recorded as they go on.

    waiting ── claim ──> running ──> passed | failed        every one of them but `running` may be asked for again

Nobody but this module writes the table. A worker owns what its conditional update turned from `waiting` to `running`;
each later write is guarded by the moment of that claim, so that one who lost the exam writes nothing.
"""

import logging
import platform
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from celery import current_app
from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from mlmodels import added_specs, model_files
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec, StoredWeights
from mlmodels.inference.errors import EngineError, ExamFailedError, WeightsMissingError
from mlmodels.inference.exams import exam
from mlmodels.inference.exams.exam import Report
from mlmodels.models import FIRST_LOAD, AddedModel, MLModel, ModelExam, lost_before
from mlmodels.registry import options

TAKE_EXAM = "mlmodels.take_exam"
WORKER_LOST = "worker_lost"

State = ModelExam.State

logger = logging.getLogger(__name__)


@transaction.atomic
def request(model: MLModel, *, is_first_load: bool = False) -> bool:
    """Have a worker take the model's exam, once this is committed; False while one is being taken.

    The latest result holds until the new one is there. On the `is_first_load` of new weights the model waits, so that
    no run has to do what takes minutes.
    """
    ModelExam.objects.get_or_create(model=model)
    taken = ModelExam.objects.filter(model=model).exclude(state=State.RUNNING, started_at__gte=lost_before())
    asked = taken.update(
        state=State.WAITING,
        step="",
        percentage=0,
        code="",
        details={FIRST_LOAD: True} if is_first_load else {},
        facts={},
        requested_at=timezone.now(),
        started_at=None,
        ended_at=None,
    )
    if asked:
        transaction.on_commit(partial(ring, model.pk))
    return bool(asked)


def prepare(key: str) -> bool:
    """Have a worker load the weights of `name:version` that have come, unless these have passed an exam already."""
    model = MLModel.objects.with_condition().filter(added=None).by_key(key)
    if model is None or not model.has_weights:
        return False
    if model.has_passed and model.exam.facts.get("weights_sha256") == weights_sha256(key):
        return False
    return request(model, is_first_load=True)


def prepare_what_was_copied() -> int:
    """The same for downloaded models whose weights lie here though no exam was ever taken: somebody copied the files.

    Returns how many; one query if none.
    """
    downloaded = [key for key, spec in catalogue.MODELS.items() if isinstance(spec.weights, StoredWeights)]
    never_examined = MLModel.objects.with_condition().filter(added=None, exam=None)
    return sum(prepare(model.key) for model in never_examined if model.key in downloaded and model.has_weights)


def weights_sha256(key: str) -> str:
    """What is written down beside the weights of a model of the catalogue, or known of them; they are not read."""
    spec = catalogue.find(key)
    return spec.weights.expected_sha256(_weights_of(spec))


def ring(model_id: int) -> None:
    """Tell the workers. Should the broker not answer, the exam waits until a worker looks by itself."""
    try:
        current_app.send_task(TAKE_EXAM, [model_id])
    except OperationalError as error:
        logger.warning("nobody was told of an exam: %s", error)


def ring_for_all_waiting() -> None:
    """For exams that no message announces (any more)."""
    for model_id in ModelExam.objects.filter(state=State.WAITING).values_list("model_id", flat=True):
        ring(model_id)


def take(model_id: int, *, task_id: str) -> None:
    """Take the model's exam if it waits; minutes. Does nothing when somebody else has claimed it."""
    started_at = timezone.now()
    claimed = ModelExam.objects.filter(model_id=model_id, state=State.WAITING).update(
        state=State.RUNNING, started_at=started_at, machine=platform.node(), task_id=task_id
    )
    if claimed:
        taking = _Taking(MLModel.objects.get(pk=model_id), started_at)
        taking.end(taking.report())


def lose(task_id: str, code: str) -> int:
    """The task ended without a result: the exam that it was taking is over. Returns whether it was taking one.

    An earlier result holds: nothing was found out about the model.
    """
    return _fail(ModelExam.objects.filter(task_id=task_id, state=State.RUNNING), code)


def give_up_lost() -> int:
    """Exams whose worker has been silent for longer than one can take have failed; how many."""
    return _fail(ModelExam.objects.filter(state=State.RUNNING, started_at__lt=lost_before()), WORKER_LOST)


def _fail(exams: QuerySet[ModelExam], code: str) -> int:
    return exams.update(state=State.FAILED, code=code, details={}, ended_at=timezone.now())


class _Taking:
    """One exam in the hands of the worker that claimed it at `started_at`."""

    def __init__(self, model: MLModel, started_at: datetime) -> None:
        self.model = model
        self.steps: list[str] = []
        self.held = ModelExam.objects.filter(model=model, state=State.RUNNING, started_at=started_at)

    def report(self) -> Report:
        """What came out; the checkpoint of a model that passed is stored as safetensors."""
        settings.WEIGHTS_DIR.mkdir(parents=True, exist_ok=True)
        # On the disk of the weights, so that a checkpoint need not be copied.
        with TemporaryDirectory(prefix="exam-", dir=settings.WEIGHTS_DIR) as folder:
            try:
                return self._examine(Path(folder))
            except EngineError as error:
                return Report(passed=False, code=error.code)

    def _examine(self, folder: Path) -> Report:
        added = AddedModel.objects.by_key(self.model.key)
        spec = added_specs.spec_of(added) if added else catalogue.find(self.model.key)
        is_to_convert = added is not None and added.file != "" and not added.is_converted
        converted = folder / "converted.safetensors"
        self.show("convert" if is_to_convert else "fit", 1)
        report = exam.examine(
            spec,
            _fetched(added, folder) if added and added.file else _weights_of(spec),
            safetensors=converted if is_to_convert else None,
            cache_dir=settings.CONVERTED_DIR,
            options=options(),
            memory_limit_bytes=settings.MODEL_EXAM_MEMORY_BYTES,
            time_limit_seconds=settings.MODEL_EXAM_SECONDS,
            on_progress=self.show,
        )
        if added and is_to_convert and report.passed:
            _keep_converted(added, converted)
        return report

    def show(self, step: str, percentage: int) -> None:
        if step not in self.steps:
            self.steps.append(step)
        self.held.update(step=step, percentage=percentage)

    @transaction.atomic
    def end(self, report: Report) -> None:
        """Record the result, unless the exam was given up meanwhile; a model of staff that failed is switched off."""
        now = timezone.now()
        ended = self.held.update(
            state=State.PASSED if report.passed else State.FAILED,
            code=report.code,
            details=report.values,
            facts={**report.facts, "steps": self.steps},
            passed_at=now if report.passed else None,
            ended_at=now,
        )
        if ended and not report.passed:
            MLModel.objects.filter(pk=self.model.pk, added__isnull=False).update(is_active=False)
        logger.info("exam of %s: %s", self.model.key, report.code or "passed")


def _fetched(added: AddedModel, folder: Path) -> Path:
    path = folder / f"checkpoint{Path(added.file).suffix}"
    try:
        model_files.fetch_to(added.file, path)
    except FileNotFoundError as error:
        raise ExamFailedError("file_missing") from error
    return path


def _weights_of(spec: ModelSpec) -> Path:
    path = catalogue.weights_path(spec, settings.WEIGHTS_DIR)
    if path is None:
        raise WeightsMissingError(spec.key)
    return path


def _keep_converted(added: AddedModel, converted: Path) -> None:
    """The safetensors take the place of the uploaded checkpoint, which goes."""
    with converted.open("rb") as file:
        sha256 = model_files.sha256_of(File(file))
    name = model_files.save_converted(converted, version=added.model.version, sha256=sha256)
    size_bytes = converted.stat().st_size
    kept = AddedModel.objects.filter(pk=added.pk, file=added.file).update(
        file=name, sha256=sha256, size_bytes=size_bytes
    )
    # A model that was deleted meanwhile leaves nothing behind.
    model_files.delete_stored(added.file if kept else name)
