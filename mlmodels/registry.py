"""The one engine of this process."""

from functools import cache

from django.conf import settings

from mlmodels.inference.engine import Engine


@cache
def engine() -> Engine:
    return Engine(settings.WEIGHTS_DIR)
