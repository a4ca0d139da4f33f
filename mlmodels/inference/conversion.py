"""Converts a torch network for OpenVINO and decides whether the result may stand for it; imports both."""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mlmodels.inference import converted_models
from mlmodels.inference.agreement import Agreement, compare
from mlmodels.inference.catalogue import ModelSpec
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

_RAISED_ON_STRANGE_NETWORKS = (
    openvino.tools.ovc.error.Error,
    openvino.frontend.OpConversionFailure,
    openvino.frontend.OpValidationFailure,
    openvino.frontend.NotImplementedFailure,
    openvino.frontend.GeneralFailure,
    RuntimeError,
)


def convert(
    spec: ModelSpec, weights: CheckedWeights, network: Network, *, precision: str, store: ConvertedModels, place: str
) -> Record:
    """Convert, compare with the reference, store. Raises OSError when it cannot be stored.

    A `precision` other than fp32 was asked for by name; fp32 is tried when it differs too much.
    """
    with store.draft() as draft:
        trials = _trials(network, precision, draft)
        chosen = next((name for name, found in trials.items() if _is_accepted(name, found)), None)
        record = Record(
            model=spec.key,
            weights_sha256=weights.sha256,
            runtime="openvino" if chosen else "torch",
            precision=chosen or "fp32",
            trials=trials,
            preprocessing=network.preprocessing,
            labels=list(network.labels),
            files=converted_models.digests(draft) if chosen else {},
        )
        if not chosen:
            converted_models.discard_network(draft)
        store.store(place, draft, record)
    logger.info("%s: %s, %s; agreement with the reference: %s", spec.key, record.runtime, record.precision, trials)
    return record


def _is_accepted(precision: str, found: Agreement) -> bool:
    return found.is_close() if precision == "fp32" else found.is_close_enough_as_asked()


def _trials(network: Network, precision: str, draft: Path) -> dict[str, Agreement]:
    path = draft / "model.xml"
    reference = TorchClassifier(network)
    inputs = [reference.preprocess(picture) for picture in golden_pictures()]
    expected = _logits(reference, inputs)
    trials: dict[str, Agreement] = {}
    try:
        _write(network, path)
        for name in dict.fromkeys((precision, "fp32")):
            candidate = OpenVinoClassifier(path, network.preprocessing, network.labels, precision=name)
            trials[name] = compare(_logits(candidate, inputs), expected)
            if _is_accepted(name, trials[name]):
                break
    except _RAISED_ON_STRANGE_NETWORKS as error:
        logger.warning("the network cannot be converted: %s", error)
    return trials


def _write(network: Network, path: Path) -> None:
    side_px = network.preprocessing.crop_px
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # OpenVINO traces with torch.jit, which is deprecated
        model = openvino.convert_model(
            network.module, example_input=torch.zeros(2, 3, side_px, side_px), input=[-1, 3, side_px, side_px]
        )
    openvino.save_model(model, path, compress_to_fp16=False)


def _logits(classifier: ImageClassifier, inputs: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([classifier.logits(batch) for batch in _batches(inputs)])


def _batches(inputs: list[NDArray[np.float32]]) -> Iterator[list[NDArray[np.float32]]]:
    for start in range(0, len(inputs), _BATCH):
        yield inputs[start : start + _BATCH]
