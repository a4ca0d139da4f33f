"""Runs a claimed batch through the engine, stage by stage, and hands every outcome to the lifecycle.

No transaction is open while pictures are decoded or the model runs. A picture that cannot be read fails alone; whatever
nobody foresaw sends the batch back to the queue.
"""

import logging
from collections.abc import Sequence
from time import perf_counter
from typing import BinaryIO, cast

import numpy as np
from django.conf import settings
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from analysis import failures, lifecycle, pictures, wording
from analysis.fencing import Claim
from analysis.states import Stage
from mlmodels.inference.classifier import Classifier
from mlmodels.inference.engine import Engine
from mlmodels.inference.errors import EngineError
from mlmodels.inference.pictures import PictureError, decode

logger = logging.getLogger(__name__)


def run(claims: Sequence[Claim], engine: Engine) -> None:
    """Take a batch of one model from claimed to finished, failed or waiting again."""
    began = perf_counter()
    try:
        _run(claims, engine)
        logger.info("%d pictures through %s in %.2f s", len(claims), claims[0].model_key, perf_counter() - began)
    except EngineError as error:
        lifecycle.fail(claims, failures.classify(error), detail=str(error))
    except Exception as error:  # the one broad except: whatever broke, the runs must not stay in `processing`
        logger.exception("a batch of %d runs broke", len(claims))
        lifecycle.retry(claims, failures.classify(error), detail=repr(error))


def _run(claims: Sequence[Claim], engine: Engine) -> None:
    classifier = _loaded(claims, engine)
    held = _reach(claims, Stage.PREPROCESSING)
    inputs = _preprocess(held, classifier)
    held = _reach(list(inputs), Stage.MODEL_EXECUTION)
    if not held:
        return
    ranked = classifier.classify([inputs[claim] for claim in held], top_k=settings.TOP_K)
    predictions = dict(zip(held, ranked, strict=True))
    held = _reach(held, Stage.POSTPROCESSING)
    lifecycle.complete({claim: predictions[claim] for claim in held})


def _loaded(claims: Sequence[Claim], engine: Engine) -> Classifier:
    key = claims[0].model_key
    if not engine.is_loaded(key):
        lifecycle.advance(claims, Stage.PREPROCESSING, percentage=5, description=wording.LOADING_MODEL)
    return engine.load(key)


def _reach(claims: Sequence[Claim], stage: Stage) -> list[Claim]:
    percentage, description = wording.STAGES[stage]
    return lifecycle.advance(claims, stage, percentage=percentage, description=description)


def _preprocess(claims: Sequence[Claim], classifier: Classifier) -> dict[Claim, NDArray[np.float32]]:
    paths = pictures.file_paths(claim.image_id for claim in claims)
    inputs = {}
    for claim in claims:
        if claim.image_id not in paths:
            continue  # deleted meanwhile: its run is no longer ours
        try:
            inputs[claim] = _input_of(paths[claim.image_id], classifier)
        except (PictureError, FileNotFoundError) as error:
            lifecycle.fail([claim], failures.classify(error), detail=str(error))
    return inputs


def _input_of(path: str, classifier: Classifier) -> NDArray[np.float32]:
    with default_storage.open(path) as file:
        content = cast("BinaryIO", file.file)
        at_least_px = classifier.decode_at_least_px
        picture = decode(content, max_pixels=settings.UPLOAD_MAX_PIXELS, at_least_px=at_least_px)
    return classifier.preprocess(picture)
