"""Runs a claimed batch through the engine, a few pictures at a time, and hands every outcome to the lifecycle.

While the model looks at some pictures, threads decode and preprocess the next ones; no transaction is open meanwhile.
A picture that cannot be read fails alone; whatever nobody foresaw sends what is not finished back to the queue.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from time import perf_counter
from typing import Any, BinaryIO, cast

import numpy as np
from django.conf import settings
from django.core.files.storage import default_storage

from analysis import failpoints, failures, lifecycle, pictures, warm_models, wording
from analysis.fencing import Claim
from analysis.run_cards import LOADING
from analysis.states import Stage
from analysis.stopwatch import Stopwatch
from mlmodels.inference.classifier import Classifier, Execution
from mlmodels.inference.engine import Engine
from mlmodels.inference.errors import ConversionStoppedError, DeviceLostError, EngineError
from mlmodels.inference.preparation import Input, Outcome, Preparation, Source

logger = logging.getLogger(__name__)


def run(claims: Sequence[Claim], engine: Engine, preparation: Preparation) -> None:
    """Take a batch of one model from claimed to finished, failed or waiting again.

    Raises DeviceLostError when, all being handed on, this process should make room for one that can use the GPU.
    """
    began = perf_counter()
    try:
        _run(claims, engine, preparation)
        logger.info("%d pictures through %s in %.2f s", len(claims), claims[0].model_key, perf_counter() - began)
    except EngineError as error:
        lifecycle.fail(claims, failures.classify(error), detail=str(error))
    except DeviceLostError as error:
        lifecycle.retry(claims, failures.classify(error), detail=str(error))
        raise
    except ConversionStoppedError:
        lifecycle.retry(claims, failures.WORKER_STOPPED)
    except Exception as error:  # the one broad except: whatever broke, the runs must not stay in `processing`
        logger.exception("a batch of %d runs broke", len(claims))
        lifecycle.retry(claims, failures.classify(error), detail=repr(error))


def opening(engine: Engine, model_key: str) -> str:
    """With which sentence runs of this model begin in this process."""
    _percentage, decoding = wording.STAGES[Stage.PREPROCESSING]
    return decoding if engine.is_loaded(model_key) else wording.LOADING_MODEL


def _run(claims: Sequence[Claim], engine: Engine, preparation: Preparation) -> None:
    watch = Stopwatch()
    classifier, held = _loaded(claims, engine, watch)
    weights_sha256 = engine.weights_sha256(claims[0].model_key)
    sources = _sources(held)
    size = settings.INFERENCE_BATCH_SIZE
    with closing(preparation.batches(classifier, sources, batch_size=size)) as batches:
        for outcomes in batches:
            watch.lap(Stage.PREPROCESSING.value)
            _look_at(_readable(outcomes), classifier, watch, weights_sha256)


def _loaded(claims: Sequence[Claim], engine: Engine, watch: Stopwatch) -> tuple[Classifier, Sequence[Claim]]:
    """With the claims that are still ours then."""
    key = claims[0].model_key
    if engine.is_loaded(key):
        classifier = engine.load(key)
        warm_models.note(key, execution=str(classifier.execution))
        return classifier, claims
    began = perf_counter()
    classifier = engine.load(key)
    warm_models.note(key, loading_seconds=perf_counter() - began, execution=str(classifier.execution))
    watch.lap(LOADING)
    return classifier, _reach(claims, Stage.PREPROCESSING)


def _reach(claims: Sequence[Claim], stage: Stage) -> list[Claim]:
    percentage, description = wording.STAGES[stage]
    return lifecycle.advance(claims, stage, percentage=percentage, description=description)


def _sources(claims: Sequence[Claim]) -> dict[Claim, Source]:
    """Without those whose pictures were deleted meanwhile: their runs are no longer ours."""
    paths = pictures.file_paths(claim.image_id for claim in claims)
    return {claim: partial(_open, paths[claim.image_id]) for claim in claims if claim.image_id in paths}


def _open(path: str) -> BinaryIO:
    failpoints.hit("before_read", path)
    return cast("BinaryIO", default_storage.open(path).file)


def _readable(outcomes: Mapping[Claim, Outcome]) -> dict[Claim, Input]:
    """The inputs; the other pictures are given up one by one."""
    inputs = {}
    for claim, outcome in outcomes.items():
        if isinstance(outcome, np.ndarray):
            inputs[claim] = outcome
        else:
            _give_up(claim, outcome)
    return inputs


def _give_up(claim: Claim, error: Exception) -> None:
    failure = failures.classify(error)
    end = lifecycle.retry if failure.is_transient else lifecycle.fail
    end([claim], failure, detail=str(error))


def _look_at(inputs: Mapping[Claim, Input], classifier: Classifier, watch: Stopwatch, weights_sha256: str) -> None:
    failpoints.hit("after_decode")
    held = _reach(list(inputs), Stage.MODEL_EXECUTION)
    if not held:
        return
    before = classifier.execution
    failpoints.hit("during_inference")
    ranked = classifier.classify([inputs[claim] for claim in held], top_k=settings.TOP_K)
    watch.lap(Stage.MODEL_EXECUTION.value)
    failpoints.hit("after_inference")
    predictions = dict(zip(held, ranked, strict=True))
    shortage = wording.shortage(before, classifier.execution)
    if shortage:
        percentage, _looking = wording.STAGES[Stage.MODEL_EXECUTION]
        held = lifecycle.advance(held, Stage.MODEL_EXECUTION, percentage=percentage, description=shortage)
    answered = {claim: predictions[claim] for claim in held}
    facts = _facts(classifier.execution, watch, len(predictions), weights_sha256)
    lifecycle.complete(answered, execution=str(classifier.execution), sentence=shortage, facts=facts)
    failpoints.hit("after_result_commit")


def _facts(execution: Execution, watch: Stopwatch, batch: int, weights_sha256: str) -> dict[str, Any]:
    """What the card of a result says of its run."""
    how = {name: value for name, value in asdict(execution).items() if name != "largest_batch"}
    return {"weights_sha256": weights_sha256, **how, "batch": batch, "stages_ms": dict(watch.milliseconds)}
