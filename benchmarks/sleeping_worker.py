"""A Celery application whose models only sleep: what a queue can do when computing is not what limits it.

    SLEEP_SECONDS=0.1 celery -A benchmarks.sleeping_worker worker

Everything but the network is the real thing: claims, files, decoding, stages, results.
"""

import os
import time
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from celery.signals import worker_init
from django.conf import settings
from numpy.typing import NDArray

from imageanalysis.celery import app
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.classifier import Execution, ImageClassifier
from mlmodels.inference.engine import Engine
from mlmodels.inference.preprocessing import Preprocessing
from mlmodels.inference.weights import CheckedWeights

__all__ = ["app"]

SMALL = Preprocessing(resize_px=32, crop_px=32, interpolation="bilinear", mean=(0, 0, 0), std=(1, 1, 1))


class SleepingClassifier(ImageClassifier):
    """Takes a set time for each picture and always gives the same labels."""

    def __init__(self, seconds_per_picture: float) -> None:
        super().__init__(SMALL, [f"label {n}" for n in range(10)])
        self._seconds_per_picture = seconds_per_picture

    @property
    def execution(self) -> Execution:
        return Execution("torch", "fp32", "CPU")

    def logits(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        time.sleep(self._seconds_per_picture * len(batch))
        return np.tile(np.arange(10, dtype=np.float32), (len(batch), 1))


def _build(spec: ModelSpec, weights: CheckedWeights) -> SleepingClassifier:
    return SleepingClassifier(float(os.environ["SLEEP_SECONDS"]))


@cache
def engine() -> Engine:
    return Engine(settings.WEIGHTS_DIR, build=_build)


@worker_init.connect
def let_models_sleep(**_kwargs: Any) -> None:
    for name in ("mlmodels.registry", "analysis.tasks"):
        vars(import_module(name))["engine"] = engine
