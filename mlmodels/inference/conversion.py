"""Converts a torch network for OpenVINO and tries what can stand for it on this machine; imports both."""

import logging
import statistics
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from mlmodels.inference import converted_models
from mlmodels.inference.agreement import compare
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.choice import Trial
from mlmodels.inference.classifier import ImageClassifier
from mlmodels.inference.converted_models import ConvertedModels, Record
from mlmodels.inference.golden_pictures import golden_pictures
from mlmodels.inference.networks import Network
from mlmodels.inference.openvino_classifier import OpenVinoClassifier
from mlmodels.inference.quiet_openvino import openvino
from mlmodels.inference.torch_classifier import TorchClassifier
from mlmodels.inference.weights import CheckedWeights

logger = logging.getLogger(__name__)

_BATCH = 10
# After so many batches it shows which precision is too slow to be worth comparing on.
_BATCHES_THAT_SHOW = 4

_RAISED_ON_STRANGE_NETWORKS = (
    openvino.tools.ovc.error.Error,
    openvino.frontend.OpConversionFailure,
    openvino.frontend.OpValidationFailure,
    openvino.frontend.NotImplementedFailure,
    openvino.frontend.GeneralFailure,
    RuntimeError,
)


@dataclass(slots=True)
class _Contender:
    """One way to run the network, with what it answered and how long each batch took."""

    classifier: ImageClassifier
    answers: list[NDArray[np.float32]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def run(self, batch: Sequence[NDArray[np.float32]]) -> None:
        began = perf_counter()
        self.answers.append(self.classifier.logits(batch))
        self.seconds.append(perf_counter() - began)

    @property
    def ms(self) -> float:
        """Milliseconds a picture; the first batch only warms up."""
        return 1000 * statistics.median(self.seconds[1:]) / _BATCH

    @property
    def is_exact(self) -> bool:
        return self.classifier.execution.precision == "fp32"


def convert(
    spec: ModelSpec,
    weights: CheckedWeights,
    network: Network,
    *,
    precisions: Sequence[str],
    threads: int | None,
    store: ConvertedModels,
    place: str,
) -> Record:
    """Convert, try in these precisions, store. Raises OSError when it cannot be stored."""
    with store.draft() as draft:
        trials = _trials(network, precisions, threads, draft / "model.xml")
        is_of_use = any(trial.runtime == "openvino" and trial.is_sound(as_asked=True) for trial in trials)
        record = Record(
            model=spec.key,
            weights_sha256=weights.sha256,
            trials=trials,
            preprocessing=network.preprocessing,
            labels=list(network.labels),
            files=converted_models.digests(draft) if is_of_use else {},
        )
        if not is_of_use:
            converted_models.discard_network(draft)
        store.store(place, draft, record)
    return record


def _trials(network: Network, precisions: Sequence[str], threads: int | None, path: Path) -> list[Trial]:
    """In the order of preference: OpenVINO first, which starts without torch, and the exact before the quick.

    All take turns on the same batches, so that whatever else the machine does slows them all.
    """
    reference = _Contender(TorchClassifier(network))
    contenders = _converted(network, precisions, threads, path)
    contenders += [reference, *(_Contender(TorchClassifier(network, precision=name)) for name in precisions[1:])]
    for number, batch in enumerate(_golden_batches(reference.classifier), start=1):
        reference.run(batch)
        contenders = [each for each in contenders if each is reference or _survives(each, batch)]
        if number == _BATCHES_THAT_SHOW:
            contenders = _without_hopeless(contenders)
    expected = np.concatenate(reference.answers)
    return [_trial(contender, expected) for contender in contenders]


def _converted(network: Network, precisions: Sequence[str], threads: int | None, path: Path) -> list[_Contender]:
    try:
        _write(network, path)
        return [
            _Contender(OpenVinoClassifier(path, network.preprocessing, network.labels, precision=name, threads=threads))
            for name in precisions
        ]
    except _RAISED_ON_STRANGE_NETWORKS as error:
        logger.warning("the network cannot be converted: %s", error)
        return []


def _survives(contender: _Contender, batch: Sequence[NDArray[np.float32]]) -> bool:
    try:
        contender.run(batch)
    except _RAISED_ON_STRANGE_NETWORKS as error:
        logger.warning("%s does not run the network: %s", contender.classifier.execution, error)
        return False
    return True


def _without_hopeless(contenders: list[_Contender]) -> list[_Contender]:
    """The exact ones, and of the others the quickest if it is quicker than they: comparing slow networks takes long."""
    quickest = min(contenders, key=lambda contender: contender.ms)
    return [contender for contender in contenders if contender.is_exact or contender is quickest]


def _trial(contender: _Contender, expected: NDArray[np.float32]) -> Trial:
    did = contender.classifier.execution
    agreement = compare(np.concatenate(contender.answers), expected)
    return Trial(did.runtime, did.precision, agreement, round(contender.ms, 3))


def _write(network: Network, path: Path) -> None:
    side_px = network.preprocessing.crop_px
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # OpenVINO traces with torch.jit, which is deprecated
        model = openvino.convert_model(
            network.module, example_input=torch.zeros(2, 3, side_px, side_px), input=[-1, 3, side_px, side_px]
        )
    openvino.save_model(model, path, compress_to_fp16=False)


def _golden_batches(classifier: ImageClassifier) -> Iterator[list[NDArray[np.float32]]]:
    batch = []
    for picture in golden_pictures():
        batch.append(classifier.preprocess(picture))
        if len(batch) == _BATCH:
            yield batch
            batch = []
