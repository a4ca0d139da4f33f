"""Takes an exam: loads the model, has it answer golden pictures and measures it; imports torch, runs in the sandbox."""

import hashlib
import resource
import statistics
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import cast

import numpy as np
from numpy.typing import NDArray

from mlmodels.inference import loading, networks
from mlmodels.inference.agreement import compare
from mlmodels.inference.checkpoints import fitting, safetensors_header, state_dicts
from mlmodels.inference.checkpoints.fitting import Form
from mlmodels.inference.classifier import Classifier, ImageClassifier, percents
from mlmodels.inference.errors import CheckpointError, ExamFailedError, MisfitError, WeightsDamagedError
from mlmodels.inference.exams.exam_messages import Request, Telling
from mlmodels.inference.golden_pictures import golden_pictures
from mlmodels.inference.torch_classifier import TorchClassifier
from mlmodels.inference.weights import CheckedWeights

_PICTURES = 20
_BATCH = 16
# A measurement ends when it has taken so long, but not before so many runs.
_SECONDS = 1.0
_FEWEST_RUNS = 3
# Sums of a thousand exponentials; two runs of one network in other orders of summation differ by less.
_PERCENT_TOLERANCE = 0.01

Inputs = Sequence[NDArray[np.float32]]
Logits = NDArray[np.float32]


def take(request: Request, telling: Telling) -> None:
    """Tell the steps, the facts and at last whether the model passed. What nobody foresaw is raised."""
    try:
        _take(request, telling)
    except (CheckpointError, MisfitError, ExamFailedError) as error:
        telling.failed(error.code, error.values)
    except WeightsDamagedError as error:
        _tell_damage(error, request, telling)
    except (MemoryError, RuntimeError) as error:
        if not state_dicts.is_shortage(error):
            raise
        telling.failed("too_large", {"limit_bytes": request.limits.memory_bytes})
    else:
        telling.passed()


def _tell_damage(error: WeightsDamagedError, request: Request, telling: Telling) -> None:
    if isinstance(error.__cause__, MisfitError):
        telling.failed(error.__cause__.code, error.__cause__.values)
    elif state_dicts.is_shortage(error.__cause__):
        telling.failed("too_large", {"limit_bytes": request.limits.memory_bytes})
    else:
        telling.failed(error.code, {"detail": str(error)[:200]})


def _take(request: Request, telling: Telling) -> None:
    weights = _fitting_weights(request, telling)
    inputs, reference = _answers(request, weights, telling)
    telling.step("agree")
    classifier = _chosen(request, weights, telling)
    agreement = compare(_logits(classifier, inputs), reference)
    telling.facts(same_best=agreement.same_best, golden_pictures=len(inputs))
    telling.step("measure")
    _measure(classifier, inputs, telling)


def _fitting_weights(request: Request, telling: Telling) -> CheckedWeights:
    spec, path = request.spec, request.checkpoint
    if spec.own_classes:
        if request.is_torchs:
            telling.step("convert")
            state_dicts.convert(path, request.converted, spec.library, spec.architecture, labels=spec.own_classes)
            path = request.converted
        telling.step("fit")
        with path.open("rb") as file:
            forms = {name: Form.of_stored(stored) for name, stored in safetensors_header.read(file).items()}
        fitting.check(forms, spec.library, spec.architecture, labels=spec.own_classes)
    return CheckedWeights(path, _sha256(path))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _answers(request: Request, weights: CheckedWeights, telling: Telling) -> tuple[Inputs, Logits]:
    """The golden pictures as inputs, and what the model says of them in torch; the network is let go of."""
    telling.step("load")
    network = networks.build(request.spec, weights, request.cache)
    parameters = sum(parameter.numel() for parameter in network.module.parameters())
    telling.facts(parameters=parameters, classes=len(network.labels))
    classifier = TorchClassifier(network)
    inputs = [classifier.preprocess(picture) for picture in golden_pictures(_PICTURES)]
    telling.step("answer")
    first = _logits(classifier, inputs)
    check_answers(first, classes=len(network.labels))
    telling.step("repeat")
    check_steady(first, _logits(classifier, inputs))
    return inputs, first


def check_answers(logits: Logits, *, classes: int) -> None:
    """Raises MisfitError or ExamFailedError unless each row is finite, has all classes and sums to one as shares."""
    if logits.shape[1] != classes:
        raise MisfitError("other_classes", classes=logits.shape[1], labels=classes)
    if not np.isfinite(logits).all() or not np.allclose(percents(logits).sum(axis=1), 100):
        raise ExamFailedError("not_finite", where="answers")


def check_steady(first: Logits, second: Logits) -> None:
    """Raises ExamFailedError when the same pictures were answered otherwise."""
    if not np.allclose(percents(first), percents(second), rtol=0, atol=_PERCENT_TOLERANCE):
        raise ExamFailedError("unsteady")


def _logits(classifier: Classifier, inputs: Inputs) -> Logits:
    half = len(inputs) // 2
    runtime = cast("ImageClassifier", classifier)
    return np.concatenate([runtime.logits(inputs[:half]), runtime.logits(inputs[half:])])


def _chosen(request: Request, weights: CheckedWeights, telling: Telling) -> Classifier:
    """In the runtime that workers will choose, which lies converted afterwards; loaded a second time, as they will."""
    loading.build(request.spec, weights, cache_dir=request.cache, options=request.options)
    began = perf_counter()
    classifier = loading.build(request.spec, weights, cache_dir=request.cache, options=request.options)
    did = classifier.execution
    telling.facts(
        load_seconds=round(perf_counter() - began, 3), runtime=did.runtime, precision=did.precision, device=did.device
    )
    return classifier


def _measure(classifier: Classifier, inputs: Inputs, telling: Telling) -> None:
    one = _seconds(classifier, inputs[:1])
    telling.step("measure", 0.5)
    many = _seconds(classifier, inputs[:_BATCH])
    telling.facts(
        latency_ms=round(1000 * one, 2),
        pictures_per_second=round(_BATCH / many, 1),
        batch_size=_BATCH,
        peak_memory_bytes=_peak_memory_bytes(),
    )


def _seconds(classifier: Classifier, inputs: Inputs) -> float:
    """The median of some runs after one that warms up."""
    classifier.classify(inputs)
    runs: list[float] = []
    while len(runs) < _FEWEST_RUNS or sum(runs) < _SECONDS:
        began = perf_counter()
        classifier.classify(inputs)
        runs.append(perf_counter() - began)
    return statistics.median(runs)


def _peak_memory_bytes() -> int:
    """Of this process; getrusage would count its parent's before the exec, so it is for systems without /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
    return int(found.split()[1]) * 1024
