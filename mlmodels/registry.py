"""The one engine of this process, with the models of the catalogue and those that staff added, and what feeds it."""

from functools import cache

from django.conf import settings

from mlmodels import added_specs
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.engine import Engine, Options
from mlmodels.inference.errors import UnknownArchitectureError, UnknownModelError
from mlmodels.inference.preparation import Preparation
from mlmodels.models import AddedModel


def find(key: str) -> ModelSpec:
    """The model called `name:version`: the catalogue's, or with one query what staff added.

    The weights of a model of staff are brought to this machine from the storage. Raises UnknownModelError,
    WeightsMissingError.
    """
    if key in catalogue.MODELS:
        return catalogue.find(key)
    added = AddedModel.objects.by_key(key)
    if added is None:
        raise UnknownModelError(key)
    added_specs.bring_weights(added)
    try:
        return added_specs.spec_of(added)
    except UnknownArchitectureError as error:  # this version no longer has it
        raise UnknownModelError(f"{key}: {error}") from error


def options() -> Options:
    return Options(
        runtime=settings.INFERENCE_RUNTIME,
        precision=settings.INFERENCE_PRECISION,
        device=settings.INFERENCE_DEVICE,
        threads=settings.INFERENCE_THREADS,
    )


@cache
def engine() -> Engine:
    return Engine(
        settings.WEIGHTS_DIR,
        find=find,
        cache_dir=settings.CONVERTED_DIR,
        options=options(),
        memory_budget_bytes=settings.MODEL_MEMORY_BUDGET_BYTES,
    )


@cache
def preparation() -> Preparation:
    """The threads that decode and preprocess; they end with the process."""
    return Preparation(max_pixels=settings.UPLOAD_MAX_PIXELS, threads=settings.PREPARATION_THREADS)
