"""Chooses how a model is run on this machine; imports the runtimes themselves only when it comes to them."""

import ctypes
import logging
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mlmodels.inference import converted_models, converter
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.choice import chosen
from mlmodels.inference.classifier import Classifier
from mlmodels.inference.converted_models import ConvertedModels, Record
from mlmodels.inference.options import Options, cpu_precisions
from mlmodels.inference.weights import CheckedWeights

if TYPE_CHECKING:
    from mlmodels.inference.networks import Network

logger = logging.getLogger(__name__)

# torch and OpenVINO are imported inside functions here and nowhere earlier: a process that only forks or answers pages
# must never hold them, a child forked from one that used torch hangs, and a child whose models are converted starts in
# a fraction of the time that importing torch takes.


def build(spec: ModelSpec, weights: CheckedWeights, *, cache_dir: Path | None, options: Options) -> Classifier:
    """The classifier of `spec`: on a GPU in torch, else in what was quickest here of all that agrees with torch.

    `cache_dir` keeps converted models and embedded labels; without it there is no conversion. Raises
    WeightsDamagedError.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # nothing is fetched while pictures wait
    if _may_use_gpu(options):
        from mlmodels.inference import gpu

        classifier = gpu.classifier(network_of(spec, weights, cache_dir), options)
        if classifier:
            return classifier
        logger.warning("there is a GPU that torch cannot run %s on", spec.key)
    if cache_dir and options.runtime != "torch" and find_spec("openvino"):
        return _converted(spec, weights, cache_dir, options)
    return _in_torch(spec, weights, cache_dir, options.cpu_precision())


def network_of(spec: ModelSpec, weights: CheckedWeights, cache_dir: Path | None) -> "Network":
    """The network of `spec` in torch on the CPU: the reference, and what heat maps are made of."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # nothing is fetched while pictures wait
    from mlmodels.inference import networks

    return networks.build(spec, weights, cache_dir)


def _in_torch(spec: ModelSpec, weights: CheckedWeights, cache_dir: Path | None, precision: str) -> Classifier:
    network = network_of(spec, weights, cache_dir)
    from mlmodels.inference.torch_classifier import TorchClassifier

    return TorchClassifier(network, precision=precision)


def _converted(spec: ModelSpec, weights: CheckedWeights, cache_dir: Path, options: Options) -> Classifier:
    store = ConvertedModels(cache_dir)
    place = converted_models.place(spec, weights.sha256, cpu_precisions())
    try:
        record = store.find(place) or _convert_once(spec, weights, options, store, place)
    except OSError as error:
        logger.warning("%s cannot be converted: %s", spec.key, error)
        return _in_torch(spec, weights, cache_dir, options.cpu_precision())
    trial = chosen(record.trials, options)
    if trial.runtime == "torch":
        return _in_torch(spec, weights, cache_dir, trial.precision)
    from mlmodels.inference.openvino_classifier import OpenVinoClassifier

    return OpenVinoClassifier(
        store.network_path(place),
        record.preprocessing,
        record.labels,
        precision=trial.precision,
        threads=options.threads,
    )


def _convert_once(
    spec: ModelSpec, weights: CheckedWeights, options: Options, store: ConvertedModels, place: str
) -> Record:
    with store.locked():
        if found := store.find(place):  # by the process that this one waited for
            return found
        request = converter.Request(spec, weights, store.folder, place, options.threads)
        # What holds torch already has nothing to gain from another process; and an exam's child cannot start any.
        (converter.convert_here if "torch" in sys.modules else converter.convert)(request)
        record = store.find(place)
    if record is None:
        raise OSError("nothing lies where the converted model should")
    logger.info("%s was tried; %s", spec.key, "; ".join(map(str, record.trials)))
    return record


def _may_use_gpu(options: Options) -> bool:
    if options.device == "cpu" or options.runtime == "openvino":
        return False
    if has_nvidia_gpu():
        return True
    if options.device == "cuda":
        logger.warning("no NVIDIA GPU was found: the models run on the CPU")
    return False


def has_nvidia_gpu() -> bool:
    """Asks the driver, in a fraction of the time that importing torch takes. Obeys CUDA_VISIBLE_DEVICES."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
