"""Examines a model before it may be used: starts the sandboxed child that loads and runs it, and reads its report."""

import hashlib
import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlmodels.inference import loading
from mlmodels.inference.architectures import ARCHITECTURES
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.checkpoints import checkpoint_files
from mlmodels.inference.confinement.sandbox import Limits
from mlmodels.inference.errors import CheckpointError, ExamFailedError, WeightsDamagedError
from mlmodels.inference.exams import exam_child, exam_folder
from mlmodels.inference.exams.exam_messages import STEPS as _PERCENTAGES
from mlmodels.inference.exams.exam_messages import Heard, Request, Scalar
from mlmodels.inference.options import Options
from mlmodels.inference.weights import checked

# "convert" only for a checkpoint of torch.
STEPS = tuple(_PERCENTAGES)

OnProgress = Callable[[str, int], None]

# Measured: torch, OpenVINO and their libraries, and as many times the weights while they are converted.
_LIBRARIES_BYTES = 3 * 2**29
_TIMES_WEIGHTS = 4
# What is mapped and not allocated: libraries, reserved stacks and arenas, the checkpoint.
_MAPPED_BYTES = 8 * 2**30
_SMALLEST_FILE_LIMIT_BYTES = 2**28


@dataclass(frozen=True, slots=True)
class Report:
    """What came out.

    `code` is "" when the model passed, else one of CheckpointError's or
    "unknown_architecture" (values: architecture); "too_large" (needed_bytes, where it is known; limit_bytes);
    "other_parameters" (missing, unknown, misshapen: numbers; example: a name); "other_classes" (classes, labels);
    "not_finite" (where: "weights" or "answers"); "unsteady"; "weights_damaged", of a model of the catalogue;
    "too_slow" (limit_seconds); "died" (status, negative for a signal).

    `facts` (all of them when passed, else those that were found before): weights_bytes, weights_sha256 (of the
    safetensors file when it was converted); parameters, classes, load_seconds, latency_ms (one picture, median),
    pictures_per_second, batch_size, peak_memory_bytes, runtime, precision, device, same_best (share of the
    golden_pictures with torch's best label), controls (those of sandbox.CONTROLS that hold in the child).
    """

    passed: bool
    code: str = ""
    values: dict[str, Scalar] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def examine(
    spec: ModelSpec,
    checkpoint: Path,
    *,
    safetensors: Path | None,
    cache_dir: Path,
    options: Options,
    memory_limit_bytes: int,
    time_limit_seconds: float,
    on_progress: OnProgress,
) -> Report:
    """Load and run the model of `spec` with the weights in `checkpoint`, in a child that can do nothing else.

    A checkpoint of torch is converted into the file `safetensors` (without a checksum beside it), which is written
    only when the model passed; `spec.weights` is not looked at for models of staff. The converted model is left in
    `cache_dir`, where loading will find it. `on_progress(step, percentage)` is called in this thread, some ten times.
    A child that dies or takes too long is a failed exam, no exception. Raises OSError when files cannot be read or
    written or the child cannot be started.
    """
    try:
        weights = _looked_at(spec, checkpoint, memory_limit_bytes)
    except (CheckpointError, ExamFailedError) as error:
        return Report(passed=False, code=error.code, values=dict(error.values))
    if weights.is_torchs and safetensors is None:
        raise ValueError(f"{spec.key} is to be converted, but not whereto")
    with exam_folder.made_in(cache_dir) as folder:
        request = Request(
            spec=spec,
            checkpoint=checkpoint.resolve(),
            is_torchs=weights.is_torchs,
            folder=folder,
            cache_dir=cache_dir.resolve(),
            closed=(Path(tempfile.gettempdir()), cache_dir.resolve()),
            options=options,
            limits=_limits(weights, memory_limit_bytes, time_limit_seconds),
        )
        exam_folder.lend_converted(request, weights.sha256)
        heard = Heard(on_progress)
        exam_child.run(request, time_limit_seconds, heard)
        if not heard.passed:
            return Report(passed=False, code=heard.code, values=heard.values, facts=heard.facts)
        return _kept(request, weights, safetensors, heard.facts)


@dataclass(frozen=True, slots=True)
class _Weights:
    is_torchs: bool
    size_bytes: int
    sha256: str


def _looked_at(spec: ModelSpec, checkpoint: Path, memory_limit_bytes: int) -> _Weights:
    """Raises CheckpointError or ExamFailedError for what need not be loaded to be refused."""
    if spec.own_classes is None:
        sha256, is_torchs = _sha256_of_known(spec, checkpoint), False
        size_bytes = checkpoint.stat().st_size
    else:
        _check_architecture(spec)
        with checkpoint.open("rb") as file:
            contents = checkpoint_files.look_into(file)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        is_torchs, size_bytes = contents.format == "torch", contents.tensor_bytes
    needed_bytes = _LIBRARIES_BYTES + _TIMES_WEIGHTS * size_bytes
    if needed_bytes > memory_limit_bytes:
        raise ExamFailedError("too_large", needed_bytes=needed_bytes, limit_bytes=memory_limit_bytes)
    return _Weights(is_torchs, size_bytes, sha256)


def _limits(weights: _Weights, memory_bytes: int, seconds: float) -> Limits:
    return Limits(
        memory_bytes=memory_bytes,
        # The driver of a GPU reserves more addresses than any machine has memory.
        address_bytes=None if loading.has_nvidia_gpu() else memory_bytes + _MAPPED_BYTES,
        file_bytes=max(_SMALLEST_FILE_LIMIT_BYTES, 4 * weights.size_bytes),
        cpu_seconds=math.ceil(seconds) * (os.cpu_count() or 1),
    )


def _sha256_of_known(spec: ModelSpec, weights: Path) -> str:
    try:
        return checked(spec.weights, weights).sha256
    except WeightsDamagedError as error:
        raise ExamFailedError(error.code) from error


def _check_architecture(spec: ModelSpec) -> None:
    if f"{spec.library}/{spec.architecture}" not in ARCHITECTURES:
        raise ExamFailedError("unknown_architecture", architecture=spec.architecture)


def _kept(request: Request, weights: _Weights, safetensors: Path | None, facts: dict[str, Any]) -> Report:
    """Takes over what the child made, after another look at it."""
    path, sha256 = request.checkpoint, weights.sha256
    if request.is_torchs and safetensors:
        path = safetensors
        try:
            exam_folder.take_converted_checkpoint(request, safetensors)
        except CheckpointError as error:
            return Report(passed=False, code=error.code, values=dict(error.values), facts=facts)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    exam_folder.take_converted_model(request, sha256)
    of_weights = {"weights_bytes": path.stat().st_size, "weights_sha256": sha256}
    return Report(passed=True, facts={**facts, **of_weights})
