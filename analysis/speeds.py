"""How quick each model was on this installation lately, by what its runs took."""

from functools import cache

from django.db.models import OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from analysis import estimates
from analysis.story_query import RECENT_RUNS, latest_runs, measured
from mlmodels.models import MLModel


def seconds_a_picture() -> dict[str, float]:
    """By `name:version` what a picture cost one worker, of models with enough runs; one statement along an index."""
    costs = {key: estimates.seconds_a_picture(measured(runs)) for key, runs in _latest().all()}
    return {key: seconds for key, seconds in costs.items() if seconds is not None}


@cache
def _latest() -> QuerySet[MLModel, tuple[str, list[list[str]] | None]]:
    """Built once: that takes longer than answering it."""
    named = MLModel.objects.filter(is_active=True).annotate(of=Concat("name", Value(":"), "version"))
    runs = latest_runs(RECENT_RUNS, model_name=OuterRef("of"))
    return named.annotate(runs=runs).order_by().values_list("of", "runs")
