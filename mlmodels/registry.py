"""The one engine of this process."""

from functools import cache

from django.conf import settings

from mlmodels.inference.engine import Engine, Options


@cache
def engine() -> Engine:
    options = Options(
        runtime=settings.INFERENCE_RUNTIME,
        precision=settings.INFERENCE_PRECISION,
        device=settings.INFERENCE_DEVICE,
        threads=settings.INFERENCE_THREADS,
    )
    return Engine(
        settings.WEIGHTS_DIR,
        cache_dir=settings.CONVERTED_DIR,
        options=options,
        memory_budget_bytes=settings.MODEL_MEMORY_BUDGET_BYTES,
    )
