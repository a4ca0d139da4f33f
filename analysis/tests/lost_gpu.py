"""An app whose models run on a GPU that fails for good in the first process that uses it."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import AppConfig

from mlmodels.inference import loading
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.classifier import Classifier
from mlmodels.inference.weights import CheckedWeights


class LostGpu(AppConfig):
    name = "analysis.tests"
    label = "lost_gpu"

    def ready(self) -> None:
        loading.build = stuck


def stuck(spec: ModelSpec, weights: CheckedWeights, **_options: Any) -> Classifier:
    # Brings torch, which the worker's parent may not hold.
    networks = import_module("analysis.tests.faulty_networks")
    found: Classifier = networks.classifier(networks.Stuck(Path(os.environ["LOST_GPU"])), spec)
    return found
